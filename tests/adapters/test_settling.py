"""Settling: every line of the file is of one result, or the import ends in an error that says so."""

import csv
import io
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, strategies as st
from tests.adapters.small import CASES, imported, plan_of, recorded, results, why

from trailbook import Item, Log
from trailbook.adapters import files
from trailbook.adapters.files import import_csv
from trailbook.adapters.json_text import malformed
from trailbook.adapters.lines import Lines
from trailbook.adapters.rows import Row, read_rows
from trailbook.adapters.settling import ImportLine, Line, Ways, settled
from trailbook.deployment.opening import open_deployment
from trailbook.errors import ConfigurationError, TrailbookError
from trailbook.recording.contract import Result

GOOD = (CASES / "padded-cells.csv").read_bytes()
HEADING = "When,What,Uid,User,Rid,Role,Mid,Member,Note\n"
PUT = [b",", b'"', b"\n", b"\r", b"a", b"2", b"\xff"]
TEXTS = st.text('aé ,;"\n', max_size=5)


def file_of(texts: Sequence[tuple[str, str]]) -> list[bytes]:
    """A heading, and a row of each name and note."""
    rows = [HEADING.encode()]
    for at, (name, note) in enumerate(texts):
        cells = [
            f"2024-01-02 10:{at:02}",
            "role.assigned",
            "u-1",
            name,
            "r-1",
            "Boss",
            f"m-{at}",
            "Per",
            note,
        ]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(cells)
        rows.append(text.getvalue().encode())
    return rows


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5), st.data())
def test_one_byte_keeps_the_sum_and_changes_no_other_rows_entry(
    texts: list[tuple[str, str]], data: st.DataObject
) -> None:
    """Changed, removed or doubled anywhere: every other row is in the log already, alike, or is refused."""
    deployment = open_deployment("memory:")
    log = deployment.create("acme")
    rows = file_of(texts)
    raw = b"".join(rows)
    assert results(imported(log, raw, plan_of())) == {"recorded": len(texts)}
    at = data.draw(st.integers(0, len(raw) - 1))
    put = data.draw(st.sampled_from([b"", raw[at : at + 1] * 2, *PUT]))
    ends = [len(b"".join(rows[: row + 1])) for row in range(len(rows))]
    touched = next(row for row, end in enumerate(ends) if at < end)
    first = 1 + b"".join(rows[:touched]).count(b"\n")
    last = first + rows[touched].count(b"\n")  # one line more than before: a line break may have come or gone
    changed = raw[:at] + put + raw[at + 1 :]
    try:
        lines = imported(log, changed, plan_of())
    except ConfigurationError:
        assert touched == 0  # the heading
        return
    heading = next(iter(read_rows(Lines(io.BytesIO(changed), 10_000), ","))).lines
    assert heading + sum(line.lines for line in lines) == len(io.BytesIO(changed).readlines())
    for line in lines:
        alike = line.result in ("replayed", "refused", "skipped")
        assert alike or touched == 0 or first <= line.number <= line.number + line.lines - 1 <= last
    deployment.close()


class Forgetful:
    """A log that is asked for many entries and answers for one fewer."""

    def __init__(self, log: Log) -> None:
        self.id_from, self.catalogue, self._log = log.id_from, log.catalogue, log

    def record_each(self, entries: Sequence[object], **more: object) -> Sequence[Result]:
        """Record all, and forget to say so of the last."""
        return self._log.record_each(entries, **more)[:-1]  # type: ignore[arg-type]


def test_an_import_that_loses_count_says_so(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """An internal error, never silence: of a row that framing loses, and of an answer that the log does not give."""

    def fewer(lines: Lines, delimiter: str) -> Iterator[Row]:
        return (row for row in read_rows(lines, delimiter) if row.number != 3)

    assert results(imported(log, GOOD, plan_of())) == {"recorded": 5}  # the control
    with pytest.raises(TrailbookError, match="lost count: of 5 entries 4") as error:
        list(import_csv(Forgetful(log), io.BytesIO(GOOD), plan_of()))  # type: ignore[arg-type]
    assert error.value.code == "internal"
    monkeypatch.setattr(files, "read_rows", fewer)
    with pytest.raises(TrailbookError, match="lost count: of 7 lines 6") as error:
        imported(log, GOOD, plan_of())
    assert error.value.code == "internal"


def test_in_the_log_already_and_twice_in_this_file_are_two_words(log: Log) -> None:
    """Across batches too."""
    rows = file_of([("Kari", str(at)) for at in range(20)])
    head, body = rows[0], rows[1:]
    assert results(imported(log, head + b"".join(body), plan_of())) == {"recorded": 20}
    more = [row.replace(b"2024-01-02", b"2024-01-03") for row in body]
    many = head + b"".join([*more, *body, *more] * 60)
    assert results(imported(log, many, plan_of())) == {"recorded": 20, "replayed": 1200, "repeated": 2380}


def test_memory_is_bounded_by_bytes_too(log: Log) -> None:
    """Rows with long cells that nobody reads are settled before there are a thousand of them."""
    head, row = file_of([("Kari", "x" * 3_000_000)])
    taken = 0

    class Counted(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            nonlocal taken
            line = super().readline(size)
            taken += len(line)
            return line

    rows = [row.replace(b"m-0", b"m-%d" % at) for at in range(6)]
    lines = import_csv(log, Counted(head + b"".join(rows)), plan_of())
    assert next(lines).result == "recorded"
    assert taken < 10_000_000
    assert results([*lines]) == {"recorded": 5}


def test_a_dry_run_counts_alike(log: Log) -> None:
    raw = (CASES / "stray-quote.csv").read_bytes() * 1
    dry = imported(log, raw, plan_of(), dry_run=True)
    assert results(dry) == {"acceptable": 2, "refused": 3}
    assert recorded(log) == []
    assert [why(line) for line in dry if line.refused] == [
        why(line) for line in imported(log, raw, plan_of()) if line.refused
    ]


def settle(
    log: Log, read: Sequence[Line], *, count: int, aside: int = 0
) -> tuple[list[ImportLine], list[str]]:
    """What became of these lines of a file of `count`, and what was said of those refused."""
    lines, heard = Lines(io.BytesIO(b""), 1), []
    lines.count, lines.aside = count, aside

    def hear(line: Line, why: TrailbookError) -> None:
        heard.append(f"{line.number}: {why.detail}")

    ways = Ways(log=log, source=Item(type="source", id="s-1", name="HR"), dry_run=False, refused=hear)
    return list(settled(read, lines, ways)), heard


def test_lines_are_accounted_for_in_their_order(log: Log) -> None:
    """A row on several lines counts as each of them; what says how to read the others counts too."""
    refused = Line(number=4, raw=b"x", refused=malformed("is no row"))
    read = [Line(number=2, raw=b"", lines=2), refused, Line(number=5, raw=b"")]
    became, heard = settle(log, read, count=5, aside=1)
    assert [(line.number, line.result, line.lines) for line in became] == [
        (2, "skipped", 2),
        (4, "refused", 1),
        (5, "skipped", 1),
    ]
    assert heard == ["4: entry: is no row"]


@pytest.mark.parametrize("count", [1, 3])
def test_a_line_more_or_fewer_than_were_read_ends_the_import(log: Log, count: int) -> None:
    """After what became of the others was said; the control is the right number."""
    read = [Line(number=1, raw=b""), Line(number=2, raw=b"")]
    assert len(settle(log, read, count=2)[0]) == 2
    with pytest.raises(TrailbookError, match=f"of {count} lines 2 are accounted for"):
        settle(log, read, count=count)


def test_a_refusal_keeps_nothing_of_what_was_at_hand(log: Log) -> None:
    """A file of a million bad rows is no million frames: an error that was raised lets go of where."""
    try:
        raise malformed("is no row") from ValueError("of a cell")
    except TrailbookError as error:
        why = error
    assert why.__traceback__ is not None
    became, _ = settle(log, [Line(number=1, raw=b"x", refused=why)], count=1)
    assert became[0].refused is why
    assert why.__traceback__ is why.__context__ is None
