"""The ten questions: the log answers what the HR system counts, and none of its files has a value."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from trailbook import demo
from trailbook.access.viewer import operator
from trailbook.demo import names
from trailbook.demo.reference import lived_until, ten
from trailbook.deployment.opening import open_deployment
from trailbook.log.log import Log
from trailbook.query import from_params

if TYPE_CHECKING:
    from tests.demo.conftest import Build, Built


@pytest.fixture(scope="module")
def rows(built: "Built") -> Iterator[Session]:
    """A look into hr.db."""
    with Session(create_engine(f"sqlite:///{built.directory / demo.HR_FILE}")) as session:
        yield session


@pytest.fixture(scope="module")
def log(built: "Built", tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Log, Path]]:
    """A real log on files of its own, holding what the company recorded."""
    folder = tmp_path_factory.mktemp("log")
    until = built.summary.until
    deployment = open_deployment(
        f"sqlite:///{folder}/log.db", create=True, folders=[demo.CATALOGUE], clock=lambda: until
    )
    new_log = deployment.create(demo.ORG)
    for at in range(0, len(built.recorder.entries), 2000):
        new_log.record_many(built.recorder.entries[at : at + 2000], source=demo.SOURCE)
    yield new_log, folder
    deployment.close()


@pytest.mark.parametrize("number", range(1, 11))
def test_the_log_counts_what_hr_counts(log: tuple[Log, Path], rows: Session, number: int) -> None:
    """Each of the ten: the filter's exact total is the number of rows in the HR system's own tables."""
    question = ten(lived_until(rows))[number - 1]
    counted, _ = log[0].count(from_params(question.params), viewer=operator(demo.ORG))
    assert question.number == number
    assert counted == question.count(rows) > 0


def test_a_missing_row_is_noticed(log: tuple[Log, Path], rows: Session) -> None:
    """The control: one payslip less in hr.db, and the totals differ."""
    question = ten(lived_until(rows))[9]
    before = question.count(rows)
    with rows.begin_nested() as change:
        year = str(lived_until(rows).year - 1)
        rows.connection().exec_driver_sql(
            "DELETE FROM payslip WHERE id = (SELECT id FROM payslip WHERE payroll_run_id LIKE ? LIMIT 1)",
            (f"pay-{year}-06",),
        )
        assert question.count(rows) == before - 1
        change.rollback()
    assert question.count(rows) == before


def test_no_file_of_the_log_has_a_canary(log: tuple[Log, Path]) -> None:
    """Amounts, national ids, notes and secrets: 0 bytes of them in anything that the log wrote."""
    files = [file for file in log[1].rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) > 5_000_000
    for file in files:
        content = file.read_bytes()
        assert [canary for canary in names.CANARIES if canary.encode() in content] == []
    assert any("Sæther".encode() in file.read_bytes() for file in files)  # the control: names are there


@pytest.mark.parametrize("until", ["2027-02-28T08:00:00+00:00", "2026-06-30T22:30:00+00:00"])
def test_every_question_has_an_answer_whenever_it_is_built(
    build: "Build", tmp_path: Path, until: str
) -> None:
    """The story is placed from its end: each question finds something at other times of the year too."""
    company = build(tmp_path, 7, until)
    with Session(create_engine(f"sqlite:///{tmp_path / demo.HR_FILE}")) as session:
        assert [
            question.number for question in ten(lived_until(session)) if not question.count(session)
        ] == []
    assert company.summary.entries > 30_000
