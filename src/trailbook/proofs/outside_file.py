"""The outside file: copies of checkpoints, of erased tokens and of the ranges of keys, kept where the database is not.

Owns one append-only text file for a deployment, synced at every record. Refuses to change or drop a record:
whoever reads it back finds what was written, in order, or an error that names the line.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from trailbook.errors import DamagedError, InvalidError, ProofInvalidError
from trailbook.tree import KeyRange, SignedCheckpoint, VerifierKey, format_range, parse_range, read_checkpoint

_BEGIN, _END, _KEY = "++\n", "--\n", "key "
_TAIL = 1 << 20  # bytes of the end of the file that are looked at before all of it
_ERASED = re.compile(r"erased ([a-z0-9-]{1,63}) ([A-Za-z0-9_-]{32})\n")


class Outside(Struct, frozen=True):
    """What the file says: signed notes with the checkpoints in them, and erased tokens by organisation."""

    notes: tuple[SignedCheckpoint, ...]
    erased: dict[str, frozenset[str]]

    def last(self, origins: frozenset[str]) -> SignedCheckpoint | None:
        """The last checkpoint of any of these origins, or None."""
        return next((signed for signed in reversed(self.notes) if signed.checkpoint.origin in origins), None)

    def notes_of(self, origin: str) -> list[bytes]:
        """The signed notes of the log with this origin, in any epoch."""
        return [
            signed.note
            for signed in self.notes
            if signed.checkpoint.origin == origin or signed.checkpoint.origin.startswith(f"{origin}/")
        ]


NOTHING_OUTSIDE = Outside((), {})


def read_outside(file: Path) -> Outside:
    """Read the whole file; one that does not exist yet is empty. Raises: DamagedError naming the line.

    A record that a power cut left half written was never acknowledged, and is passed over.
    """
    return _parsed(file.read_text("utf-8", "replace") if file.exists() else "")


def last_outside(file: Path, origin: str) -> SignedCheckpoint | None:
    """The last checkpoint of an origin, looked for from the end of the file. Raises: DamagedError."""
    size = file.stat().st_size if file.exists() else 0
    span = _TAIL
    while span < size:
        with file.open("rb") as opened:
            opened.seek(size - span)
            text = opened.read(span).decode("utf-8", "replace")
        _, begin, records = text.partition(f"\n{_BEGIN}")
        tail = _parsed(_BEGIN + records) if begin else NOTHING_OUTSIDE
        if (last := tail.last(frozenset({origin}))) is not None:
            return last
        span *= 8
    return read_outside(file).last(frozenset({origin}))


def read_ranges(file: Path) -> dict[str, list[KeyRange]]:
    """The ranges of keys that the file says, by the origin of the log; of a key what it says last.

    Raises: DamagedError naming the line.
    """
    ranges: dict[str, dict[VerifierKey, KeyRange]] = {}
    if file.exists():
        with file.open(encoding="utf-8", errors="replace") as lines:
            for number, record in _records(lines):
                for line in record if record[0].startswith(_KEY) else ():
                    range_ = _range(line, number)
                    ranges.setdefault(range_.key.name, {})[range_.key] = range_
    return {origin: list(by_key.values()) for origin, by_key in ranges.items()}


def _parsed(text: str) -> Outside:
    notes: list[SignedCheckpoint] = []
    erased: dict[str, set[str]] = {}
    for number, record in _records(text.splitlines(keepends=True)):
        if record[0].startswith("erased "):
            _learn(erased, record, number)
        elif not record[0].startswith(_KEY):
            notes.append(_note("".join(record), number))
    return Outside(tuple(notes), {org: frozenset(tokens) for org, tokens in erased.items()})


def _records(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Each whole record, and the number of the line that ends it; an empty one has one empty line."""
    record: list[str] | None = None
    for number, line in enumerate(lines, 1):
        if line == _BEGIN:
            record = []
        elif record is not None and line == _END:
            yield number, record or [""]
            record = None
        elif record is not None:
            record.append(line)


def add_note(file: Path, note: bytes) -> None:
    """Append a signed note, durably."""
    _append(file, note.decode())


def add_erased(file: Path, org: str, tokens: tuple[str, ...]) -> None:
    """Append tokens that an erasure took, durably, so that a restored backup can be made to forget them again."""
    _append(file, "".join(f"erased {org} {token}\n" for token in tokens))


def add_ranges(file: Path, ranges: Sequence[KeyRange]) -> None:
    """Append the ranges of a log's keys, durably, so that no head outside them is believed."""
    _append(file, "".join(f"{_KEY}{format_range(range_)}\n" for range_ in ranges))


def _append(file: Path, text: str) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        # The first newline ends whatever a power cut left half written.
        os.write(handle, f"\n{_BEGIN}{text}{_END}".encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def _learn(erased: dict[str, set[str]], record: list[str], number: int) -> None:
    for line in record:
        token = _ERASED.fullmatch(line)
        if token is None:
            raise DamagedError(f"the outside file is damaged before line {number}: no erased token")
        erased.setdefault(token[1], set()).add(token[2])


def _range(line: str, number: int) -> KeyRange:
    try:
        return parse_range(line.removeprefix(_KEY).rstrip("\n"))
    except InvalidError as error:
        raise DamagedError(f"the outside file is damaged before line {number}: {error.detail}") from error


def _note(text: str, number: int) -> SignedCheckpoint:
    try:
        return read_checkpoint(text.encode())
    except ProofInvalidError as error:
        raise DamagedError(f"the outside file is damaged before line {number}: {error.detail}") from error
