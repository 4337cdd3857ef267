"""Formats: which there are, that a file has exactly what was counted, and that it is whole or not there."""

import sys
from pathlib import Path

import pytest
from tables import VIEWER

from trailbook import Log, Query, operator
from trailbook.errors import ExportChangedError, FormatUnavailableError, InvalidError
from trailbook.export import FORMATS, Layout, check_format, exactly, file_pieces, formats, whole_file
from trailbook.finding.rows import ExportRows
from trailbook.testing.small import assigned, opened
from trailbook.testing.steady import FrozenClock


def test_a_format_that_is_not_installed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal names the extra; with it every format is there, and without it the others still are."""
    assert formats() == tuple(FORMATS)
    check_format("parquet")
    monkeypatch.setattr(sys.modules["trailbook.export.format"], "find_spec", lambda name: None)
    assert formats() == ("xlsx", "csv", "jsonl")
    for refused in (check_format, lambda name: list(file_pieces(name, [], Layout(columns=("seq",))))):
        for extra in ("parquet", "pdf"):
            with pytest.raises(FormatUnavailableError, match=rf"trailbook\[{extra}\]"):
                refused(extra)
    check_format("xlsx")


def test_columns_are_looked_at_where_there_are_some() -> None:
    """A table is refused for a column or a zone that nobody knows; PDF has no columns, JSON lines neither."""
    for name in ("csv", "xlsx", "parquet"):
        with pytest.raises(InvalidError):
            check_format(name, ("salary",))
        with pytest.raises(InvalidError):
            check_format(name, tz="Mars/Olympus")
        check_format(name, ("seq",), "Europe/Oslo")
    with pytest.raises(InvalidError):
        check_format("pdf", tz="Mars/Olympus")
    check_format("pdf", ("salary",), "Europe/Oslo")
    check_format("jsonl", ("salary",), "Mars/Olympus")


def test_a_count_that_does_not_hold_is_an_error(hostile: Log) -> None:
    """Fewer rows than were counted, or more, is no file; as many is one."""
    for off, bad in ((1, True), (-1, True), (0, False)):
        rows = hostile.export(Query(), viewer=VIEWER)
        wrong = ExportRows(count=rows.count + off, as_of=rows.as_of, batches=rows.batches)
        if bad:
            with pytest.raises(ExportChangedError):
                list(exactly(wrong))
        else:
            assert sum(map(len, exactly(wrong))) == rows.count


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    """What breaks off leaves nothing, under no name; what ends well stands."""
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "out.csv") as out:  # noqa: PT012
        out.write(b"half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    with whole_file(tmp_path / "out.csv") as out:
        out.write(b"whole")
    assert (tmp_path / "out.csv").read_bytes() == b"whole"


def test_writers_go_on_meanwhile(tmp_path: Path) -> None:
    """An export of one `as_of` has what was counted, however many entries arrive while it is read."""
    clock = FrozenClock()
    deployment = opened(tmp_path, clock)
    log, viewer = deployment.create("acme"), operator("acme")
    log.record_many([assigned(clock, at) for at in range(4_500)])
    rows = log.export(Query(), viewer=viewer)
    seqs: list[int] = []
    for batch in exactly(rows):
        seqs += [line.seq for line in batch]
        log.record_many([assigned(clock, at) for at in range(10)])
    assert (rows.count, sorted(seqs)) == (4_500, list(range(4_500)))
    assert log.count(Query(), viewer=viewer)[0] > 4_500
    deployment.close()
