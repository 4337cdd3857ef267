"""What the drain cannot move is told, by organisation, in the health of the deployment that it drains into."""

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest
from sqlalchemy import Engine, text
from tests.capture.small import capturing, people

from trailbook import Deployment, open_deployment, operator
from trailbook.administration import resume_organisation, suspend_organisation
from trailbook.capture import Capture, Draining, drain, outbox_waits
from trailbook.capture.outbox_drain import Drained
from trailbook.model import Item, NewEntry
from trailbook.query import Query
from trailbook.recording.contract import Result


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    """Two organisations, of which one is suspended."""
    deployment = open_deployment("memory:", create=True)
    for org in ("acme", "other"):
        deployment.create(org)
    suspend_organisation(deployment, "other")
    yield deployment
    deployment.close()


@pytest.fixture
def host(engine: Engine) -> Iterator[Capture]:
    """A host of both."""
    with capturing(engine) as capture:
        capture.recorder.org = lambda row: "acme" if row.name == "b" else "other"
        yield capture


def draining(deployment: Deployment) -> list[tuple[str | None, bool, str]]:
    """What the health of a deployment says of its drain."""
    return [(a.org, a.fails, a.says) for a in deployment.ailments() if a.part == "draining"]


def holds_soon(condition: Callable[[], bool]) -> bool:
    """Whether something holds within a minute."""
    return any(condition() or threading.Event().wait(0.02) for _ in range(3000))


def test_who_is_held_up_is_told_until_it_moves(host: Capture, engine: Engine, deployment: Deployment) -> None:
    """By its name and why, as every loop is; the log can be asked meanwhile, and others' entries move."""
    people(engine, "a", "b")
    with Draining(engine, deployment.log, idle=0.01, held=deployment.beside("draining").tell):
        assert holds_soon(lambda: bool(draining(deployment)))
        ((org, fails, says),) = draining(deployment)
        assert (org, fails) == ("other", False)
        assert says.startswith("Draining of other fails, ")
        assert "The organisation is suspended" in says
        acme = deployment.log("acme")
        rows = list(acme.rows(Query(), viewer=operator("acme")))
        assert "b" in [row.target.name for row in rows]
        resume_organisation(deployment, "other")
        assert holds_soon(lambda: not draining(deployment))


def test_a_host_that_does_not_answer_is_told_and_makes_no_log_unfit(
    host: Capture, engine: Engine, deployment: Deployment
) -> None:
    """Of a foreign error its kind alone; with the table back the drain goes on."""
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE trailbook_outbox RENAME TO away"))
    with Draining(engine, deployment.log, idle=0.01, held=deployment.beside("draining").tell):
        assert holds_soon(lambda: bool(draining(deployment)))
        ((org, fails, says),) = draining(deployment)
        assert (org, fails, "trailbook_outbox" in says) == (None, False, False)
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE away RENAME TO trailbook_outbox"))
        assert holds_soon(lambda: not draining(deployment))


def test_nobody_is_held_up(host: Capture, engine: Engine, deployment: Deployment) -> None:
    """The control: where all entries move, nothing is told."""
    people(engine, "b")
    with Draining(engine, deployment.log, idle=0.01, held=deployment.beside("draining").tell):
        assert holds_soon(lambda: not outbox_waits(engine))
        assert draining(deployment) == []


def test_whose_entries_wait_is_known_by_organisation(host: Capture, engine: Engine) -> None:
    people(engine, "a", "a", "b")
    waits = {wait.org: wait.pending for wait in outbox_waits(engine)}
    assert (waits["other"], waits["acme"] >= 1) == (2, True)


def test_drains_that_run_at_once_count_their_own(engine: Engine, deployment: Deployment) -> None:
    """What another drain has moved meanwhile is its own; the control: alone this one counts it all."""
    with capturing(engine):
        people(engine, "a", "b", "c")
        acme = deployment.log("acme")
        others: list[Drained] = []

        class Overtaken:
            org, catalogue = "acme", acme.catalogue

            def record_each(self, entries: Sequence[NewEntry], *, source: Item | None = None) -> list[Result]:
                others.append(drain(engine, acme))
                return acme.record_each(entries, source=source)

        assert drain(engine, Overtaken()) == Drained()
        assert [other.recorded for other in others] == [4]  # and that capture began
        people(engine, "d")
        assert drain(engine, acme) == Drained(recorded=1)
