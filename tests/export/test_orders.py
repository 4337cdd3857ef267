"""Orders: the states of a job from the order to the file that expires, whose it is, and how many there may be."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec import structs

from trailbook import Item
from trailbook.access import Viewer
from trailbook.deployment import Job
from trailbook.errors import ExportExpiredError, ExportNotReadyError, NotFoundError, TooManyExportsError
from trailbook.export.orders import (
    KEPT_DAYS,
    LIMITS,
    MOST_TRIES,
    STALE,
    ExportFile,
    ExportOrder,
    Orders,
    file_of,
    is_live,
    order_of,
)
from trailbook.stores import open_store
from trailbook.testing import FrozenClock, Steady

ORG = "acme"
ANNA = Viewer(org=ORG, item=Item(type="user", id="u-17", name="Anna Berg"), activity_log="full")
KARI = structs.replace(ANNA, item=Item(type="user", id="u-18", name="Kari Lie"))
FILE = ExportFile(name="a.csv", size=12, digest="00" * 32, manifest="a.manifest.note")
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def orders(clock: FrozenClock) -> Iterator[Orders]:
    """No orders yet, in memory."""
    store, registry = open_store("memory:")
    yield Orders(registry.jobs, clock, Steady())
    store.close()


def an_order(viewer: Viewer = ANNA) -> ExportOrder:
    return ExportOrder(
        viewer=viewer,
        filter=(("category", "roles"), ("as_of", "20")),
        format="csv",
        columns=("seq", "sentence"),
        tz="Europe/Oslo",
        lang="nb",
        manifest=True,
        erasures=0,
    )


def ordered(orders: Orders, viewer: Viewer = ANNA) -> Job:
    return orders.order(an_order(viewer), 20, 20)


def claimed(orders: Orders) -> Job:
    """The job that is run next, now running."""
    job = orders.claim(orders.claimable(ORG)[0])
    assert job is not None
    return job


def test_an_order_is_kept_as_it_was_given(orders: Orders, clock: FrozenClock) -> None:
    """Queued, with what was counted and until when its file is kept; the order reads back whole."""
    job = ordered(orders)
    assert (job.state, job.count, job.as_of, job.rows_done, job.tries) == ("queued", 20, 20, 0, 0)
    assert job.expires_at - job.created_at == KEPT_DAYS * 86_400 * 1_000_000
    assert order_of(orders.find(ANNA, job.id)) == an_order()
    assert is_live(job)


def test_the_file_is_there_once_it_is_ready(orders: Orders) -> None:
    """Before that the refusal says how far the job is."""
    job = ordered(orders)
    with pytest.raises(ExportNotReadyError, match="queued"):
        orders.file(job)
    job = claimed(orders)
    with pytest.raises(ExportNotReadyError, match="running"):
        orders.file(job)
    assert orders.ready(job, FILE)
    ready = orders.find(ANNA, job.id)
    assert (ready.state, ready.rows_done) == ("ready", ready.count)
    assert orders.file(ready) == file_of(ready) == FILE
    assert not is_live(ready)


def test_a_job_is_its_viewers(orders: Orders, clock: FrozenClock) -> None:
    """To anybody else it is as absent as one that never was."""
    job = ordered(orders)
    other = structs.replace(ANNA, org="other")
    for viewer, id_ in ((KARI, job.id), (other, job.id), (ANNA, "never")):
        with pytest.raises(NotFoundError, match="there is no such export"):
            orders.find(viewer, id_)
    clock.move(MOMENT)
    second = ordered(orders)
    assert [each.id for each in orders.listed(ANNA)] == [second.id, job.id]
    assert orders.listed(KARI) == []
    assert [each.id for each in orders.of(ORG)] == [job.id, second.id]


def test_how_many_may_be_live(orders: Orders) -> None:
    """So many of a viewer; another's do not count, and one that has ended makes room."""
    jobs = [ordered(orders) for _ in range(LIMITS.viewer)]
    with pytest.raises(TooManyExportsError, match=f"{LIMITS.viewer} exports of a viewer"):
        ordered(orders)
    assert ordered(orders, KARI).state == "queued"
    orders.cancel(jobs[0])
    assert ordered(orders).state == "queued"


def test_the_oldest_is_run_first(orders: Orders, clock: FrozenClock) -> None:
    """One that is running is nobody else's while its runner gives signs of life."""
    first = ordered(orders)
    clock.move(MOMENT)
    second = ordered(orders)
    assert [job.id for job in orders.claimable(ORG)] == [first.id, second.id]
    assert claimed(orders).id == first.id
    assert orders.claim(first) is None  # another runner came first
    assert claimed(orders).id == second.id
    assert orders.claimable(ORG) == []


def test_whose_runner_is_gone_is_taken_up_again(orders: Orders, clock: FrozenClock) -> None:
    """After so long without a beat, from the beginning; with a beat it goes on, and the first runner is told."""
    ordered(orders)
    job = claimed(orders)
    assert not orders.is_due(job)
    clock.move(timedelta(seconds=1) + MOMENT)  # a beat is later than the one before, though the clock stood
    assert orders.is_due(job)
    beaten = orders.beat(job, 5)
    assert beaten is not None
    assert (beaten.rows_done, orders.is_due(beaten)) == (5, False)
    clock.move(STALE)
    assert orders.claimable(ORG) == []
    clock.move(MOMENT)
    again = claimed(orders)
    assert (again.id, again.tries, again.rows_done) == (job.id, 2, 0)
    assert orders.still(again)
    assert not orders.still(beaten)
    assert orders.beat(beaten, 6) is None
    assert not orders.ready(beaten, FILE)
    assert orders.ready(again, FILE)


def test_what_is_begun_too_often_fails(orders: Orders, clock: FrozenClock) -> None:
    """A poisonous job ends, and the next one is run; one that was given back has not been tried."""
    poisonous = ordered(orders)
    orders.waits(claimed(orders))
    assert orders.find(ANNA, poisonous.id).tries == 0
    for _ in range(MOST_TRIES):
        assert claimed(orders).id == poisonous.id
        clock.move(2 * STALE)
    behind = ordered(orders)
    assert claimed(orders).id == behind.id
    failed = orders.find(ANNA, poisonous.id)
    assert (failed.state, failed.problem) == ("failed", "internal")


def test_a_cancelled_job_has_no_file(orders: Orders) -> None:
    """Whoever writes it learns so, and no file of it stands; cancelling again changes nothing."""
    ordered(orders)
    job = claimed(orders)
    orders.cancel(job)
    assert not orders.still(job)
    assert not orders.ready(job, FILE)
    orders.cancel(job)
    orders.failed(job, "storage-full")  # too late: it has ended
    cancelled = orders.find(ANNA, job.id)
    assert (cancelled.state, cancelled.problem) == ("cancelled", None)
    with pytest.raises(ExportNotReadyError, match="cancelled"):
        orders.file(cancelled)


def test_files_expire_and_then_rows(orders: Orders, clock: FrozenClock) -> None:
    """Contracts 8: past its time a job has expired, whoever notices first; after as long again it is gone."""
    ordered(orders)
    job = claimed(orders)
    assert orders.ready(job, FILE)
    life = timedelta(days=KEPT_DAYS)
    clock.move(life - MOMENT)
    assert orders.find(ANNA, job.id).state == "ready"
    assert not orders.is_past(job)
    clock.move(MOMENT)
    assert orders.is_past(job)
    with pytest.raises(ExportExpiredError):
        orders.file(orders.find(ANNA, job.id))
    orders.expire(orders.of(ORG)[0])
    assert orders.of(ORG)[0].state == "expired"
    clock.move(life)
    orders.expire(orders.of(ORG)[0])
    assert not orders.gone(job)
    clock.move(MOMENT)
    orders.expire(orders.of(ORG)[0])
    assert orders.gone(job)


def test_an_organisations_orders_are_forgotten_at_once(orders: Orders) -> None:
    """With whoever they name; those of another organisation stay."""
    other = structs.replace(ANNA, org="other")
    job, kept, dropped = ordered(orders), ordered(orders, other), ordered(orders)
    orders.drop(dropped)
    assert orders.gone(dropped)
    assert not orders.gone(job)
    assert orders.orgs() == {ORG, "other"}
    orders.forget(ORG)
    assert orders.orgs() == {"other"}
    assert [each.id for each in orders.of("other")] == [kept.id]


def test_waiting_has_an_end(orders: Orders, clock: FrozenClock) -> None:
    """Longer than a minute no signer takes."""
    job = ordered(orders)
    clock.move(timedelta(seconds=60))
    assert not orders.is_old(job)
    clock.move(MOMENT)
    assert orders.is_old(job)
