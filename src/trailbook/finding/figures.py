"""Figures: exact counts beside the values of a field, and bars over time.

Owns which figures may be shown: never one of a person. Refuses to estimate: every number is counted.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

import numpy as np
from msgspec import Struct, structs

from trailbook.catalogue import Catalogue
from trailbook.errors import Fault, FiguresOfAPersonError, FilterInvalidError, TooManyBarsError
from trailbook.finding.citing import Sees
from trailbook.finding.embedded.projection import Hidden
from trailbook.finding.reader import Reader
from trailbook.index import CODED, Piece, Plan, bars, by_number, extent, stacked
from trailbook.model import instant, written
from trailbook.query import FACETS, FIELDS, Query, Term, buckets, fold, is_personal, words, zone
from trailbook.stores import Identity

FacetField = Literal[
    "category", "action", "outcome", "origin", "actor_kind", "target_type", "source", "actor", "concerns"
]
Bucket = Literal["auto", "hour", "day", "week", "month", "quarter", "year"]
FACET_FIELDS: tuple[FacetField, ...] = get_args(FacetField)
BUCKETS: tuple[Bucket, ...] = get_args(Bucket)
MOST_BARS, MOST_VALUES = 92, 200
_MOST_NAMES = 500  # items looked at for a word


class FacetValue(Struct, frozen=True):
    """A value of a field as a filter writes it, its label, and how many entries have it; never for a person."""

    value: str
    label: str
    count: int | None


class Facets(Struct, frozen=True, kw_only=True):
    """The values of one field among what a filter finds without its own terms on that field."""

    by: FacetField
    as_of: int
    values: tuple[FacetValue, ...]
    next_cursor: str | None


class Bar(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Entries from one instant to another, and, where asked, by category."""

    from_: str
    to: str
    count: int
    parts: dict[str, int] | None = None


class Histogram(Struct, frozen=True, kw_only=True):
    """Entries over time, cut on the calendar of the filter's zone."""

    bucket: Bucket
    as_of: int
    bars: tuple[Bar, ...]


class Listing(Struct, frozen=True):
    """Every value of a field, in the order shown, with the number the index has for it."""

    numbers: tuple[int, ...]
    values: tuple[FacetValue, ...]


def without_field(query: Query, by: FacetField) -> Query:
    """The filter without its own terms on a field."""
    return structs.replace(query, terms=tuple(t for t in query.terms if t.field != FACETS[by].name))


def refuse_unknown(by: str | None = None, bucket: str | None = None) -> None:
    """Refuse names that are none. Raises: FilterInvalidError."""
    for name, value, allowed in (("by", by, FACET_FIELDS), ("bucket", bucket, BUCKETS)):
        if value is not None and value not in allowed:
            fault = Fault(f"/{name}", "parameter-invalid", f"is none of {', '.join(allowed)}")
            raise FilterInvalidError(f"{name}: {fault.detail}", (fault,))


def refuse_persons(reader: Reader, query: Query) -> None:
    """Refuse figures about what one person did, whether a term names them or a word. Raises: FiguresOfAPersonError."""
    spoken = {word for text in query.text for word in words(text)}
    acting = [term for term in query.terms if FIELDS[term.field].acts]
    named = is_personal(query) or _names_persons(reader.catalogue, acting)
    if named or any(_may_be_a_persons(reader, word) for word in spoken):
        raise FiguresOfAPersonError(
            "no figures are made of what a person did; take the person out of the filter"
        )


def list_values(reader: Reader, plan: Plan, *, by: FacetField, lang: str, sees: Sees) -> Listing:
    """Every value of a field among what a plan finds: by count, of items by the name that whoever sees these has."""
    column = FACETS[by].types or FACETS[by].column
    numbers = reader.projection.ask(lambda pieces: by_number(pieces, plan, column))
    if column in CODED:
        words = reader.projection.codes[column].words
        values = [
            (code, FacetValue(words[code], reader.catalogue.label(column, words[code], lang), count))
            for code, count in numbers.items()
            if words[code]  # of what cannot be read nothing is known
        ]
        values.sort(key=lambda pair: (-(pair[1].count or 0), pair[1].value))
    else:
        values = _items(reader, numbers, reader.projection.hidden(sees).numbers)
    return Listing(tuple(number for number, _ in values), tuple(value for _, value in values))


def count_bars(
    pieces: Sequence[Piece], plan: Plan, *, units: Sequence[Bucket], tz: str, categories: Sequence[str]
) -> Histogram:
    """The bars of what a plan finds, in the first of the units that fits, stacked by `categories` where there are any.

    Raises: TooManyBarsError when none of the units makes 92 bars or fewer.
    """
    ends = _ends(pieces, plan)
    if ends is None:
        return Histogram(bucket=units[0], as_of=plan.as_of, bars=())
    for unit in units:
        edges = buckets(unit, ends, zone(tz), MOST_BARS)
        if edges is not None:
            counted = _count_between(pieces, plan, edges, categories)
            return Histogram(bucket=unit, as_of=plan.as_of, bars=counted)
    raise TooManyBarsError(f"a {units[-1]} each would be more than {MOST_BARS} bars; ask for fewer of them")


def bucket_for(catalogue: Catalogue, query: Query, bucket: Bucket) -> tuple[Bucket, ...]:
    """The buckets that may be tried: about a person none below a week. Raises: FiguresOfAPersonError."""
    units: tuple[Bucket, ...] = BUCKETS[1:] if bucket == "auto" else (bucket,)
    if not _names_persons(catalogue, [term for term in query.terms if FIELDS[term.field].about]):
        return units
    if bucket in ("hour", "day"):
        raise FiguresOfAPersonError("bars about a person are weeks or longer")
    return tuple(unit for unit in units if unit not in ("hour", "day"))


def _names_persons(catalogue: Catalogue, terms: Sequence[Term]) -> bool:
    values = [value for term in terms for value in term.values]
    declared = (catalogue.types.get(value.partition("/")[0]) for value in values)
    return any(type_ is not None and type_.person for type_ in declared)


def _may_be_a_persons(reader: Reader, word: str) -> bool:
    """Whether some person's name has a word that begins so; of words that begin very many names it is taken for so."""
    items = reader.store.items_by_words(reader.org, [word], _MOST_NAMES)
    with reader.projection.lock:
        versions = reader.projection.identities.versions(items)
    declared = (reader.catalogue.types.get(those[-1].type) for those in versions.values() if those)
    return len(items) == _MOST_NAMES or any(type_ is not None and type_.person for type_ in declared)


def _items(reader: Reader, numbers: dict[int, int], hidden: Hidden) -> list[tuple[int, FacetValue]]:
    versions = reader.projection.identities.versions(numbers)
    values = [
        (number, _item(reader.catalogue, _last(reader, versions[number], hidden), count))
        for number, count in numbers.items()
        if versions.get(number) and versions[number][-1].id is not None
    ]
    folded = reader.folded.values((value.label for _, value in values), _folded)
    values.sort(key=lambda pair: (folded[pair[1].label], pair[1].value))
    return values


def _last(reader: Reader, versions: Sequence[Identity], hidden: Hidden) -> Identity:
    """The last of an item's versions, named as whoever something is hidden from knows it."""
    last = versions[-1]
    if not hidden or len(versions) == 1:
        return last
    return structs.replace(last, name=reader.projection.name_now(versions, hidden))


def _folded(labels: Iterable[str]) -> dict[str, str]:
    return {label: fold(label) for label in labels}


def _item(catalogue: Catalogue, last: Identity, count: int) -> FacetValue:
    declared = catalogue.types.get(last.type)
    person = declared is not None and declared.person
    return FacetValue(f"{last.type}/{last.id}", last.name or last.id or "", None if person else count)


def _ends(pieces: Sequence[Piece], plan: Plan) -> tuple[int, int] | None:
    if plan.since is not None and plan.until is not None:
        return (plan.since, plan.until) if plan.since < plan.until else None
    first_and_last = extent(pieces, plan)
    if first_and_last is None:
        return None
    first, last = first_and_last
    return first if plan.since is None else plan.since, last + 1 if plan.until is None else plan.until


def _count_between(
    pieces: Sequence[Piece], plan: Plan, edges: Sequence[int], categories: Sequence[str]
) -> tuple[Bar, ...]:
    array = np.asarray(edges, np.int64)
    parts: Sequence[dict[str, int] | None]
    if categories:
        table = stacked(pieces, plan, array, len(categories))
        counts = table.sum(axis=1)
        parts = [{name: int(n) for name, n in zip(categories, row, strict=True) if n} for row in table]
    else:
        counts, parts = bars(pieces, plan, array), [None] * len(edges)
    return tuple(
        Bar(from_=_written(start), to=_written(end), count=int(count), parts=part)
        for start, end, count, part in zip(edges, edges[1:], counts, parts, strict=False)
    )


def _written(at: int) -> str:
    return written(instant(at))
