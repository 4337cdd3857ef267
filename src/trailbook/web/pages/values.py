"""Counts beside the filter's values: exactly how many entries have each, and who and what there is by name.

Owns which fields are counted on the page. Refuses numbers beside persons, and any where a filter names them as
actors: then it says why.
"""

import zlib
from collections.abc import Iterable, Sequence
from typing import Any, cast, get_args

from litestar import Response
from msgspec import Struct

from trailbook.catalogue import Catalogue
from trailbook.errors import Fault, FiguresOfAPersonError, FilterInvalidError
from trailbook.finding import FacetField, FacetValue
from trailbook.query import FACETS, FIELDS, FieldForm, Query, fold, in_words
from trailbook.web.http.render import html, page, partial
from trailbook.web.http.request import Request
from trailbook.web.pages.address import Address, PageParameters, Pairs, address, tidied
from trailbook.web.pages.broken import mendable
from trailbook.web.pages.frame import frame, list_of, presenter_of
from trailbook.web.pages.names import Naming, items_of
from trailbook.web.pages.rows import cut

NAMES, _MOST_TURNS = 100, 20
_OWN = ("by", "turn")


def _by_form(*forms: FieldForm) -> tuple[FacetField, ...]:
    """What is counted of the fields that the form takes so."""
    names = [f.facet for form in forms for f in FIELDS.values() if f.form == form and f.facet]
    return cast(tuple[FacetField, ...], tuple(names))


COUNTED, NAMED = _by_form("boxes", "list"), _by_form("typed")


class Value(Struct, frozen=True, kw_only=True):
    """One value: its label, how many entries have it, where it leads to, and whether the filter has it."""

    value: str
    label: str
    count: int | None
    href: str
    held: bool


Counted = Sequence[tuple[FacetField, Sequence[Value]]]


class NamedValues(Struct, frozen=True):
    """Values that have a name, and where those after them begin."""

    values: list[FacetValue]
    cursor: str | None


class Loading(Struct, frozen=True):
    """Where the counts of one field of the form come from; the id changes with the filter, so that they come anew."""

    id: str
    href: str


class Figures(Struct, frozen=True):
    """Where the counts of a list are, all and by field, or why there are none."""

    why: str | None
    href: str
    of: dict[FacetField, Loading]


class ValuesPage(Struct, frozen=True, kw_only=True):
    """The counts of a list: of the fields in `counted`, or the names of one field by their first letter."""

    filter_words: str
    list: str
    names: dict[FacetField, str]
    why: str | None
    counted: Counted = ()
    by: FacetField | None = None
    letters: Sequence[tuple[str, Sequence[Value]]] = ()
    older: str | None = None
    first: str | None = None


def figures(state: Address, bound: Query, why: str | None) -> Figures:
    """What the list needs to show counts: where they are, or `why` there are none."""
    href = _address(state, bound)
    return Figures(why, href, {} if why else {by: _loading(href, by) for by in COUNTED})


def _loading(page: str, by: FacetField) -> Loading:
    href = f"{page}{'&' if '?' in page else '?'}by={by}"
    return Loading(f"n-{by}-{zlib.crc32(href.encode()):08x}", href)


def _address(state: Address, query: Query, *more: tuple[str, str]) -> str:
    """Where the counts of a list are."""
    return address(f"{state.path}/values", [*state.kept(query), *more])


def owned(pairs: Pairs) -> PageParameters:
    """The page's own parameters, and the list's. Raises: FilterInvalidError."""
    own = dict(pair for pair in pairs if pair[0] in _OWN)
    fields = (*COUNTED, *NAMED)
    if own.get("by", "category") not in fields:
        why = f"is none of {', '.join(fields)}"
        raise FilterInvalidError(why, (Fault("/by", "parameter-invalid", why),))
    return PageParameters(own, [pair for pair in pairs if pair[0] not in _OWN])


@mendable
def values_page(request: Request) -> Response[Any]:
    """GET values: the counts of all fields, those of one for the form, or the names of one by the alphabet."""
    parameters = owned(tidied(request.pairs))
    state, own = list_of(request, parameters.listed), parameters.own
    by: FacetField | None = next((field for field in get_args(FacetField) if field == own.get("by")), None)
    try:
        if by is not None and by in COUNTED and partial(request.headers):
            return _for_form(request, state, by)
        if by is not None and by in NAMED:
            return _names(request, state, by, cursor=own.get("turn"))
        counted = [(field, _values(request, state, field)) for field in ((by,) if by else COUNTED)]
    except FiguresOfAPersonError:
        return _shown(request, state, why=request.words("bars.person"))
    return _shown(request, state, counted=counted)


def _shown(request: Request, state: Address, *, why: str | None = None, **more: Any) -> Response[Any]:
    items = items_of(request.log, state.fresh, viewer=request.viewer)
    naming = Naming(presenter_of(request, state, state.query.tz), items)
    model = ValuesPage(
        filter_words=in_words(state.fresh, naming.label, request.lang),
        list=state.href(state.fresh),
        names={by: _address(state, state.fresh, ("by", by)) for by in NAMED},
        why=why,
        **more,
    )
    status = 422 if why else 200
    return page("values.html", (frame(request), model), status=status, part=partial(request.headers))


def _for_form(request: Request, state: Address, by: FacetField) -> Response[Any]:
    """The form's own choices of one field with their counts, most first."""
    values = sorted(_values(request, state, by), key=lambda value: -(value.count or 0))
    return html("counted.html", t=request.words, by=by, field=FACETS[by].name, values=values)


def _values(request: Request, state: Address, by: FacetField) -> list[Value]:
    """Every value that the form offers, in its order, with its count; none is 0."""
    counts = _counts(request, state.query, by)
    return [
        _value(request, state, by, value=value, count=counts.get(value, 0))
        for value in _offered(request, by, counts)
    ]


def _counts(request: Request, query: Query, by: FacetField) -> dict[str, int]:
    """How many entries have each value; there may be more of them than are told at once."""
    counts: dict[str, int] = {}
    cursor: str | None = None
    for _ in range(_MOST_TURNS):
        facets = request.log.facets(
            query, by, viewer=request.viewer, limit=200, cursor=cursor, lang=request.lang
        )
        counts |= {value.value: value.count or 0 for value in facets.values}
        cursor = facets.next_cursor
        if cursor is None:
            break
    return counts


def _offered(request: Request, by: FacetField, counts: Iterable[str]) -> list[str]:
    catalogue, field = request.log.catalogue, FACETS[by]
    if field.declared:
        names = getattr(catalogue, field.declared)
        return sorted(names, key=lambda name: fold(_label(catalogue, request, by, name)))
    return list(field.choices or counts)


def _label(catalogue: Catalogue, request: Request, by: FacetField, value: str) -> str:
    label = "type" if FACETS[by].types else FACETS[by].label or by
    if label == "kind":
        return request.words(f"kind.{value}")
    return catalogue.label(label, value, request.lang)


def _value(request: Request, state: Address, by: FacetField, *, value: str, count: int) -> Value:
    field, label = FACETS[by], _label(request.log.catalogue, request, by, value)
    written = f"{value}/*" if field.types else value
    held = state.has(field.name, written)
    query = state.without(field.name, written) if held else state.with_value(field.name, written)
    return Value(value=written, label=label, count=count, href=state.href(query), held=held)


def _names(request: Request, state: Address, by: FacetField, *, cursor: str | None) -> Response[Any]:
    """Who did it, or whom and what it is about, by the alphabet; numbers beside what is no person."""
    named = _named(request, state, by, cursor=cursor)
    letters: dict[str, list[Value]] = {}
    for facet in named.values:
        held = state.has(by, facet.value)
        query = state.fresh if held else state.with_value(by, facet.value)
        label = cut(facet.label)
        value = Value(value=facet.value, label=label, count=facet.count, href=state.href(query), held=held)
        letters.setdefault(fold(label)[:1].upper() or "#", []).append(value)
    older = _address(state, state.query, ("by", by), ("turn", named.cursor)) if named.cursor else None
    first = _address(state, state.fresh, ("by", by)) if cursor else None
    return _shown(request, state, by=by, letters=list(letters.items()), older=older, first=first)


def _named(request: Request, state: Address, by: FacetField, *, cursor: str | None) -> NamedValues:
    """The next values that have a name: an id alone is nothing to choose by."""
    named: list[FacetValue] = []
    for _ in range(_MOST_TURNS):
        facets = request.log.facets(
            state.query, by, viewer=request.viewer, limit=200, cursor=cursor, lang=request.lang
        )
        named += [value for value in facets.values if value.label != value.value.partition("/")[2]]
        cursor = facets.next_cursor
        if cursor is None or len(named) >= NAMES:
            break
    return NamedValues(named, cursor)
