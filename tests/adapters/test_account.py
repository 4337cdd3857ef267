"""The account of an import: every line of the file is of one result, or the import ends in an error that says so."""

import csv
import io
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, strategies as st
from tests.adapters.small import CASES, imported, plan_of, recorded, results, why

from trailbook import Log
from trailbook.adapters import files
from trailbook.adapters.files import import_csv
from trailbook.adapters.lines import Lines
from trailbook.adapters.mapping import Plan
from trailbook.adapters.rows import Row, read_rows
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


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b"", "has no heading"),
        (b"\n\n", "has no heading"),
        (GOOD.decode().encode("utf-16"), "UTF-16"),
        (GOOD.decode().encode("utf-16-be"), "UTF-16"),
        (GOOD.replace(b",", b";"), "delimiter is ',' here, and ';' in the file"),
        (GOOD.replace(b",", b"\t"), "headings are 'When\\tWhat"),
        (b"sep=,\r\n" + GOOD, "sep="),
        (b"sep=;\r\n" + GOOD.replace(b",", b";"), "sep="),
        (GOOD.replace(b"Uid", b"U\xefd"), "not UTF-8"),
        (
            GOOD.replace(b"Uid", b"Id").replace(b"Rid", b"No"),
            "no column 'Uid', 'Rid'; its headings are 'When', ",
        ),
        (GOOD.replace(b"\n", b"\r"), "carriage return"),
        (GOOD.replace(b"Member", b'"Member'), "heading of the file, on line 1, opens a quotation"),
    ],
)
def test_one_cause_is_one_message(log: Log, raw: bytes, word: str) -> None:
    """What is wrong with all of a file is said once, and nothing of it is recorded."""
    with pytest.raises(ConfigurationError) as error:
        imported(log, raw, plan_of())
    assert word in error.value.detail
    assert recorded(log) == []


def test_blank_lines_before_the_heading_and_a_mark_before_it_do_no_harm(log: Log) -> None:
    lines = imported(log, b"\xef\xbb\xbf\r\n\n" + GOOD.replace(b"When", b" When "), plan_of())
    assert results(lines) == {"skipped": 2, "recorded": 5}
    assert [line.number for line in lines] == [1, 2, 4, 5, 6, 7, 9]


def test_a_dry_run_counts_alike(log: Log) -> None:
    raw = (CASES / "stray-quote.csv").read_bytes() * 1
    dry = imported(log, raw, plan_of(), dry_run=True)
    assert results(dry) == {"acceptable": 2, "refused": 3}
    assert recorded(log) == []
    assert [why(line) for line in dry if line.refused] == [
        why(line) for line in imported(log, raw, plan_of()) if line.refused
    ]


def test_the_plan_is_the_callers(log: Log) -> None:
    """A mapping made in Python reads like one from a file."""
    plan = plan_of()
    made = Plan(source=plan.source, columns=plan.columns, fixed=plan.fixed, zone="UTC")
    assert results(imported(log, GOOD, made)) == {"recorded": 5}
