"""What a host says of an entry is refused where it is said, by the member; what the log would take is taken."""

from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from tests.capture.small import ANNA, User, capturing, waiting_actions

from trailbook import Log
from trailbook.capture import Capture, acting_as, drain, recorded_as
from trailbook.errors import ConfigurationError, EntryInvalidError
from trailbook.model import Actor, Item, Origin

BOB = Item(type="user", id="u-42", name="Bob")
ROLE = Item(type="role", id="7", name="HR")


def actor(**more: Any) -> Actor:
    """A person with something else than is due."""
    return Actor(**{"kind": "person", "type": "user", "id": "u-17", "name": "Anna", **more})


SAID: dict[str, tuple[Any, dict[str, Any]]] = {
    "/actor: is of type NoneType": (None, {}),
    "/actor: is of type str": ("Anna", {}),
    "/actor: is of type Item": (BOB, {}),
    "/actor/id: is empty": (actor(id=""), {}),
    "/actor/id: is of type int": (actor(id=17), {}),
    "/actor/id: is longer than 200": (actor(id="u" * 201), {}),
    "/actor/type: is not a type name": (actor(type="A person"), {}),
    "/actor/kind: is none of": (actor(kind="human"), {}),
    "/actor/name: is of type int": (actor(name=4), {}),
    "/on_behalf_of: is of type str": (ANNA, {"on_behalf_of": "Bob"}),
    "/purpose: is not the name": (ANNA, {"purpose": "x" * 5000}),
    "/correlation: is longer": (ANNA, {"correlation": "y" * 5000}),
    "/caused_by: is not a UUID": (ANNA, {"caused_by": "u-1"}),
    "/origin/ip: is not an IP address": (ANNA, {"origin": Origin(interface="web", ip="here")}),
}
UNKNOWN: dict[str, tuple[Actor, dict[str, Any]]] = {
    "/actor/type: is 'nosuch'": (actor(type="nosuch"), {}),
    "/actor/kind: is 'system', but": (actor(kind="system"), {}),
    "/on_behalf_of/type: is not a type of persons": (ANNA, {"on_behalf_of": ROLE}),
    "/purpose: is not in": (ANNA, {"purpose": "nosuch"}),
}
MEANT: dict[str, tuple[str, dict[str, Any]]] = {
    "/target/type: is 'role'": ("user.deactivated", {"target": ROLE}),
    "/fields/0: 'zzz' is no field": ("user.deactivated", {"target": BOB, "fields": ["zzz"]}),
    "/concerns: needs 1 with part member": ("role.assigned", {"target": ROLE}),
    "/concerns/0/part: is 'nosuch'": ("user.deactivated", {"target": BOB, "concerns": {"nosuch": BOB}}),
    "/concerns/0/id: is empty": (
        "role.assigned",
        {"target": ROLE, "concerns": {"member": Item(type="user", id="")}},
    ),
    "/target/id: is empty": ("user.deactivated", {"target": Item(type="user", id="")}),
    "/fields: is no list": ("user.deactivated", {"target": BOB, "fields": "status"}),
}


@pytest.mark.parametrize("why", SAID)
def test_who_acts_is_refused_where_it_is_said(why: str) -> None:
    """Before the block begins, and whatever the organisation."""
    who, more = SAID[why]
    with pytest.raises(EntryInvalidError, match=why):
        acting_as(who, **more)


@pytest.mark.parametrize("by", ["hooks", "triggers"])
@pytest.mark.parametrize("why", UNKNOWN)
def test_who_acts_as_the_catalogue_has_it(engine: Engine, by: Any, why: str) -> None:
    """With the first write, which does not happen."""
    who, more = UNKNOWN[why]
    with capturing(engine, by), Session(engine) as session, acting_as(who, **more):
        session.add(User(name="x"))
        with pytest.raises(EntryInvalidError, match=why):
            session.commit()
        session.rollback()
        assert session.query(User).all() == []
        assert waiting_actions(engine) == []


@pytest.mark.parametrize("why", MEANT)
def test_what_is_meant_is_refused(capture: Capture, engine: Engine, bob: int, why: str) -> None:
    """`record` refuses it at once, `recorded_as` at the latest with its first row, which is not committed."""
    action, more = MEANT[why]
    with Session(engine) as session, pytest.raises(EntryInvalidError, match=why):
        capture.record(session, action, **more)
    with (
        pytest.raises(EntryInvalidError, match=why),
        engine.begin() as connection,
        recorded_as(action, **more),
    ):
        connection.execute(text("UPDATE app_user SET email = 'q'"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT email FROM app_user")).scalars().all() == ["bob@host.test"]
    assert waiting_actions(engine) == []


@pytest.mark.parametrize("org", ["AC ME!", "", "-", "a" * 64, None, 3])
def test_an_organisation_that_none_can_be(org: Any) -> None:
    """No log has such a name, so that every entry would be refused."""
    with pytest.raises(ConfigurationError, match="org"):
        Capture(org)


def test_what_the_log_takes_is_taken(capture: Capture, engine: Engine, bob: int, log: Log) -> None:
    """The control: with everything that may be said, and names that the drain mends."""
    who = actor(name="N" * 400)
    person = Item(type="user", id=str(bob), name="B" * 400)
    with acting_as(who, on_behalf_of=BOB, correlation="c", origin=Origin(interface="web", ip="10.0.0.1")):
        with Session(engine) as session, session.begin():
            session.add(User(name="y"))
            capture.record(session, "role.assigned", target=ROLE, concerns={"member": person})
        with recorded_as("user.deactivated", target=person, fields=["email"]), engine.begin() as connection:
            connection.execute(text("UPDATE app_user SET email = 'q'"))
    drained = drain(engine, log)
    assert drained.recorded == 3
    assert drained.quarantined == 0
