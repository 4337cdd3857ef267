"""Items as options write them: `role/r-3=Manager`, and with a kind or part before, `member:user/u-42=Bob Li`.

Owns that form. Judges no item that becomes part of an entry: the rules of the record do, each with its own words.
"""

from trailbook.errors import Fault, InvalidError
from trailbook.model import Item, item_faults

ITEM = "TYPE/ID[=NAME]"


def parse_item(member: str, text: str | None, prefix: str | None = None) -> dict[str, str] | None:
    """An item as an option writes it, as a member of the wire; None when the option was not given.

    `prefix` names what stands before a colon: an actor's kind, a concern's part. Raises: InvalidError.
    """
    if text is None:
        return None
    before, colon, rest = text.partition(":") if prefix else ("", "", text)
    type_, slash, id_and_name = rest.partition("/")
    if not slash or (prefix and not colon):
        form = f"{prefix.upper()}:{ITEM}" if prefix else ITEM
        detail = f"{member}: is not written {form}"
        raise InvalidError(detail, (Fault(f"/{member}", "invalid", detail),))
    id_, equals, name = id_and_name.partition("=")
    item = {"type": type_, "id": id_} | ({prefix: before} if prefix else {})
    return item | {"name": name} if equals else item


def sound(item: Item, member: str) -> Item:
    """An item that no entry brings in: the source of entries, somebody who signs in. Raises: InvalidError."""
    faults = tuple(item_faults(item, f"/{member}"))
    if faults:
        raise InvalidError("; ".join(f"{f.pointer[1:]} {f.detail}" for f in faults), faults)
    return item
