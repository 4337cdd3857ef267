"""`drain` and `quarantine` on a real host's database and a real log, each a command of its own."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, create_engine, insert
from sqlalchemy.orm import Session
from tests.capture.small import User, capturing, spoil

if TYPE_CHECKING:
    from tests.cli.conftest import Folder


@pytest.fixture
def host(begun: "Folder") -> Iterator[Engine]:
    """A host's database with two people captured, one of them as no entry may be."""
    engine = create_engine(f"sqlite:///{begun.path / 'host.db'}")
    with capturing(engine), Session(engine) as session, session.begin():
        session.execute(insert(User), [{"name": "Eve\u202e"}, {"name": "bad"}])
    spoil(engine, "bad")
    yield engine
    engine.dispose()


def test_drain_and_quarantine(begun: "Folder", host: Engine) -> None:
    """What was captured is recorded once; what was refused is listed without its content, retried and discarded."""
    first = begun.run("drain", "--from", "sqlite:///host.db", "--json")
    assert (first.code, first.json["recorded"], first.json["quarantined"]) == (1, 4, 1)
    assert (first.json["pending"], first.json["folded"]) == (0, 0)
    assert (first.json["mended"], first.json["names_mended"]) == (1, 1)
    again = begun.run("drain", "--from", "sqlite:///host.db")
    assert (again.code, again.out) == (1, "0 recorded, 0 folded, 0 refused, 1 refused earlier; 0 wait\n")
    assert "refused: acme: entry-invalid /target/salary" in again.err
    assert begun.run("count", "--category", "users").out.split()[0] == "1"
    listed = begun.run("quarantine", "list", "--from", "sqlite:///host.db", "--json")
    (held,) = listed.json
    assert (held["org"], held["code"], held["pointer"]) == ("acme", "entry-invalid", "/target/salary")
    assert "bad" not in listed.out
    assert begun.run("quarantine", "retry", "--from", "sqlite:///host.db").code == 1
    assert begun.run("quarantine", "discard", held["id"], "--from", "sqlite:///host.db").code == 0
    assert begun.run("quarantine", "discard", held["id"], "--from", "sqlite:///host.db").code == 4
    assert begun.run("quarantine", "list", "--from", "sqlite:///host.db", "--json").json == []
    after = begun.run("drain", "--from", "sqlite:///host.db")
    assert (after.code, after.out, after.err) == (0, "0 recorded, 0 folded, 0 refused; 0 wait\n", "")


@pytest.mark.parametrize(
    ("url", "code", "detail"),
    [
        ("nonsense", 2, "no address of a database"),
        ("sqlite:///absent.db", 4, "no outbox"),
        ("env:ABSENT", 2, "ABSENT"),
        ("sqlite+aiosqlite:///host.db", 2, "awaited"),
        ("postgresql+psycopg://u:s3cret@127.0.0.1:1/x", 6, "does not answer"),
    ],
)
def test_a_database_that_is_none(begun: "Folder", url: str, code: int, detail: str) -> None:
    """A database that is none of a host's is refused with its own exit code; a password is never said again."""
    ended = begun.run("drain", "--from", url)
    assert (ended.code, detail in ended.err) == (code, True), ended.err
    assert "s3cret" not in ended.out + ended.err
    assert not (begun.path / "absent.db").exists()


@pytest.mark.parametrize("command", [("drain",), ("quarantine", "list"), ("doctor",)])
def test_without_sqlalchemy(begun: "Folder", command: tuple[str, ...]) -> None:
    """What is missing is named, and what does without it in Django; the control: only SQLAlchemy's absence is that."""
    begun.before = "import sys; sys.modules['sqlalchemy'] = None"
    ended = begun.run(*command, "--from", "sqlite:///host.db")
    assert ended.code == 2, ended.err
    assert "trailbook[capture]" in ended.err
    assert "manage.py trailbook drain" in ended.err
    begun.before = ""
    assert "trailbook[capture]" not in begun.run(*command, "--from", "sqlite:///host.db").err


def test_the_address_may_stand_in_a_variable(begun: "Folder", host: Engine) -> None:
    """An address with a password need not stand in the list of processes."""
    begun.env["HOST_DATABASE"] = "sqlite:///host.db"
    assert begun.run("drain", "--from", "env:HOST_DATABASE").code == 1
