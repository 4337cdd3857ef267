"""What goes between an export and the child processes that set its sheets: rows, what is asked, what is answered.

Owns the frames in which it goes, a length before each. Refuses to import what sets sheets, for an export needs none.
"""

from collections.abc import Iterator
from typing import IO

import msgspec
from msgspec import Struct

_LENGTH = 8  # bytes, before each frame


class Row(Struct, frozen=True, kw_only=True, gc=False):
    """A row, or a part of one that is too long for a page: `name` is the stretch of the text that `link` belongs to."""

    day: str
    text: str
    time: str = ""
    category: str = ""
    note: str = ""
    link: str | None = None
    name: tuple[int, int] = (0, 0)
    last: bool = True


class Above(Struct, frozen=True):
    """What stands above the first row: a line, the title, and two pieces of a line below it."""

    above: str
    title: str
    count: str
    about: str


class Ask(Struct, frozen=True, kw_only=True):
    """Rows to be set. `missing` are letters known to be in no font; `whole`: no rows come after these."""

    lang: str
    title: str
    at: int
    heads: tuple[str, str, str]
    none: str
    numbers: str
    rows: list[Row]
    missing: list[str] = []
    above: Above | None = None
    whole: bool = True


class Answer(Struct, frozen=True):
    """How many rows stand, from the first; the others begin the next sheets. The letters that no font has."""

    stand: int
    missing: list[str]


class Join(Struct, frozen=True, kw_only=True):
    """What the file as a whole has: `page` has places for {page} and {pages}, and `left` stands beside it."""

    lang: str
    title: str
    at: int
    page: str
    left: str


ask_decoder, join_decoder, answer_decoder = map(msgspec.json.Decoder, (Ask, Join, Answer))


def put(file: IO[bytes], content: bytes) -> None:
    """Write a frame."""
    file.write(len(content).to_bytes(_LENGTH, "big") + content)


def frames(file: IO[bytes]) -> Iterator[bytes]:
    """The frames of a file, one after the other. Raises: EOFError where one is cut off."""
    while head := file.read(_LENGTH):
        size = int.from_bytes(head, "big")
        content = file.read(size)
        if len(head) < _LENGTH or len(content) < size:
            raise EOFError("a frame is cut off")
        yield content
