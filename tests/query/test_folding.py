"""Folding: what counts as the same letter, and where words end."""

import pytest
from hypothesis import given, strategies as st

from trailbook.query import fold, words

NORDIC = st.text(st.sampled_from("aAbeoÅåäÄæÆøØöÖéÉüñçß -'x"), max_size=20)


@pytest.mark.parametrize(
    "same", ["Å å aa a A AA Á ā", "Ø ø ö o Ö O õ", "Æ æ ä ae Ä AE Ǽ ǟ", "é E ê ĕ", "ß ss SS", "ﬁ fi"]
)
def test_letters_that_are_one(same: str) -> None:
    """Each line is one letter to whoever searches; a decomposed å is an å."""
    assert len({fold(letter) for letter in same.split()}) == 1
    assert fold("A\u030a") == fold("Å")


def test_letters_that_are_not_one() -> None:
    """The control of the test above."""
    assert len({fold(letter) for letter in "å ø æ e i u y".split()}) == 7


@given(st.text())
def test_folding_twice_adds_nothing(text: str) -> None:
    """A folded word, kept in the directory, is found by folding what is typed."""
    assert fold(fold(text)) == fold(text)
    assert words(" ".join(words(text))) == words(text)


@given(NORDIC, NORDIC)
def test_a_beginning_folds_to_a_beginning(start: str, rest: str) -> None:
    """Any word of a name matches from its start, also in the middle of `aa` and `ae`."""
    assert fold(start + rest).startswith(fold(start))


@pytest.mark.parametrize(
    ("text", "parted"),
    [
        ("Åse Ærlig-Aasen Ødegård", ("ase", "aerlig", "asen", "odegard")),
        ("O'Brien, Seán", ("o", "brien", "sean")),
        ("anna.berg+hr@example.org", ("anna", "berg", "hr", "example", "org")),
        ("Anna anna ÅNNA", ("anna",)),
        ("室 42²", ("室", "422")),
        (" -- ", ()),
    ],
)
def test_words(text: str, parted: tuple[str, ...]) -> None:
    """Whatever is no letter and no digit parts words; a word stands once."""
    assert words(text) == parted
