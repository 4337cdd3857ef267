"""The page's address: tidied, read, and every address that leads on from it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st
from tests.web.conftest import vocabulary_of

from trailbook.catalogue import load
from trailbook.errors import FilterInvalidError
from trailbook.model import microseconds
from trailbook.web.pages.address import (
    FOLDED,
    Address,
    Pairs,
    address,
    expanded,
    faults_of,
    page_of,
    parsed,
    read_address,
    tidied,
    typed_names,
    within,
)

HOME, OSLO = "/orgs/nordlys/activity", "Europe/Oslo"
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
VOCABULARY = vocabulary_of(load())


def read(*pairs: tuple[str, str]) -> Address:
    return read_address(HOME, list(pairs), vocabulary=VOCABULARY, home_zone=OSLO)


def test_a_form_is_tidied() -> None:
    """Empty fields and blanks around a name go; a fold beside a chosen category says nothing, and goes too."""
    sent = [("date", ""), ("actor", "  Anna "), ("category", "roles"), FOLDED, ("limit", "")]
    assert tidied(sent) == [("actor", "Anna"), ("category", "roles"), ("limit", "")]
    assert tidied([FOLDED]) == [FOLDED]


def test_a_line_of_search_text() -> None:
    """Words that name a filter are that filter; any other colon is text."""
    assert expanded([("text", "category:roles bob")]) == [("category", "roles"), ("text", "bob")]
    assert expanded([("text", "at 10:30")]) == [("text", "at 10:30")]
    assert expanded([("text", "category:roles tz:Asia/Tokyo")]) == [
        ("category", "roles"),
        ("tz", "Asia/Tokyo"),
    ]


def test_a_name_typed_by_hand() -> None:
    """What is no type/id of a declared type is a name."""
    pairs = [("actor", "Anna"), ("concerns", "user/u-1"), ("concerns", "no/such"), ("target", "x")]
    assert typed_names(pairs, ["user"]) == [("actor", "Anna"), ("concerns", "no/such")]


def test_the_zone_at_home_needs_no_mention() -> None:
    """It is the filter's, and stands in no address; another one does."""
    state = read(("category", "roles"))
    assert state.query.tz == OSLO
    assert state.href(state.query) == f"{HOME}?category=roles"
    away = read(("category", "roles"), ("tz", "UTC"))
    assert away.href(away.query) == f"{HOME}?category=roles&tz=UTC"


@pytest.mark.parametrize(
    ("pair", "pointer"),
    [
        (("at", "soon"), "at"),
        (("group", "actor"), "group"),
        (("category", "none"), "category"),
        (("x", "1"), "x"),
    ],
)
def test_what_is_broken_is_named(pair: tuple[str, str], pointer: str) -> None:
    """The refusal says which parameter it was; the control is the address without it."""
    with pytest.raises(FilterInvalidError) as refused:
        read(("outcome", "denied"), pair)
    assert [fault.name for fault in faults_of(refused.value)] == [pointer]
    assert read(("outcome", "denied")).has("outcome", "denied")


def test_a_filter_changed_by_one_value() -> None:
    """With one more, without it, with its opposite; and back again."""
    state = read(("category", "roles"), ("as_of", "7"))
    more = state.with_value("outcome", "denied")
    assert state.href(more) == f"{HOME}?category=roles&outcome=denied"
    assert state.href(state.without("category", "roles")) == f"{HOME}?view=all"
    flipped = state.flipped("category", "roles")
    assert state.href(flipped) == f"{HOME}?category.not=roles"
    turned = read(("category.not", "roles"))
    assert turned.flipped("category.not", "roles") == state.fresh


def test_a_period_becomes_two_days() -> None:
    """Frozen, "last month" is the first and the last day that it is today, in the reader's zone."""
    state = read(("date", "last-month"))
    frozen = state.frozen(NOW)
    assert (frozen.date, frozen.from_, frozen.to) == (None, "2026-02-01", "2026-02-28")


def test_a_filter_narrowed_to_a_time() -> None:
    """To what lies in both; a bound outside the filter's own changes nothing."""
    query = read(("from", "2026-03-01"), ("to", "2026-03-02")).query
    noon = microseconds(datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert within(query, NOW, since=noon).from_ == "2026-03-01T12:00:00Z"
    assert within(query, NOW, since=0).from_ == "2026-02-28T23:00:00Z"
    assert within(query, NOW, until=noon).to == "2026-03-01T12:00:00Z"
    assert within(read().query, NOW).from_ is None


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=5))
def test_what_is_written_is_read_again(pairs: Pairs) -> None:
    """Whatever stands in a filter: its address says the same pairs."""
    assert parsed(address("", pairs).removeprefix("?")) == pairs


def test_a_broken_escape_is_refused() -> None:
    """A filter that an address could not have; the control is one that it could."""
    with pytest.raises(FilterInvalidError):
        parsed("text=%ff")
    assert parsed("text=%41") == [("text", "A")]


def test_the_page_of_an_item() -> None:
    """An id may have what divides addresses: it is escaped, and leads nowhere else."""
    assert page_of(HOME, "user", "a?b#c") == f"{HOME}/items/user/a%3Fb%23c"
    assert page_of(HOME, "user", "u-1") == f"{HOME}/items/user/u-1"
