"""What the page is asked: its address as a filter, and addresses for every change of that filter.

Owns the page's own parameter `view`, the form's empty fields and names typed by hand. Refuses to answer: an
address that needs tidying is sent on, one that is broken says which part.
"""

from collections.abc import Iterable
from urllib.parse import urlencode

from msgspec import Struct, structs

from trailbook.errors import FilterInvalidError
from trailbook.query import Known, Paging, Query, from_params, split_params, to_params

Pairs = list[tuple[str, str]]

_FORM = frozenset({"date", "from", "to", "tz", "text", "actor", "concerns", "outcome", "view"})
TYPED = ("actor", "concerns")


class Asking(Struct, frozen=True, kw_only=True):
    """One address of the page, read."""

    path: str
    query: Query
    paging: Paging
    view: str | None
    home_zone: str

    def href(self, query: Query, *more: tuple[str, str]) -> str:
        """The address of the page with another filter."""
        return address(self.path, [*self.kept(query), *more])

    def kept(self, query: Query) -> Pairs:
        """The parameters of a filter on this page, where the zone at home needs no mention."""
        pairs = [(name, value) for name, value in to_params(query) if name != "tz"]
        if query.tz != self.home_zone:
            pairs.append(("tz", query.tz))
        default = Paging()
        if self.paging.order != default.order:
            pairs.append(("order", self.paging.order))
        if self.paging.limit != default.limit:
            pairs.append(("limit", str(self.paging.limit)))
        return [*pairs, ("view", self.view)] if self.view else pairs

    def with_value(self, name: str, value: str) -> Query:
        """The filter with one value more, from its newest entries."""
        return from_params([*to_params(self.fresh), (name, value)])

    def without(self, name: str, value: str) -> Query:
        """The filter with one value less, from its newest entries."""
        return from_params([pair for pair in to_params(self.fresh) if pair != (name, value)])

    def has(self, name: str, value: str) -> bool:
        """Whether the filter has this value."""
        return (name, value) in to_params(self.query)

    @property
    def fresh(self) -> Query:
        """The filter over all there is now."""
        return structs.replace(self.query, as_of=None)


def address(path: str, pairs: Iterable[tuple[str, str]]) -> str:
    """A path with parameters."""
    written = urlencode(list(pairs), safe="/:*,")
    return f"{path}?{written}" if written else path


def tidied(pairs: Iterable[tuple[str, str]]) -> Pairs:
    """The address without the fields that a form sent empty, blanks around typed names taken away."""
    kept = [(name, value.strip() if name in TYPED else value) for name, value in pairs]
    return [(name, value) for name, value in kept if value or name not in _FORM]


def typed(pairs: Iterable[tuple[str, str]], types: Iterable[str]) -> Pairs:
    """The actors and concerned items that are given as a name, not as type/id."""
    known = frozenset(types)
    return [(n, v) for n, v in pairs if n in TYPED and ("/" not in v or v.partition("/")[0] not in known)]


def read(path: str, pairs: Pairs, *, known: Known, home_zone: str) -> Asking:
    """Read the page's address.

    Raises: FilterInvalidError, CursorInvalidError.
    """
    views = [value for name, value in pairs if name == "view"]
    filtered, paging = split_params((n, v) for n, v in pairs if n != "view")
    if not any(name == "tz" for name, _ in filtered):
        filtered.append(("tz", home_zone))
    return Asking(
        path=path,
        query=from_params(filtered, known),
        paging=paging,
        view=views[0] if views else None,
        home_zone=home_zone,
    )


def names_at_fault(error: FilterInvalidError) -> list[tuple[str, str, str]]:
    """Each parameter at fault: its name, the code of the fault, and what the core says of it."""
    return [(f.pointer[1:].replace("~1", "/").replace("~0", "~"), f.code, f.detail) for f in error.faults]
