"""Counts beside the filter's values: exactly how many entries have each, and who and what there is by name.

Owns which fields are counted on the page. Refuses numbers beside persons, and any where a filter names them as
actors (R20): then it says why.
"""

import zlib
from typing import Any, get_args

from litestar import Response
from msgspec import Struct

from trailbook.catalogue import Catalogue
from trailbook.errors import Fault, FiguresOfAPersonError, FilterInvalidError
from trailbook.finding import By, Facets, FacetValue
from trailbook.model import INTERFACES, KINDS, OUTCOMES
from trailbook.query import Query, fold, in_words
from trailbook.web.http.render import html, partial
from trailbook.web.http.request import Request
from trailbook.web.pages import address as asking
from trailbook.web.pages.address import Address, address
from trailbook.web.pages.frame import frame, telling
from trailbook.web.pages.names import Naming
from trailbook.web.pages.rows import cut

COUNTED: tuple[By, ...] = ("category", "actor_kind", "outcome", "origin", "action")
NAMED: tuple[By, ...] = ("actor", "concerns")
NAMES, _MOST_TURNS = 100, 20
_OWN = ("by", "turn")


class Value(Struct, frozen=True, kw_only=True):
    """One value: its label, how many entries have it, where it leads to, and whether the filter has it."""

    value: str
    label: str
    count: int | None
    href: str
    held: bool


class Loading(Struct, frozen=True):
    """Where the counts of one field of the form come from; the id changes with the filter, so that they come anew."""

    id: str
    href: str


def figures(request: Request, state: Address, bound: Query) -> dict[str, Any]:
    """What the list needs to show counts: where they are, or why there are none."""
    why = None
    try:
        request.log.demand_figures(bound)
    except FiguresOfAPersonError:
        why = request.words("bars.person")
    here = _here(state, bound)
    return {"why": why, "href": here, "of": {} if why else {by: _loading(here, by) for by in COUNTED}}


def _loading(here: str, by: By) -> Loading:
    href = f"{here}{'&' if '?' in here else '?'}by={by}"
    return Loading(f"n-{by}-{zlib.crc32(href.encode()):08x}", href)


def _here(state: Address, query: Query, *more: tuple[str, str]) -> str:
    return address(f"{state.path}/values", [*state.kept(query), *more])


def owned(pairs: asking.Pairs) -> tuple[dict[str, str], asking.Pairs]:
    """The page's own parameters, and the list's. Raises: FilterInvalidError."""
    mine = dict(pair for pair in pairs if pair[0] in _OWN)
    known = (*COUNTED, *NAMED)
    if mine.get("by", "category") not in known:
        why = f"is none of {', '.join(known)}"
        raise FilterInvalidError(why, (Fault("/by", "parameter-invalid", why),))
    return mine, [pair for pair in pairs if pair[0] not in _OWN]


def values(request: Request, state: Address, own: dict[str, str]) -> Response[Any]:
    """GET values: the counts of all fields, those of one for the form, or the names of one by the alphabet."""
    by: By | None = next((one for one in get_args(By) if one == own.get("by")), None)
    try:
        if by is not None and by in COUNTED and partial(request.headers):
            return _for_form(request, state, by)
        if by is not None and by in NAMED:
            return _names(request, state, (by, own.get("turn")))
        found = [(one, _values(request, state, one)) for one in ((by,) if by else COUNTED)]
    except FiguresOfAPersonError:
        return _shown(request, state, 422, why=request.words("bars.person"), found=[])
    return _shown(request, state, 200, why=None, found=found)


def _shown(request: Request, state: Address, status: int, **more: Any) -> Response[Any]:
    said = telling(request, state, state.query.tz)
    naming = Naming(request.log, request.viewer, said, entries=[])
    return html(
        "values.html",
        status,
        part=partial(request.headers),
        **frame(request),
        said=in_words(state.fresh, naming.label, request.lang),
        list=state.href(state.fresh),
        names={by: _here(state, state.fresh, ("by", by)) for by in NAMED},
        **{"letters": [], "by": None, "turns": {}, **more},
    )


def _for_form(request: Request, state: Address, by: By) -> Response[Any]:
    """The form's own choices of one field with their counts."""
    told = _values(request, state, by)
    return html("counted.html", t=request.words, by=by, found=told)


def _values(request: Request, state: Address, by: By) -> list[Value]:
    """Every value that the form offers, in its order, with its count; none is 0."""
    found = request.log.facets(state.query, by, viewer=request.viewer, limit=200, lang=request.lang)
    counts = {value.value: value.count or 0 for value in found.values}
    return [
        _value(request, state, by, (value, counts.get(value, 0))) for value in _offered(request, by, found)
    ]


def _offered(request: Request, by: By, found: Facets) -> list[str]:
    catalogue = request.log.catalogue
    offered = {
        "category": tuple(catalogue.categories),
        "actor_kind": KINDS,
        "outcome": OUTCOMES,
        "origin": INTERFACES,
    }
    if by == "category":
        return sorted(offered[by], key=lambda name: fold(_label(catalogue, request, by, name)))
    return list(offered.get(by, tuple(value.value for value in found.values)))


def _label(catalogue: Catalogue, request: Request, by: By, value: str) -> str:
    if by == "actor_kind":
        return request.words(f"kind.{value}")
    return catalogue.label("interface" if by == "origin" else by, value, request.lang)


def _value(request: Request, state: Address, by: By, counted: tuple[str, int]) -> Value:
    value, count = counted
    held = state.has(by, value)
    query = state.without(by, value) if held else state.with_value(by, value)
    label = _label(request.log.catalogue, request, by, value)
    return Value(value=value, label=label, count=count, href=state.href(query), held=held)


def _names(request: Request, state: Address, turn: tuple[By, str | None]) -> Response[Any]:
    """Who did it, or whom and what it is about, by the alphabet; numbers beside what is no person."""
    by, cursor = turn
    found, further = _named(request, state, turn)
    told = [
        Value(
            value=one.value,
            label=cut(one.label),
            count=one.count,
            href=state.href(state.fresh if state.has(by, one.value) else state.with_value(by, one.value)),
            held=state.has(by, one.value),
        )
        for one in found
    ]
    letters: dict[str, list[Value]] = {}
    for one in told:
        letters.setdefault(fold(one.label)[:1].upper() or "#", []).append(one)
    older = _here(state, state.query, ("by", by), ("turn", further)) if further else None
    first = _here(state, state.fresh, ("by", by)) if cursor else None
    turns = {"older": older, "first": first}
    return _shown(request, state, 200, why=None, found=[], by=by, letters=list(letters.items()), turns=turns)


def _named(
    request: Request, state: Address, turn: tuple[By, str | None]
) -> tuple[list[FacetValue], str | None]:
    """The next values that have a name, and where those after them begin; an id alone is nothing to choose by."""
    (by, cursor), named = turn, []
    for _ in range(_MOST_TURNS):
        found = request.log.facets(
            state.query, by, viewer=request.viewer, limit=200, cursor=cursor, lang=request.lang
        )
        named += [one for one in found.values if one.label != one.value.partition("/")[2]]
        cursor = found.next_cursor
        if cursor is None or len(named) >= NAMES:
            break
    return named, cursor
