"""Cursors: opaque, authenticated, bound to their question, and not for ever."""

import base64
import hashlib
import hmac
from datetime import timedelta
from itertools import product

import msgspec
import pytest
from hypothesis import given, strategies as st
from msgspec import structs

from trailbook.errors import CursorInvalidError
from trailbook.query.cursors import LIFE, Cursor, read_cursor, write_cursor

KEY = bytes(range(32))
NOW = 1_793_000_000_000_000
WHEN = st.integers(-(2**62), 2**62)
MAYBE = st.none() | WHEN
CURSORS = st.builds(
    Cursor, at=WHEN, seq=st.integers(-1, 2**40), later=st.booleans(), as_of=MAYBE, since=MAYBE, until=MAYBE,
    written=st.integers(NOW - LIFE, NOW),
)  # fmt: skip
ONE = Cursor(at=5, seq=7, later=False, as_of=9, since=None, until=None, written=NOW)


@given(CURSORS, st.text(max_size=50))
def test_reading_gives_back_what_was_written(cursor: Cursor, question: str) -> None:
    text = write_cursor(cursor, question, KEY)
    assert read_cursor(text, question, KEY, NOW) == cursor
    assert len(text) <= 512
    assert text.isascii()


@pytest.mark.parametrize("bit", range(len(write_cursor(ONE, "q", KEY)) * 6))
def test_every_changed_bit_is_found(bit: int) -> None:
    """Of the text's letters, so that bits which base64 ignores are found as well."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    text = write_cursor(ONE, "q", KEY)
    at, changed = bit // 6, letters.index(text[bit // 6]) ^ (1 << bit % 6)
    with pytest.raises(CursorInvalidError):
        read_cursor(text[:at] + letters[changed] + text[at + 1 :], "q", KEY, NOW)
    assert read_cursor(text, "q", KEY, NOW) == ONE


@pytest.mark.parametrize(
    "text", ["", "x", "=", "å", "A" * 600, "%00", " ", write_cursor(ONE, "q", KEY) + "=", "A" * 22]
)
def test_what_is_no_cursor(text: str) -> None:
    with pytest.raises(CursorInvalidError) as refused:
        read_cursor(text, "q", KEY, NOW)
    assert refused.value.detail == "the cursor is not valid for this question; begin again without it"


@given(st.binary(max_size=100))
def test_any_bytes(raw: bytes) -> None:
    with pytest.raises(CursorInvalidError):
        read_cursor(base64.urlsafe_b64encode(raw).decode().rstrip("="), "q", KEY, NOW)


def test_letters_that_say_nothing() -> None:
    """What a lenient decoder would skip, and the other alphabet's letters, are no part of a cursor."""
    text = next(
        cursor
        for at in range(99)
        if set("-_") <= set(cursor := write_cursor(structs.replace(ONE, at=at), "q", KEY))
    )
    for other in (
        f" {text}",
        f"{text[:8]}.{text[8:]}",
        f"{text}\n",
        text.replace("-", "+"),
        text.replace("_", "/"),
    ):
        with pytest.raises(CursorInvalidError):
            read_cursor(other, "q", KEY, NOW)
    assert read_cursor(text, "q", KEY, NOW).seq == 7


def test_another_question_or_key() -> None:
    text = write_cursor(ONE, "acme\nuser/1\ndesc\n", KEY)
    for question, key in (("acme\nuser/2\ndesc\n", KEY), ("acme\nuser/1\ndesc\n", bytes(32))):
        with pytest.raises(CursorInvalidError):
            read_cursor(text, question, key, NOW)
    assert read_cursor(text, "acme\nuser/1\ndesc\n", KEY, NOW) == ONE


def test_thirty_days() -> None:
    old = write_cursor(structs.replace(ONE, written=NOW - LIFE), "q", KEY)
    assert read_cursor(old, "q", KEY, NOW).seq == 7
    with pytest.raises(CursorInvalidError):
        read_cursor(old, "q", KEY, NOW + 1)


def test_the_form_and_the_life() -> None:
    """16 bytes that authenticate, then the place as msgpack; taken for thirty days of microseconds, no more."""
    raw = base64.urlsafe_b64decode(write_cursor(ONE, "q", KEY) + "==")
    assert msgspec.msgpack.decode(raw[16:]) == [5, 7, False, 9, None, None, NOW]
    bound = b"trailbook/cursor/v1\x00" + hashlib.sha256(b"q").digest() + raw[16:]
    assert raw[:16] == hmac.digest(KEY, bound, "sha256")[:16]
    assert timedelta(microseconds=LIFE) == timedelta(days=30)


def test_every_last_letter() -> None:
    """Texts that end in any letter are read back: only the padding of base64 is left out."""
    ends = set()
    for at, ago in product((5, 200, 300), range(300)):
        cursor = structs.replace(ONE, at=at, written=NOW - ago)
        text = write_cursor(cursor, "q", KEY)
        ends.add(text[-1])
        assert read_cursor(text, "q", KEY, NOW) == cursor
    assert len(ends) == 64
