"""Settling: what becomes of the lines that were read, a batch at a time.

Owns the account of an import. Refuses to end while a line that was read is not accounted for.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from msgspec import Struct

from trailbook.adapters.lines import Lines
from trailbook.errors import TrailbookError
from trailbook.model import Item, NameMend, NewEntry, Receipt

if TYPE_CHECKING:  # whoever imports has a log open; reading alone needs none
    from trailbook.log import Log

LineState = Literal["recorded", "replayed", "repeated", "acceptable", "refused", "skipped"]

_BATCH = 1_000
_BATCH_BYTES = 8 * 1024 * 1024


class Line(Struct, frozen=True, kw_only=True, gc=False):
    """A line, or a row on several, as it was read: its entry, or why it has none; neither where it is skipped."""

    number: int
    raw: bytes
    lines: int = 1
    entry: NewEntry | None = None
    refused: TrailbookError | None = None
    left_out: tuple[str, ...] = ()
    names: tuple[NameMend, ...] = ()


class ImportLine(Struct, frozen=True, kw_only=True, gc=False):
    """What became of one line, or of a row on several of them, counted from 1.

    `replayed` was in the log already, `repeated` stands twice in the file; `acceptable` is what a dry run says instead
    of recording. `left_out` names members whose cells did not read, `names` how names were mended, where recorded.
    """

    number: int
    result: LineState
    id: UUID | None = None
    refused: TrailbookError | None = None
    lines: int = 1
    left_out: tuple[str, ...] = ()
    names: tuple[NameMend, ...] = ()


class Ways(Struct, frozen=True, kw_only=True):
    """How to settle: the log, under which source, whether for trial only, and who is told of each refusal."""

    log: "Log"
    source: Item
    dry_run: bool
    refused: Callable[[Line, TrailbookError], None]


def settled(read: Iterable[Line], lines: Lines, ways: Ways) -> Iterator[ImportLine]:
    """Record what was read, in order, and say what became of each.

    Raises: StoreError; TrailbookError, an internal one, where a line of `lines` is not accounted for at the end.
    """
    accounted, own = 0, _Runs()
    for batch in _batches(read):
        if ways.dry_run:  # whose entries are judged against the log of now, each batch alike
            own = _Runs()
        for line in _settle(batch, ways, own):
            accounted += line.lines
            yield line
    accounted += lines.aside
    if accounted != lines.count:
        raise TrailbookError(f"the import lost count: of {lines.count} lines {accounted} are accounted for")


def _batches(read: Iterable[Line]) -> Iterator[list[Line]]:
    batch: list[Line] = []
    size = 0
    for line in read:
        batch.append(line)
        size += len(line.raw)
        if len(batch) == _BATCH or size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    yield batch


def _settle(batch: Sequence[Line], ways: Ways, own: "_Runs") -> Iterator[ImportLine]:
    entries = [line.entry for line in batch if line.entry is not None]
    log = ways.log
    outcomes = log.judge_each(entries) if ways.dry_run else log.record_each(entries, source=ways.source)
    if len(outcomes) != len(entries):
        raise TrailbookError(f"the import lost count: of {len(entries)} entries {len(outcomes)} came back")
    answers = iter(outcomes)
    for line in batch:
        answer = None if line.entry is None else next(answers)
        why = line.refused if answer is None else answer.refused
        if why is not None:
            why.__traceback__ = why.__context__ = None  # which would keep all that was at hand
            ways.refused(line, why)
            yield _became(line, "refused", refused=why)
        elif answer is None or answer.receipt is None:
            yield _became(line, "skipped")
        else:
            yield _accepted(line, answer.receipt, own, dry_run=ways.dry_run)


def _accepted(line: Line, receipt: Receipt, own: "_Runs", *, dry_run: bool) -> ImportLine:
    seq = receipt.seq or 0
    if receipt.replayed:
        return _became(line, "repeated" if own.has(seq) else "replayed", id=receipt.id)
    own.add(seq)
    return ImportLine(
        number=line.number,
        result="acceptable" if dry_run else "recorded",
        id=receipt.id,
        lines=line.lines,
        left_out=line.left_out,
        names=line.names,
    )


def _became(
    line: Line, result: LineState, *, id: UUID | None = None, refused: TrailbookError | None = None
) -> ImportLine:
    of = id or (None if line.entry is None else line.entry.id)
    return ImportLine(number=line.number, result=result, id=of, refused=refused, lines=line.lines)


class _Runs:
    """The seqs of what this import recorded: runs of numbers, however many entries."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, seq: int) -> None:
        """Take in a seq that is greater than all before."""
        if self._ends and self._ends[-1] == seq:
            self._ends[-1] += 1
        else:
            self._starts.append(seq)
            self._ends.append(seq + 1)

    def has(self, seq: int) -> bool:
        """Whether a seq was taken in."""
        at = bisect_right(self._starts, seq) - 1
        return at >= 0 and seq < self._ends[at]
