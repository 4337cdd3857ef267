"""The rule of each parameter: what it says of a value, and what it never repeats.

Which values are taken stands in tests/query/test_params.py.
"""

import pytest
from hypothesis import given, strategies as st

from trailbook.query.checks import PAGING, Vocabulary, among
from trailbook.query.fields import FIELDS, ONCE

KNOWN = Vocabulary(categories={"roles"}, actions={"role.assigned", "user.created"}, types={"user", "role"})
CHECKS = {name: row.check for name, row in (FIELDS | ONCE).items()} | PAGING
# Of these a person's id or name may be the value; what they say is answered to whoever asked, and logged.
OF_PERSONS = ("actor", "by_or_about", "concerns", "source", "target", "text", "cursor")
SECRET = "anna.berg"


@given(st.sampled_from(sorted(CHECKS)), st.text(max_size=60), st.sampled_from([None, KNOWN]))
def test_whatever_is_sent_is_taken_or_refused_in_words(
    name: str, value: str, known: Vocabulary | None
) -> None:
    """Never an error of its own; the words are one line, which goes on after the parameter's name."""
    why = CHECKS[name](value, known)
    assert why is None or (why and why.isprintable())


@given(st.sampled_from(OF_PERSONS), st.text(max_size=30), st.text(max_size=30))
def test_what_may_name_a_person_is_not_repeated(name: str, before: str, after: str) -> None:
    for value in (f"{before}/{SECRET}{after}", f"user/{before}{SECRET}{after}", f"{before}{SECRET}{after}\0"):
        assert SECRET not in (CHECKS[name](value, KNOWN) or "")


def test_what_names_a_type_is() -> None:
    """The control of the above: what is no person's is said, with what was meant."""
    assert CHECKS["actor"]("usr/anna.berg", KNOWN) == "'usr' is not a declared type; the nearest is user"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("category", "salary"),
        ("action", "role.lost"),
        ("action", "salary.*"),
        ("target", "salary/*"),
        ("concerns", "salary/s-1"),
    ],
)
def test_without_a_vocabulary_the_form_alone_is_judged(name: str, value: str) -> None:
    """A link that was kept is read before it is known which log it is for."""
    assert CHECKS[name](value, None) is None
    assert "is not" in (CHECKS[name](value, KNOWN) or "")


def test_a_name_that_is_like_none_has_no_nearest() -> None:
    assert among("roels", KNOWN.categories, "a category") == "'roels' is not a category; the nearest is roles"
    assert among("xyz", KNOWN.categories, "a category") == "'xyz' is not a category"
    assert among("roles", KNOWN.categories, "a category") is None


def test_a_long_name_is_not_repeated_whole() -> None:
    """An answer is no longer than its reader; the control is as long as may be shown."""
    assert "a" * 80 in (among("a" * 80, KNOWN.types, "a type") or "")
    assert "a" * 81 not in (among("a" * 10_000, KNOWN.types, "a type") or "")
