"""Content codings: a body is read whole or not at all, however it was packed, cut or extended."""

import gzip
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given, strategies as st

from trailbook.web.http.content_coding import MOST_PARTS, unpacked
from trailbook.web.http.strict_json import MalformedError, TooLargeError

MOST = 4_000_000
TOO_LARGE = TooLargeError("too large")
PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstandard.compress}
CODINGS = pytest.mark.parametrize("coding", PACK)
TEXTS = st.binary(max_size=400)


def read(body: bytes, coding: str) -> bytes:
    return unpacked(body, coding, TOO_LARGE, MOST)


@CODINGS
@given(parts=st.lists(TEXTS, min_size=1, max_size=4))
def test_every_part_is_read(coding: str, parts: list[bytes]) -> None:
    """Three frames in one body recorded the first, and said 200."""
    assert read(b"".join(PACK[coding](part) for part in parts), coding) == b"".join(parts)


@CODINGS
@given(text=TEXTS, cut=st.integers(min_value=1, max_value=400))
def test_a_part_that_does_not_end_is_refused(coding: str, text: bytes, cut: int) -> None:
    """An unfinished frame passed as an atomic batch; the control is the whole one."""
    body = PACK[coding](text)
    short = body[: max(len(body) - cut, 1)]
    for before in (b"", PACK[coding](b"first")):
        with pytest.raises(MalformedError):
            read(before + short, coding)
    assert read(body, coding) == text


@CODINGS
@given(text=TEXTS, rubbish=st.binary(min_size=1, max_size=40))
def test_what_stands_behind_it_is_refused(coding: str, text: bytes, rubbish: bytes) -> None:
    """Rubbish after a frame passed."""
    skippable = rubbish[:4] in [bytes([0x50 + at, 0x2A, 0x4D, 0x18]) for at in range(16)]
    if not skippable:
        with pytest.raises(MalformedError):
            read(PACK[coding](text) + rubbish, coding)


@CODINGS
def test_the_bound_holds_over_all_parts_together(coding: str) -> None:
    """A bomb, in one part or many, costs no more memory than the largest honest body; the control is as large."""
    half = PACK[coding](bytes(MOST // 2))
    assert len(read(half + half, coding)) == MOST
    for body in (half + half + PACK[coding](b"x"), PACK[coding](bytes(20 * MOST))):
        with pytest.raises(TooLargeError):
            read(body, coding)


@CODINGS
def test_parts_are_a_thousand_at_most(coding: str) -> None:
    """A million empty ones are a small body that takes minutes; the control has as many as may be."""
    empty = PACK[coding](b"")
    assert read(empty * MOST_PARTS, coding) == b""
    with pytest.raises(MalformedError, match=f"more than {MOST_PARTS}"):
        read(empty * (MOST_PARTS + 1), coding)


def test_a_frame_of_unknown_size_and_one_without_content_are_read() -> None:
    """As they come from a stream that did not know how much would follow."""
    packer = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    streamed = packer.compress(b"streamed") + packer.flush()
    assert (
        read(streamed + zstandard.compress(b"") + zstandard.compress(b" and sized"), "zstd")
        == b"streamed and sized"
    )
