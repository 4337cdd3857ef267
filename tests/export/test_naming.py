"""Names of files: from categories, period and organisation, in ASCII, and never with a person in them."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st
from tables import ORG, VIEWER

from trailbook import Log, Query
from trailbook.export import file_name, question
from trailbook.query import from_params

NOW = datetime(2026, 11, 2, 8, 15, tzinfo=UTC)
OSLO = ("tz", "Europe/Oslo")


@pytest.mark.parametrize(
    ("pairs", "name"),
    [
        ([], "everything-nordlys"),
        ([("category.not", "activity_log")], "everything-nordlys"),
        ([("category", "roles"), ("date", "last-year"), OSLO], "roles-2025-nordlys"),
        ([("category", "roles"), ("category", "permissions")], "permissions-roles-nordlys"),
        ([("date", "last-quarter"), OSLO], "everything-2026-q3-nordlys"),
        ([("date", "last-month")], "everything-2026-10-nordlys"),
        ([("date", "yesterday")], "everything-2026-11-01-nordlys"),
        ([("from", "2024-01-01"), ("to", "2025-12-31")], "everything-2024-2025-nordlys"),
        ([("from", "2026-01-05"), ("to", "2026-02-07")], "everything-2026-01-05-2026-02-07-nordlys"),
        ([("from", "2026-01-05")], "everything-from-2026-01-05-nordlys"),
        ([("to", "2026-01-05")], "everything-until-2026-01-05-nordlys"),
        # Whatever else a filter has is no part of the name, above all whom it is about.
        ([("concerns", "user/u-0")], "selection-nordlys"),
        ([("actor", "user/anna-berg"), ("category", "roles")], "roles-selection-nordlys"),
        ([("text", "Anna Berg")], "selection-nordlys"),
        ([("hours", "night"), ("category", "salary")], "salary-selection-nordlys"),
        ([("category", name) for name in ("roles", "users", "salary", "absence")], "selection-nordlys"),
    ],
)
def test_a_file_is_called_by_its_question(hostile: Log, pairs: list[tuple[str, str]], name: str) -> None:
    assert file_name(hostile, from_params(pairs), lang="en", now=NOW) == name


def test_a_name_speaks_the_language_of_the_file(hostile: Log) -> None:
    """Norwegian letters are written as those that every file system has."""
    query = from_params([("category", "absence"), ("date", "last-quarter"), ("text", "x")])
    assert file_name(hostile, query, lang="nb", now=NOW) == "fravaer-utvalg-2026-k3-nordlys"


@given(text=st.text(min_size=1, max_size=40))
def test_a_name_is_plain_whatever_the_filter(hostile: Log, text: str) -> None:
    """Words that are looked for may be names: nothing of them is in it."""
    name = file_name(hostile, Query(text=(text,)), lang="en", now=NOW)
    assert name == f"selection-{ORG}"
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,99}", name)


def test_a_question_has_names_and_days(hostile: Log) -> None:
    """The sentence at the top of a file says whom it is about, and days as people say them."""
    pairs = [
        ("category", "roles"),
        ("concerns", "user/u-18"),
        ("from", "2025-01-01"),
        ("to", "2025-12-31"),
        OSLO,
    ]
    asked = question(hostile, from_params(pairs), viewer=VIEWER, lang="en")
    assert asked == "Roles, about Åse Ødegård, from 1 January 2025 to 31 December 2025"
    stored = [("from", "2024-12-31T23:00:00.000000Z"), ("to", "2025-06-30T12:00:00.000000Z"), OSLO]
    asked = question(hostile, from_params(stored), viewer=VIEWER, lang="nb")
    assert "1. januar 2025" in asked
    assert "30. juni 2025 14:00" in asked
