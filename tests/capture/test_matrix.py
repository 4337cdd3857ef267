"""Each write path on both databases is recorded once with its commit, refused, or published as not seen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session
from tests.capture.conftest import Database
from tests.capture.matrix import WAYS, Host, Way, by_triggers, page
from tests.capture.small import ANNA, Absence, Employee, Party, Role, User, capturing, members, waiting

from trailbook.capture import acting_as
from trailbook.errors import UncapturedWriteError

ROOT = Path(__file__).parents[2]
Rows = dict[tuple[str, Any], tuple[Any, ...]]


@pytest.fixture(params=["hooks"])
def host(request: pytest.FixtureRequest, engine: Engine, database: Database) -> Iterator[Host]:
    """The small host with Bob, his role and his absence, and Eve; its outbox empty."""
    other = database.engine()
    with capturing(engine, request.param) as capture:
        with Session(engine) as session, session.begin():
            bob, role, eve = (
                User(name="Bob", email="b"),
                Role(name="Manager"),
                Employee(name="Eve", title="t"),
            )
            bob.roles.append(role)
            bob.absences.append(Absence(start="s"))
            session.add_all([bob, role, eve])
            session.flush()
            keys = {"bob": bob.id, "role": role.id, "eve": eve.id}
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM trailbook_outbox"))
        awaited = create_async_engine(database.awaited)
        yield Host(engine=engine, other=other, awaited=awaited, capture=capture, **keys)
    other.dispose()


def rows(engine: Engine) -> Rows:
    """Every tracked row of the host as (type, key), and what is in it, but for what is declared to mean nothing."""
    with engine.connect() as connection:
        contents: Rows = {}
        users = select(User.id, User.name, User.email, User.phone)
        for kind, asked in (
            ("user", users),
            ("role", select(Role.__table__)),
            ("absence", select(Absence.__table__)),
        ):
            contents |= {(kind, row[0]): tuple(row) for row in connection.execute(asked)}
        joined = select(Party.id, Party.name, Employee.__table__.c.title).join(
            Employee.__table__, Employee.__table__.c.id == Party.id
        )
        contents |= {("employee", row[0]): tuple(row) for row in connection.execute(joined)}
        contents |= {("member", tuple(row)): tuple(row) for row in connection.execute(select(members))}
        return contents


def changes(before: Rows, after: Rows) -> list[tuple[str, str]]:
    """The entries that a difference of rows has to have: what happened to which item, sorted."""
    entries = []
    for kind, key in before.keys() | after.keys():
        was, is_ = before.get((kind, key)), after.get((kind, key))
        if was == is_:
            continue
        verb = "created" if was is None else "deleted" if is_ is None else "updated"
        entries.append(_entry(kind, verb, key))
    return sorted(entries)


def _entry(kind: str, verb: str, key: Any) -> tuple[str, str]:
    names = {
        "user": {"updated": "profile_updated"},
        "absence": {"created": "registered"},
        "member": {"created": "assigned", "deleted": "unassigned"},
    }
    shown = "user" if kind == "employee" else "role" if kind == "member" else kind
    word = names.get("user" if kind == "employee" else kind, {}).get(verb, verb)
    return f"{shown}.{word}", f"{shown}/{key[0] if kind == 'member' else key}"


def verdict(host: Host, each: Way, who: str | None) -> str:
    """What became of a write path, told from the host's rows and the outbox alone."""
    before = rows(host.engine)
    refused = False
    try:
        with acting_as(ANNA):
            each.run(host)
    except UncapturedWriteError:
        refused = True
    after, entries = rows(host.engine), waiting(host.engine)
    wanted = changes(before, after)
    actions = sorted((e["action"], f"{e['target']['type']}/{e['target']['id']}") for e in entries)
    if actions != wanted:
        return "unseen" if not actions else f"wrong: {actions} for {wanted}"
    actors = {e["actor"]["id"] if e["actor"]["kind"] == "person" else None for e in entries}
    if entries and actors != {who}:
        return f"wrong: told of {actors}, not {who}"
    if refused:
        return "refused" if not wanted else "wrong: refused after it ran"
    return "recorded" if wanted else "nothing"


@pytest.mark.parametrize("name", WAYS)
def test_every_write_path(host: Host, name: str) -> None:
    """The verdict is the published one, on both databases: no silent miss, no phantom, no double, the right actor."""
    assert verdict(host, WAYS[name], WAYS[name].who) == WAYS[name].verdict


@pytest.mark.parametrize("host", ["triggers"], indirect=True)
@pytest.mark.parametrize("name", [name for name, each in WAYS.items() if by_triggers(each) != "unseen"])
def test_every_write_path_by_triggers(host: Host, name: str) -> None:
    """The same where triggers cover the tables: every client's writes, whoever the database knows of."""
    each = WAYS[name]
    try:
        outcome = verdict(host, each, None if each.database else each.who)
    except DBAPIError:
        outcome = "refused"  # by the database itself
    assert outcome == by_triggers(each)


@pytest.mark.parametrize(
    "name", [n for n, w in WAYS.items() if w.group in ("ORM in bulk", "Core") and w.verdict == "recorded"]
)
def test_control_hooks_without_statements_miss(host: Host, name: str) -> None:
    """Negative control: hooks that see the unit of work only miss every bulk path."""
    host.capture._statements.deafen(host.engine)
    try:
        assert verdict(host, WAYS[name], WAYS[name].who) != "recorded"
    finally:
        host.capture._statements.listen(host.engine)


def test_the_reference_is_the_matrix() -> None:
    """docs/reference/capture.md says what is proved here; `python -m tests.capture.matrix` writes it."""
    assert (ROOT / "docs/reference/capture.md").read_text("utf-8") == page()
