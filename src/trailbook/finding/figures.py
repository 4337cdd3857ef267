"""Figures: exact counts beside the values of a field, and bars over time.

Owns which figures may be shown: never one of a person. Refuses to estimate: every number is counted.
"""

import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Literal, get_args

from msgspec import Struct, structs

from trailbook.catalogue import Catalogue
from trailbook.errors import Fault, FiguresOfAPersonError, FilterInvalidError, TooManyBarsError
from trailbook.finding.answers import FacetValue, FieldValues
from trailbook.finding.bound import BoundQuery, Sees, key_of
from trailbook.finding.finder import Finder, sight
from trailbook.finding.reader import Reader
from trailbook.finding.typeahead import LONGEST, ItemQuery, find_items
from trailbook.model import instant, written
from trailbook.query import (
    FACETS,
    FIELDS,
    Order,
    Query,
    Term,
    buckets,
    fold,
    is_personal,
    words,
    zone,
)
from trailbook.stores import Identity

FacetField = Literal[
    "category", "action", "outcome", "origin", "actor_kind", "target_type", "source", "actor", "concerns"
]
Bucket = Literal["auto", "hour", "day", "week", "month", "quarter", "year"]
FACET_FIELDS: tuple[FacetField, ...] = get_args(FacetField)
BUCKETS: tuple[Bucket, ...] = get_args(Bucket)
ORDERS: tuple[Order, ...] = get_args(Order)
MOST_BARS, MOST_VALUES = 92, 200
_BOTH_ENDS: tuple[Order, Order] = ("asc", "desc")
_MOST_NAMES = 500  # items looked at for a word


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


def without_field(query: Query, by: FacetField) -> Query:
    """The filter without its own terms on a field."""
    return structs.replace(query, terms=tuple(t for t in query.terms if t.field != FACETS[by].name))


def refuse_unknown(by: str | None = None, bucket: str | None = None, order: str | None = None) -> None:
    """Refuse names that are none. Raises: FilterInvalidError."""
    choices = (("by", by, FACET_FIELDS), ("bucket", bucket, BUCKETS), ("order", order, ORDERS))
    for name, value, allowed in choices:
        if value is not None and value not in allowed:
            fault = Fault(f"/{name}", "parameter-invalid", f"is none of {', '.join(allowed)}")
            raise FilterInvalidError(f"{name}: {fault.detail}", (fault,))


def refuse_persons(reader: Reader, query: Query, sees: Sees) -> None:
    """Refuse figures about what one person did, whether a term names them or a word.

    A word is a name where somebody whom one sees has it: of others there is nothing in the figures, and that a name is
    refused would say that it is there. Raises: FiguresOfAPersonError.
    """
    spoken = {word for text in query.text for word in words(text)}
    acting = [term for term in query.terms if FIELDS[term.field].acts]
    if is_personal(query):
        raise FiguresOfAPersonError(
            "no figures are made of what came from an address, which may be one person's; take it out of the filter"
        )
    if _names_persons(reader.catalogue, acting) or any(
        _may_be_a_persons(reader, word, sees) for word in spoken
    ):
        raise FiguresOfAPersonError(
            "no figures are made of what a person did; take the person out of the filter"
        )


def refuse_hours(reader: Reader, query: Query, sees: Sees) -> None:
    """Refuse hours of the week of what one person did: when somebody works is not the log's to say.

    Beside all that figures are refused for, a person as source, and, with `self` either way, a person or one item of
    theirs: what somebody did themselves is what is about them less what others did.
    Raises: FiguresOfAPersonError.
    """
    if query.hours is None:
        return
    recorded = [term for term in query.terms if term.field == "source"]
    about = [term for term in query.terms if FIELDS[term.field].about and query.self_ is not None]
    values = [value for term in about for value in term.values if not value.endswith("/*")]  # all are nobody
    try:
        refuse_persons(reader, query, sees)
    except FiguresOfAPersonError as error:
        raise _hours_refused() from error
    declared = (reader.catalogue.types.get(value.partition("/")[0]) for value in values)
    theirs = any(type_ is not None and (type_.person or type_.personal) for type_ in declared)
    if theirs or _names_persons(reader.catalogue, recorded):
        raise _hours_refused()


def _hours_refused() -> FiguresOfAPersonError:
    why = (
        "the log does not say when one person works: take out hours, or who did it, the words, the address,"
        " or whether it was on their own behalf"
    )
    return FiguresOfAPersonError(f"hours: {why}", (Fault("/hours", FiguresOfAPersonError.code, why),))


def list_values(reader: Reader, query: BoundQuery, *, by: FacetField, lang: str, sees: Sees) -> FieldValues:
    """Every value of a field among what a query finds: by count, of items by the name that whoever sees these has."""
    values: FieldValues = reader.figures.value(
        (key_of(query), by, lang), lambda: _field_values(reader, query, by=by, lang=lang, sees=sees)
    )
    return values


def count_bars(
    reader: Reader, query: BoundQuery, *, units: Sequence[Bucket], tz: str, by_category: bool
) -> Histogram:
    """The bars of what a query finds, in the first of the units that fits, by category where that is asked.

    Raises: TooManyBarsError when none of the units makes 92 bars or fewer.
    """
    histogram: Histogram = reader.figures.value(
        (key_of(query), tuple(units), tz, by_category),
        lambda: _histogram(reader.finder, query, units=units, tz=tz, by_category=by_category),
    )
    return histogram


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


def _may_be_a_persons(reader: Reader, word: str, sees: Sees) -> bool:
    """Whether some person whom one sees has a name with a word that begins so, or so very many names have that."""
    if len(reader.store.items_by_words(reader.org, [word], _MOST_NAMES)) == _MOST_NAMES:
        return True
    persons = [type_.name for type_ in reader.catalogue.types.values() if type_.person]
    asked = (ItemQuery(q=word[:LONGEST], role=None, type=name, limit=1, sees=sees) for name in persons)
    return any(find_items(reader, query) for query in asked)


def _field_values(reader: Reader, query: BoundQuery, *, by: FacetField, lang: str, sees: Sees) -> FieldValues:
    counted = reader.finder.values(query, by)
    label = FACETS[by].types or FACETS[by].label
    if label is None:
        values = _items(reader, counted, sight(reader.finder, sees))
    else:
        values = [
            (_number(word), FacetValue(word, reader.catalogue.label(label, word, lang), count))
            for word, count in counted.items()
            if word  # of what cannot be read nothing is known
        ]
        values.sort(key=lambda pair: (-(pair[1].count or 0), pair[1].value))
    return FieldValues(tuple(number for number, _ in values), tuple(value for _, value in values))


@cache
def _number(word: str) -> int:
    """A number of a word that is the same in every process, whichever engine answers."""
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=7).digest(), "big")


def _items(reader: Reader, numbers: dict[int, int], seen: BoundQuery) -> list[tuple[int, FacetValue]]:
    versions = reader.items.identities.versions(numbers)
    values = [
        (number, _item(reader.catalogue, _last(reader, versions[number], seen), count))
        for number, count in numbers.items()
        if versions.get(number) and versions[number][-1].id is not None
    ]
    folded = reader.folded.values((value.label for _, value in values), _folded)
    values.sort(key=lambda pair: (folded[pair[1].label], pair[1].value))
    return values


def _last(reader: Reader, versions: Sequence[Identity], seen: BoundQuery) -> Identity:
    """The last of an item's versions, named as whoever something is hidden from knows it."""
    last = versions[-1]
    if not seen.hidden or len(versions) == 1:
        return last
    return structs.replace(last, name=reader.items.name_now(versions, seen))


def _folded(labels: Iterable[str]) -> dict[str, str]:
    return {label: fold(label) for label in labels}


def _item(catalogue: Catalogue, last: Identity, count: int) -> FacetValue:
    declared = catalogue.types.get(last.type)
    person = declared is not None and declared.person
    return FacetValue(f"{last.type}/{last.id}", last.name or last.id or "", None if person else count)


def _histogram(
    finder: Finder, query: BoundQuery, *, units: Sequence[Bucket], tz: str, by_category: bool
) -> Histogram:
    ends = _ends(finder, query)
    if ends is None:
        return Histogram(bucket=units[0], as_of=query.as_of, bars=())
    for unit in units:
        edges = buckets(unit, ends, zone(tz), MOST_BARS)
        if edges is not None:
            counted = _count_between(finder, query, edges, by_category=by_category)
            return Histogram(bucket=unit, as_of=query.as_of, bars=counted)
    raise TooManyBarsError(f"a {units[-1]} each would be more than {MOST_BARS} bars; ask for fewer of them")


def _ends(finder: Finder, query: BoundQuery) -> tuple[int, int] | None:
    """From when to when bars are drawn: the query's range or, where that is open, its earliest and latest entry."""
    if query.since is not None and query.until is not None:
        return (query.since, query.until) if query.since < query.until else None
    first, last = (finder.seqs(query, order=order, limit=1).end for order in _BOTH_ENDS)
    if first is None or last is None:
        return None
    since = first.at if query.since is None else query.since
    return since, last.at + 1 if query.until is None else query.until


def _count_between(
    finder: Finder, query: BoundQuery, edges: Sequence[int], *, by_category: bool
) -> tuple[Bar, ...]:
    counted = finder.bars(query, edges, by_category=by_category)
    parts: Sequence[dict[str, int] | None] = counted.parts or [None] * len(counted.counts)
    return tuple(
        Bar(from_=_written(start), to=_written(end), count=count, parts=part)
        for start, end, count, part in zip(edges, edges[1:], counted.counts, parts, strict=False)
    )


def _written(at: int) -> str:
    return written(instant(at))
