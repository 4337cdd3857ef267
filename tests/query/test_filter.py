"""`matches()`: what a filter means, by example and by law; every index and store is held to it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from trailbook.errors import FilterInvalidError
from trailbook.model import INTERFACES, KINDS, OUTCOMES, Actor, Concern, Entry, Item, Origin, instant
from trailbook.query import EntryFacts, Query, Term, from_line, interval, matches, self_of, words

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
ANNA = Item(type="user", id="u-17", name="Anna Berg")
BOB = Item(type="user", id="u-42", name="Bob Li")
MANAGER = Item(type="role", id="r-3", name="Manager")
KEY = Item(type="source", id="k-1", name="HR system")


def entry(
    *,
    actor: Item = ANNA,
    kind: str = "person",
    target: Item = MANAGER,
    about: tuple[Item, ...] = (BOB,),
    **rest: object,
) -> Entry:
    given: dict[str, object] = {
        "id": UUID(int=0),
        "seq": 7,
        "occurred_at": datetime(2026, 11, 2, 8, 15, tzinfo=UTC),
        "recorded_at": NOW,
        "category": "roles",
        "action": "role.assigned",
        "outcome": "success",
        "origin": Origin(interface="web"),
        "source": KEY,
        "actor": Actor(type=actor.type, id=actor.id, name=actor.name, kind=kind),  # type: ignore[arg-type]
        "target": target,
        "concerns": tuple(Concern(type=i.type, id=i.id, name=i.name, part="member") for i in about),
    }
    return Entry(**given | rest)  # type: ignore[arg-type]


def view(of: Entry) -> EntryFacts:
    items = (of.actor, of.target, *of.concerns)
    vocabulary = {word for item in items for word in words(item.name or "")} | set(words("Role given"))
    return EntryFacts(entry=of, words=frozenset(vocabulary), self_=self_of(of))


def finds(line: str, of: Entry) -> bool:
    return matches(from_line(line), view(of), NOW)


EXAMPLES = [  # a filter that finds the entry, and one that differs in one thing and does not
    ("", "as_of:7"),
    ("as_of:8", "as_of:0"),
    ("category:roles", "category:users"),
    ("category:users category:roles", "category:users category:salary"),
    ("action:role.assigned", "action:role.removed"),
    ("action:role.*", "action:role_request.*"),
    ("actor:user/u-17", "actor:user/u-42"),
    ("actor:user/u-17", "actor:role/u-17"),
    ("concerns:user/u-42", "concerns:user/u-17"),
    ("concerns:role/r-3", "concerns:role/r-4"),
    ("target:role/r-3", "target:user/u-42"),
    ("target:role/*", "target:user/*"),
    ("source:source/k-1", "source:source/k-2"),
    ("by_or_about:user/u-17", "by_or_about:user/u-1"),
    ("by_or_about:user/u-42", "by_or_about:user/u-4"),
    ("actor_kind:person", "actor_kind:system"),
    ("outcome:success", "outcome:denied"),
    ("origin:web", "origin:job"),
    ("self:false", "self:true"),
    ("-category:users", "-category:roles"),
    ("-concerns:user/u-17", "-concerns:user/u-42"),
    ("-concerns:user/u-17", "-concerns:role/r-3"),
    ("-category:users -category:salary", "-category:users -category:roles"),
    ("category:roles -actor:user/u-42", "category:roles -actor:user/u-17"),
    ("category:roles actor:user/u-17", "category:roles actor:user/u-42"),
    ("text:ann", "text:nna"),
    ("text:BOB%20man%20giv", "text:bob%20salary"),
    ("text:li-bob", "text:li-bobby"),
    ("date:today", "date:yesterday"),
    ("from:2026-11-02", "from:2026-11-03"),
    ("to:2026-11-02", "to:2026-11-01"),
    ("from:2026-11-02T08:15:00Z", "from:2026-11-02T08:15:00.000001Z"),
    ("to:2026-11-02T08:15:00.000001Z", "to:2026-11-02T08:15:00Z"),
    ("to:2026-11-01 tz:Pacific/Pago_Pago", "to:2026-11-01 tz:Europe/Oslo"),
]


@pytest.mark.parametrize(("finding", "missing"), EXAMPLES)
def test_a_filter_finds_and_its_neighbour_does_not(finding: str, missing: str) -> None:
    """Each filter, each with its control."""
    assert finds(finding, entry())
    assert not finds(missing, entry())


def test_every_item_of_a_type_is_not_an_item_called_star() -> None:
    """`type/*` is the whole type; an id that ends in it is an id."""
    starred = Item(type="role", id="a/*", name="A")
    assert finds("target:role/a/*", entry(target=starred))
    assert not finds("target:role/a/*", entry())
    assert finds("target:role/*", entry(target=starred))


def test_self() -> None:
    """The actor is the target or concerned, and acts on nobody's behalf."""
    assert self_of(entry(target=ANNA))
    assert self_of(entry(about=(BOB, ANNA)))
    assert self_of(entry(target=Item(type="user", id="u-17", name="Anna Li")))  # renamed since: the same item
    assert not self_of(entry())
    assert not self_of(entry(target=ANNA, on_behalf_of=BOB))
    assert not self_of(entry(target=Item(type="role", id="u-17")))


def test_a_preset_moves_with_the_clock_and_its_week_with_the_host() -> None:
    """A preset is looked up at each answer."""
    query, facts = from_line("date:this-week"), view(entry(occurred_at=NOW - timedelta(days=1)))  # a Sunday
    assert not matches(query, facts, NOW)
    assert matches(query, facts, NOW, week_start=6)
    assert matches(query, facts, NOW - timedelta(days=2))


def test_the_day_that_apia_left_out_is_an_empty_range() -> None:
    """The date line moved over it; its neighbours are a day long."""
    start, end = interval(from_line("from:2011-12-30 to:2011-12-30 tz:Pacific/Apia"), NOW)
    assert start == end is not None
    start, end = interval(from_line("from:2011-12-31 to:2011-12-31 tz:Pacific/Apia"), NOW)
    assert start is not None
    assert end == start + 86_400_000_000


def test_a_term_on_an_unknown_field_is_refused() -> None:
    """Also when the filter was not read from parameters."""
    with pytest.raises(FilterInvalidError):
        matches(Query(terms=(Term("colour", ("red",)),)), view(entry()), NOW)
    assert matches(Query(terms=(Term("category", ("roles",)),)), view(entry()), NOW)


@pytest.mark.parametrize(
    ("ip", "finding", "missing"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.77"),
        ("192.0.2.7", "192.0.2.6/31", "192.0.2.8/31"),
        ("192.0.2.7", "192.0.0.0/16", "::/0"),
        ("192.0.2.7", "0.0.0.0/0", "::ffff:0:0/96"),
        ("2001:db8::7", "2001:db8::7", "2001:db8::70"),
        ("2001:db8::7", "2001:db8::/125", "2001:db8::8/125"),
        ("2001:db8::7", "::/0", "0.0.0.0/0"),
    ],
)
def test_an_address_and_its_networks(ip: str, finding: str, missing: str) -> None:
    """What came from no known address lies in no network."""
    came, unknown = entry(origin=Origin(interface="web", ip=ip)), entry()
    assert finds(f"ip:{finding}", came)
    assert not finds(f"ip:{missing}", came)
    assert finds(f"ip:{missing} ip:{finding}", came)
    assert not finds(f"-ip:{finding}", came)
    assert (finds(f"ip:{finding}", unknown), finds(f"-ip:{finding}", unknown)) == (False, True)


ITEMS = st.builds(
    Item, type=st.sampled_from(["user", "role"]), id=st.sampled_from("123"), name=st.sampled_from("ab")
)
ADDRESSES = ["192.0.2.7", "192.0.2.77", "2001:db8::7"]
ENTRIES = st.builds(
    entry,
    actor=ITEMS,
    kind=st.sampled_from(KINDS),
    target=ITEMS,
    about=st.lists(ITEMS, max_size=2).map(tuple),
    category=st.sampled_from(["roles", "users"]),
    action=st.sampled_from(["role.assigned", "role.removed", "user.created"]),
    outcome=st.sampled_from(OUTCOMES),
    origin=st.builds(Origin, interface=st.sampled_from(INTERFACES), ip=st.sampled_from([None, *ADDRESSES])),
    on_behalf_of=st.none() | ITEMS,
    seq=st.integers(0, 5),
    occurred_at=st.integers(0, 3).map(lambda day: NOW - timedelta(days=day)),
)
KEYS = st.builds("{}/{}".format, st.sampled_from(["user", "role"]), st.sampled_from("123"))
VALUES: dict[str, st.SearchStrategy[str]] = {
    "category": st.sampled_from(["roles", "users", "salary"]),
    "action": st.sampled_from(["role.assigned", "role.*", "user.created", "user.*"]),
    "target": KEYS | st.sampled_from(["user/*", "role/*"]),
    "actor_kind": st.sampled_from(KINDS),
    "outcome": st.sampled_from(OUTCOMES),
    "origin": st.sampled_from(INTERFACES),
    "ip": st.sampled_from([*ADDRESSES, "192.0.2.0/26", "192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32"]),
    **dict.fromkeys(("actor", "concerns", "by_or_about"), KEYS),
}
TERMS = st.sampled_from(sorted(VALUES)).flatmap(
    lambda field: st.builds(
        Term, st.just(field), st.lists(VALUES[field], min_size=1, max_size=3).map(tuple), st.booleans()
    )
)
QUERIES = st.builds(
    Query,
    date=st.none() | st.sampled_from(["today", "yesterday", "this-week"]),
    terms=st.lists(TERMS, max_size=3).map(tuple),
    text=st.lists(st.sampled_from(["a", "b", "x", "role"]), max_size=2).map(tuple),
    self_=st.none() | st.booleans(),
    as_of=st.none() | st.integers(0, 6),
)


def holds(term: Term, of: Entry) -> bool:
    return matches(Query(terms=(term,)), view(of), NOW)


@given(TERMS, ENTRIES)
def test_not_is_the_complement(term: Term, of: Entry) -> None:
    """Within the scope, an entry is found by a term or by its negation, never both."""
    assert holds(term, of) is not holds(Term(term.field, term.values, not term.negated), of)


@given(TERMS, ENTRIES)
def test_values_are_or_ed_and_exclusions_subtract_each(term: Term, of: Entry) -> None:
    """Any of the values; `not` takes away every one of them."""
    single = [holds(Term(term.field, (value,), term.negated), of) for value in term.values]
    assert holds(term, of) is (all(single) if term.negated else any(single))


@given(QUERIES, ENTRIES)
def test_everything_else_is_and_ed(query: Query, of: Entry) -> None:
    """An entry is found when each part of the filter alone finds it."""
    parts = [
        *(Query(terms=(term,)) for term in query.terms),
        *(Query(text=(word,)) for word in query.text),
        Query(date=query.date),
        Query(self_=query.self_),
        Query(as_of=query.as_of),
    ]
    assert matches(query, view(of), NOW) is all(matches(part, view(of), NOW) for part in parts)


@given(QUERIES, ENTRIES, st.integers(0, 6))
def test_as_of_only_takes_away_what_came_later(query: Query, of: Entry, as_of: int) -> None:
    """Below `as_of` nothing changes, at and beyond it nothing exists."""
    unbound = Query(date=query.date, terms=query.terms, text=query.text, self_=query.self_)
    bound = Query(date=query.date, terms=query.terms, text=query.text, self_=query.self_, as_of=as_of)
    assert matches(bound, view(of), NOW) is (of.seq < as_of and matches(unbound, view(of), NOW))


@given(st.sampled_from(["user", "role"]), st.sampled_from("123"), ENTRIES)
def test_by_or_about_is_by_or_about(kind: str, ident: str, of: Entry) -> None:
    """And `about` is the target or a concern; `type/*` is any target of the type."""
    key = (f"{kind}/{ident}",)
    by, about = holds(Term("actor", key), of), holds(Term("concerns", key), of)
    assert holds(Term("by_or_about", key), of) is (by or about)
    assert about is any((i.type, i.id) == (kind, ident) for i in (of.target, *of.concerns))
    assert holds(Term("target", (f"{kind}/*",)), of) is (of.target.type == kind)


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1), st.integers(-(10**6), 10**6))
def test_days_part_time_without_overlap_or_gap(offsets: list[int], day: int) -> None:
    """Every moment is in exactly one of: before a day, that day, after it."""
    at = (NOW + timedelta(days=day % 5000)).date()
    for minutes in offsets:
        facts = view(
            entry(occurred_at=datetime(at.year, at.month, at.day, tzinfo=UTC) + timedelta(minutes=minutes))
        )
        lines = (f"to:{at - timedelta(days=1)}", f"from:{at} to:{at}", f"from:{at + timedelta(days=1)}")
        assert sum(matches(from_line(f"{line} tz:Africa/Cairo"), facts, NOW) for line in lines) == 1


def test_the_instant_of_a_range_is_exact() -> None:
    """Microseconds since 1970, without loss."""
    start, end = interval(from_line("from:2026-11-02T09:15:00.123456+01:00"), NOW)
    assert start is not None
    assert (instant(start).isoformat(), end) == ("2026-11-02T08:15:00.123456+00:00", None)
