"""Figures: exact, of what the filter finds, and never of a person."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.finding.conftest import ME, ROLES

from trailbook import Log
from trailbook.catalogue import load
from trailbook.errors import FiguresOfAPersonError, FilterInvalidError, TooManyBarsError
from trailbook.finding.figures import BUCKETS, FACET_FIELDS, bucket_for, refuse_unknown, without_field
from trailbook.query import Query, Term, from_params


def by(log: Log, name: str, **more: str) -> dict[str, int | None]:
    query = from_params(list(more.items()))
    return {v.value: v.count for v in log.facets(query, name, viewer=ME).values}  # type: ignore[arg-type]


def test_facets(log: Log) -> None:
    """Exact counts; a facet ignores the filter's own terms on its field; persons have no number."""
    assert by(log, "category") == {"users": 75, "roles": 25}
    assert by(log, "category", category="roles") == {"users": 75, "roles": 25}
    assert by(log, "action", category="roles") == {"role.created": 25}
    assert by(log, "actor") == {"user/u-0": None, "user/u-1": None, "user/u-2": None}
    assert by(log, "target_type") == {"user": 75, "role": 25}
    assert by(log, "concerns", category="roles")["role/r-8"] == 1


def test_facets_are_paged(log: Log) -> None:
    """Values follow each other without gap or repeat, by name; a cursor is of its own question alone."""
    read: list[str] = []
    cursor = None
    while True:
        page = log.facets(ROLES, "concerns", viewer=ME, limit=7, cursor=cursor)
        read += [v.value for v in page.values]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(read) == len(set(read)) == 25
    with pytest.raises(FilterInvalidError):
        log.facets(ROLES, "rank", viewer=ME)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "figure",
    [
        lambda log, query: log.histogram(query, viewer=ME),
        lambda log, query: log.facets(query, "action", viewer=ME),
    ],
)
def test_no_figures_of_a_person(log: Log, figure: Callable[[Log, Query], object]) -> None:
    """What one person did is listed and totalled, never drawn or split; of integrations it may be."""
    for name in ("actor", "by_or_about"):
        for negated in (False, True):
            query = Query(terms=(Term(name, ("user/u-1",), negated),))
            with pytest.raises(FiguresOfAPersonError):
                figure(log, query)
            assert log.count(query, viewer=ME)[0] > 0
    figure(log, Query(terms=(Term("actor", ("integration/i-1",)),)))


def test_bars_about_a_person_are_weeks_or_longer(log: Log) -> None:
    """A day of somebody's is not drawn."""
    about = Query(terms=(Term("concerns", ("user/u-1",)),))
    with pytest.raises(FiguresOfAPersonError):
        log.histogram(about, viewer=ME, bucket="day")
    assert log.histogram(about, viewer=ME).bucket == "week"
    assert log.histogram(Query(), viewer=ME).bucket == "day"


def test_bars_are_cut_on_the_calendar(log: Log) -> None:
    """Days of the zone, 25 hours at the end of summer time; too many bars are refused, not thinned."""
    query = from_params([("from", "2026-10-24"), ("to", "2026-10-26"), ("tz", "Europe/Oslo")])
    bars = log.histogram(query, viewer=ME, bucket="day").bars
    assert [bar.from_ for bar in bars] == [
        "2026-10-23T22:00:00.000000Z",
        "2026-10-24T22:00:00.000000Z",
        "2026-10-25T23:00:00.000000Z",
    ]
    assert len(log.histogram(query, viewer=ME, bucket="hour").bars) == 73
    with pytest.raises(TooManyBarsError):
        log.histogram(from_params([("date", "past-12-months")]), viewer=ME, bucket="hour")


def test_bars_by_category(log: Log) -> None:
    """Each bar says its parts, and they add up."""
    bars = log.histogram(Query(), viewer=ME, by_category=True).bars
    assert all(sum((bar.parts or {}).values()) == bar.count for bar in bars)
    assert sum((bar.parts or {}).get("roles", 0) for bar in bars) == 25


def test_names_that_are_none_are_refused() -> None:
    """Each by the name of its parameter; every name there is passes."""
    for name, values in (("by", FACET_FIELDS), ("bucket", BUCKETS)):
        for value in values:
            refuse_unknown(**{name: value})  # type: ignore[arg-type]
        with pytest.raises(FilterInvalidError) as refused:
            refuse_unknown(**{name: "rank"})
        (fault,) = refused.value.faults
        assert (fault.pointer, fault.code) == (f"/{name}", "parameter-invalid")
        assert fault.detail == f"is none of {', '.join(values)}"
    refuse_unknown()


def test_a_facet_leaves_out_its_own_terms_alone() -> None:
    """The field of a target's type is the target; every other term stays."""
    query = from_params(
        [("category", "roles"), ("category.not", "users"), ("target", "role/*"), ("text", "a")]
    )
    fields: list[tuple[Any, list[str]]] = [
        ("category", ["target"]),
        ("target_type", ["category", "category"]),
        ("actor", ["category", "category", "target"]),
    ]
    for by_, left in fields:
        without = without_field(query, by_)
        assert sorted(term.field for term in without.terms) == left
        assert without.text == query.text


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ({"concerns": "user/u-1"}, True),
        ({"target": "user/u-1"}, True),
        ({"concerns": "role/r-1"}, False),
        ({"category": "users"}, False),
    ],
)
def test_about_a_person_no_bucket_is_below_a_week(line: dict[str, str], *, named: bool) -> None:
    """Whoever lets the log choose gets a week; whoever asks for less of a person is refused."""
    query, catalogue = from_params(list(line.items())), load()
    assert bucket_for(catalogue, query, "auto")[0] == ("week" if named else "hour")
    assert bucket_for(catalogue, query, "month") == ("month",)
    for bucket in ("hour", "day"):
        if named:
            with pytest.raises(FiguresOfAPersonError):
                bucket_for(catalogue, query, bucket)  # type: ignore[arg-type]
        else:
            assert bucket_for(catalogue, query, bucket) == (bucket,)  # type: ignore[arg-type]


def test_a_word_that_begins_a_persons_name_makes_no_figures(log: Log) -> None:
    """Typed text may be somebody's name; a role's own name is nobody's."""
    with pytest.raises(FiguresOfAPersonError):
        log.histogram(Query(text=("ann",)), viewer=ME)
    assert log.histogram(Query(text=("approver",)), viewer=ME).bars


def test_what_is_counted_comes_by_count_and_items_by_name(log: Log) -> None:
    """The most first; what has no number for people in the order of the alphabet."""
    counted = log.facets(Query(), "category", viewer=ME).values
    assert [(v.value, v.label, v.count) for v in counted] == [("users", "Users", 75), ("roles", "Roles", 25)]
    named = log.facets(Query(), "actor", viewer=ME).values
    assert [v.label for v in named] == ["Anna 0", "Anna 1", "Anna 2"]


def test_of_nothing_there_are_no_bars(log: Log) -> None:
    """An empty answer has no ends to draw between; an empty span of the filter's own has none either."""
    assert log.histogram(from_params([("category", "salary")]), viewer=ME).bars == ()
    early = from_params([("from", "2020-01-01"), ("to", "2020-01-02")])
    assert [bar.count for bar in log.histogram(early, viewer=ME, bucket="day").bars] == [0, 0]
