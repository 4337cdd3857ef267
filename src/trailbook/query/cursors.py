"""Cursors: a place in an answer, authenticated and bound to organisation, viewer, filter and order.

Owns their form and their life of 30 days. Refuses every cursor it did not write for exactly this question.
"""

import base64
import binascii
import hashlib
import hmac

import msgspec
from msgspec import Struct, structs

from trailbook.errors import CursorInvalidError

LIFE = 30 * 24 * 3600 * 1_000_000  # microseconds
_TAG = 16


class Cursor(Struct, frozen=True, array_like=True, kw_only=True):
    """Where to go on: from (at, seq) towards later entries or earlier ones, at one `as_of`, between two instants
    and by one rule of hours."""

    at: int
    seq: int
    later: bool
    as_of: int | None
    since: int | None
    until: int | None
    written: int
    hours: str | None = None  # the rule as it was then; last, for cursors from before it was there


_cursor = msgspec.msgpack.Decoder(Cursor)


def write_cursor(cursor: Cursor, question: str, key: bytes) -> str:
    """The opaque text of a cursor; `question` is everything it is bound to, printed."""
    # Without a rule it is, byte for byte, what it was before there were any.
    members = structs.astuple(cursor) if cursor.hours else structs.astuple(cursor)[:-1]
    return _sealed(msgspec.msgpack.encode(members), question, key)


def read_cursor(text: str, question: str, key: bytes, now: int) -> Cursor:
    """The cursor of a text. Raises: CursorInvalidError, the same for every reason."""
    wrong = CursorInvalidError("the cursor is not valid for this question; begin again without it")
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))[_TAG:]
        if not hmac.compare_digest(
            text, _sealed(content, question, key)
        ):  # every letter, before it is understood
            raise wrong
        cursor = _cursor.decode(content)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise wrong from None
    if now - cursor.written > LIFE:
        raise wrong
    return cursor


def _sealed(content: bytes, question: str, key: bytes) -> str:
    """What a cursor says behind what authenticates it, as letters of an address."""
    return base64.urlsafe_b64encode(_tag(content, question, key) + content).decode().rstrip("=")


def _tag(content: bytes, question: str, key: bytes) -> bytes:
    bound = hashlib.sha256(question.encode()).digest()
    return hmac.digest(key, b"trailbook/cursor/v1\x00" + bound + content, "sha256")[:_TAG]
