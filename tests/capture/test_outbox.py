"""The outbox: its tables and versions, its pages, and what is set aside."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from tests.capture.small import capturing, people

from trailbook.capture import Bounds, outbox
from trailbook.capture.database import HostConnection, database_of
from trailbook.capture.entries import Captured
from trailbook.capture.outbox import Poison
from trailbook.errors import ConfigurationError, SchemaNewerError


@pytest.fixture
def connection(engine: Engine) -> Iterator[HostConnection]:
    """A connection to a database with an empty outbox, in a transaction."""
    with database_of(engine).begin() as connection:
        outbox.install_outbox(connection)
        yield connection


def created(*texts: str, org: str = "acme") -> Captured:
    return Captured(org, "created", texts, "user.created")


def poison(position: int, since: int) -> Poison:
    place = {"position": position, "part": 0, "org": "acme", "op": "created"}
    return Poison(**place, code="entry-invalid", pointer="/id", since=since, entry="{}")


def test_alike_entries_share_rows(connection: HostConnection) -> None:
    """Entries of one organisation and kind stand together, 250 in a row at most; others have rows of their own."""
    outbox.write(connection, [created("1"), created("2"), created("3", org="other")], at=5, tx="t")
    outbox.write(connection, [created(*(f"{n}" for n in range(251)))], at=6, tx="t")
    rows = outbox.page(connection, 100)
    assert [(row.org, row.entry, row.captured_at) for row in rows[:2]] == [
        ("acme", "[1,2]", 5),
        ("other", "3", 5),
    ]
    assert [row.entry.count(",") + 1 for row in rows[2:]] == [250, 1]
    health = outbox.health(connection)
    assert (health.pending, health.quarantined) == (254, 0)
    assert health.oldest is not None
    outbox.write(connection, [], at=7)
    assert len(outbox.page(connection, 100)) == 4


def test_a_page_does_not_cut_what_was_meant(connection: HostConnection) -> None:
    """A transaction in which something was meant comes whole, however long; any other is cut where the page ends."""
    for _ in range(3):
        outbox.write(connection, [created("{}")], at=1, tx="t")
    assert len(outbox.page(connection, 2)) == 2
    outbox.write(connection, [Captured("acme", outbox.MEANT, ["{}"], "user.created", "user/1")], at=1, tx="t")
    assert [row.covers for row in outbox.page(connection, 2)] == [None, None, None, "user/1"]
    assert len(outbox.page(connection, 5)) == 4


def test_what_was_moved_is_forgotten(connection: HostConnection) -> None:
    """The rows named and no others; how many are left is known without counting where their span says it."""
    for _ in range(4):
        outbox.write(connection, [created("{}")], at=1, tx="t")
    first, second, third, fourth = (row.position for row in outbox.page(connection, 10))
    outbox.delete(connection, [second, third])
    outbox.delete(connection, [])
    assert [row.position for row in outbox.page(connection, 10)] == [first, fourth]
    assert outbox.waiting(connection, 10) == fourth - first + 1  # the span, below the limit: near enough
    assert outbox.waiting(connection, 4) == 2  # from the limit on they are counted


def test_what_is_refused_is_kept_once(connection: HostConnection) -> None:
    """The same entry is set aside once, listed oldest first, and taken out once."""
    assert outbox.quarantine(connection, [poison(2, since=9), poison(1, since=7)]) == 2
    assert outbox.quarantine(connection, [poison(1, since=8), poison(3, since=8)]) == 1
    assert [(p.position, p.since) for p in outbox.quarantined(connection)] == [(1, 7), (3, 8), (2, 9)]
    assert outbox.health(connection).quarantined == 3
    assert outbox.release(connection, 1, 0) is True
    assert outbox.release(connection, 1, 0) is False


def test_versions(engine: Engine) -> None:
    """An outbox of a newer Trailbook is refused; installing again changes nothing; removing asks for emptiness."""
    with capturing(engine):
        people(engine, "a")
    with database_of(engine).begin() as connection:
        assert outbox.install_outbox(connection) == outbox.VERSION
        with pytest.raises(ConfigurationError, match="drain"):
            outbox.remove(connection)
        connection.execute("UPDATE trailbook_capture SET value = '99' WHERE name = 'version'")
    with engine.begin() as plain, pytest.raises(SchemaNewerError):
        outbox.install_outbox(plain)
    with database_of(engine).begin() as connection:
        connection.execute("DELETE FROM trailbook_outbox")
        outbox.remove(connection)


@pytest.mark.parametrize("member", ["outbox", "spool", "every"])
def test_bounds_below_nothing_are_refused(member: str) -> None:
    """Where a host begins, not with its first write; the control: 0 lets nothing wait."""
    with pytest.raises(ConfigurationError, match=f"^bounds: {member}: -1 is not 0 or more"):
        Bounds(**{member: -1})
    assert getattr(Bounds(**{member: 0}), member) == 0
