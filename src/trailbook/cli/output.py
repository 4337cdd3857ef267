"""What reaches the terminal: text with nothing in it that commands one, JSON, aligned rows, progress.

Owns the escaping of every name that is printed. Refuses to write progress anywhere but on a terminal's
stderr, and to let a name make a new line or a new column.
"""

import importlib
import json
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from trailbook.model import Progress

# Control and format characters (escapes, bidi, zero width), separators of lines, surrogates, private use, unassigned.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class ReaderLeft(Exception):  # noqa: N818  # no error: whoever read our output has seen enough
    """Standard output was closed by its reader, as `| head` does."""


def plain(text: str) -> str:
    """Text with every character that is not shown as itself written as an escape: one line, no commands."""
    return text if text.isascii() and text.isprintable() else "".join(map(_shown, text))


def as_json(value: Any) -> str:
    """JSON on one line, hidden characters escaped as JSON does; reading it back gives the same."""
    text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False)
    return text if text.isascii() and text.isprintable() else "".join(map(_escaped, text))


def put(*lines: str) -> None:
    """Print lines, each made plain. Raises: ReaderLeft."""
    for line in lines:
        put_bytes((plain(line) + "\n").encode())


def put_bytes(piece: bytes) -> None:
    """Print bytes as they are. Raises: ReaderLeft."""
    try:
        sys.stdout.buffer.write(piece)
    except BrokenPipeError:
        raise ReaderLeft from None


def note(text: str) -> None:
    """Say something beside the answer, on stderr."""
    sys.stderr.write(plain(text) + "\n")


def table(rows: Iterable[Sequence[str]]) -> None:
    """Print rows in aligned columns, each cell made plain; the last column is as wide as it is."""
    cells = [[plain(cell) for cell in row] for row in rows]  # first, or the widths would be wrong
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
        put("  ".join(padded).rstrip())


@contextmanager
def progress(title: str) -> Iterator[Progress]:
    """A bar on stderr while something long is done, on a terminal only; tell it how much is done of how much."""
    if not sys.stderr.isatty():
        yield lambda done, of: None
        return
    console = importlib.import_module("rich.console").Console(stderr=True)
    bar = importlib.import_module("rich.progress").Progress(console=console, transient=True)
    with bar:
        task = bar.add_task(title, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _shown(char: str) -> str:
    if unicodedata.category(char) not in _HIDDEN:
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _escaped(char: str) -> str:
    return char if unicodedata.category(char) not in _HIDDEN else json.dumps(char)[1:-1]


def _width(text: str) -> int:
    """How many columns a terminal gives it. Source: UAX 11."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """A number with its word: 1 entry, 2 entries."""
    return f"{count} {singular if count == 1 else plural or singular + 's'}"
