"""Names typed where a filter takes items: `--concerns "Anna Berg"` means the one who is called so.

Owns the choice of the only one, and the words about several and about nobody. Refuses to choose among several, and to
take a near name for the one that was typed.
"""

from typing import TYPE_CHECKING

from trailbook.cli.context import Opened
from trailbook.errors import Fault, FilterInvalidError
from trailbook.query import FIELDS, fold

if TYPE_CHECKING:
    from trailbook.finding import FoundItem, Part

Pairs = list[tuple[str, str]]
_LONGEST = 80  # characters of a name that are looked up; no name of so many is typed by hand


def with_items(opened: Opened, pairs: Pairs) -> Pairs:
    """The parameters of a filter with each name replaced by the item that has it. Raises: FilterInvalidError."""
    return [
        (name, _item(opened, name, value) if _is_name(opened, name, value) else value)
        for name, value in pairs
    ]


def _is_name(opened: Opened, name: str, value: str) -> bool:
    field = FIELDS.get(name.removesuffix(".not"))
    if field is None or not field.items or not value.strip():
        return False
    type_, slash, _ = value.partition("/")
    return not slash or (" " in value and type_ not in opened.log.catalogue.types)


def _item(opened: Opened, name: str, text: str) -> str:
    role: Part | None = "actor" if name.startswith("actor") else None
    meant = opened.log.meant(text[:_LONGEST], viewer=opened.viewer, role=role)
    alike = [item for item in meant.items if fold(item.name or "") == fold(text)]
    items = alike or meant.items
    if len(items) == 1:
        return _written(items[0])
    if items:
        raise _refused(name, f"{text!r} may be any of {len(items)}: {_listed(items)}; write one as TYPE/ID")
    near = f" Did you mean {_listed(meant.near)}?" if meant.near else ""
    raise _refused(name, f"nobody and nothing is called {text!r}.{near}")


def _listed(items: "list[FoundItem] | tuple[FoundItem, ...]") -> str:
    return ", ".join(f"{item.name or item.id} ({_written(item)}{_beside(item)})" for item in items)


def _beside(item: "FoundItem") -> str:
    return f", {item.hint}" if item.hint else f", last seen {item.last_seen[:10]}" if item.last_seen else ""


def _written(item: "FoundItem") -> str:
    return f"{item.type}/{item.id}"


def _refused(name: str, why: str) -> FilterInvalidError:
    return FilterInvalidError(f"{name}: {why}", (Fault(f"/{name}", "parameter-invalid", why),))
