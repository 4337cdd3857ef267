"""The filter as plain data and what it means: `matches()` is the reference for every index and store.

Owns how the fields of `fields.py` come together. Refuses to be quick or clever, so that one sees that it is right; it
knows no store and no viewer, and trusts that a Query was made by `from_params`.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from trailbook.errors import Fault, FilterInvalidError
from trailbook.model import Entry, Item, microseconds
from trailbook.query.dates import date_bounds, day_end, day_start, moment, zone
from trailbook.query.fields import FIELDS
from trailbook.query.folding import words
from trailbook.query.hours import WORKING_HOURS, WorkingHours, has_hours, hours_rule, hours_text


class Term(Struct, frozen=True):
    """One filter on one field: any of `values`, or none of them when `negated`."""

    field: str
    values: tuple[str, ...]
    negated: bool = False


class Query(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"from_": "from", "self_": "self"},
):
    """A filter; `from_params` makes it canonical: one term for each (field, negated), all sorted."""

    date: str | None = None
    from_: str | None = None
    to: str | None = None
    tz: str = "UTC"
    hours: str | None = None
    terms: tuple[Term, ...] = ()
    text: tuple[str, ...] = ()
    self_: bool | None = None
    as_of: int | None = None


def is_personal(query: Query) -> bool:
    """Whether a filter has a value that is somebody's own, and that is kept nowhere for that."""
    return any(FIELDS[term.field].personal for term in query.terms)


def refuse_personal(query: Query, why: str) -> None:
    """Let a filter be kept, or say why not and what to do. Raises: FilterInvalidError."""
    names = [term.field + ".not" * term.negated for term in query.terms if FIELDS[term.field].personal]
    faults = tuple(Fault(f"/{name}", "parameter-invalid", why) for name in names)
    if faults:
        raise FilterInvalidError("; ".join(f"{name}: {why}" for name in names), faults)


def unnamed(query: Query) -> Query:
    """The filter as it may be written where an erasure does not reach: "" stands for what is somebody's own."""
    terms = (
        structs.replace(term, values=("",)) if FIELDS[term.field].personal else term for term in query.terms
    )
    return structs.replace(query, terms=tuple(terms))


class EntryFacts(Struct, frozen=True, kw_only=True):
    """An entry with what a filter may ask of it beyond its own members.

    `words`: the folded words of every name its items ever had and of its action's label.
    """

    entry: Entry
    words: frozenset[str]
    self_: bool


def interval(query: Query, now: datetime, *, week_start: int = 0) -> tuple[int | None, int | None]:
    """The filter's range of `occurred_at`, half-open in microseconds since 1970; None where it is open."""
    place = zone(query.tz)
    if query.date is not None:
        return date_bounds(query.date, now, place, week_start)
    return (
        None if query.from_ is None else since(query.from_, place),
        None if query.to is None else until(query.to, place),
    )


def since(text: str, place: ZoneInfo) -> int:
    """Where a range `from` that text starts: an instant, or the first one of a day."""
    at = moment(text)
    return microseconds(at) if isinstance(at, datetime) else day_start(at, place)


def until(text: str, place: ZoneInfo) -> int:
    """Where a range `to` that text ends, exclusive: an instant, or the first one after a day."""
    at = moment(text)
    return microseconds(at) if isinstance(at, datetime) else day_end(at, place)


def self_of(entry: Entry) -> bool:
    """Whether the actor is the target or concerned, and acted on nobody's behalf."""
    touched = (entry.target, *entry.concerns)
    return entry.on_behalf_of is None and any(_name(item) == _name(entry.actor) for item in touched)


def frozen(query: Query, working: WorkingHours) -> Query:
    """The filter with the rule of its hours as it is by these working hours; what is frozen stays as it is."""
    if query.hours is None:
        return query
    return structs.replace(query, hours=hours_text(hours_rule(query.hours, working)))


def matches(
    query: Query,
    view: EntryFacts,
    now: datetime,
    *,
    week_start: int = 0,
    working: WorkingHours = WORKING_HOURS,
) -> bool:
    """Whether the filter finds the entry: the reference semantics, true for every index and store."""
    start, end = interval(query, now, week_start=week_start)
    at = microseconds(view.entry.occurred_at)
    return (
        (query.as_of is None or view.entry.seq < query.as_of)
        and (start is None or start <= at)
        and (end is None or at < end)
        and (query.hours is None or has_hours(hours_rule(query.hours, working), view.entry.occurred_at))
        and (query.self_ is None or query.self_ == view.self_)
        and all(_holds(term, view.entry) for term in query.terms)
        and all(_begins_any(word, view.words) for typed in query.text for word in words(typed))
    )


def _holds(term: Term, entry: Entry) -> bool:
    has = values_of(term.field, entry)
    return any(value in has for value in term.values) is not term.negated


def _begins_any(beginning: str, words_: frozenset[str]) -> bool:
    return any(word.startswith(beginning) for word in words_)


def values_of(field: str, entry: Entry) -> set[str]:
    """Every value of a field with which a filter finds the entry. Raises: FilterInvalidError for no field."""
    if field not in FIELDS:
        raise FilterInvalidError(f"{field}: is not a filter", (Fault("/terms", "parameter-unknown", field),))
    return FIELDS[field].values(entry)


def _name(item: Item) -> str:
    return f"{item.type}/{item.id}"
