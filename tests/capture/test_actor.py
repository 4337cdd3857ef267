"""Who acts: contexts over threads, tasks, requests and jobs; without one the system, never the last user."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import msgspec
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from tests.capture.small import ANNA, BOB, User, item, waiting

from trailbook.capture import Acting, Capture, acting_as, current, recorded_as
from trailbook.capture.actor import as_text, from_text, stated
from trailbook.errors import UncapturedWriteError
from trailbook.model import Actor, Item, Origin

CARA = Item(type="user", id="u-9", name="Cara")


def who() -> tuple[str, str]:
    """Who acts now."""
    actor = current().actor
    return actor.kind, actor.id


def test_blocks_nest() -> None:
    """The inner block acts, then the outer again; origin, purpose and correlation hold on, on_behalf_of does not."""
    origin = Origin(interface="web", ip="192.0.2.7")
    with acting_as(ANNA, on_behalf_of=CARA, purpose="support", correlation="c", origin=origin):
        with acting_as(BOB):
            assert current() == Acting(actor=BOB, origin=origin, purpose="support", correlation="c")
        assert current().on_behalf_of == CARA
    assert stated() is None


def test_nobody_is_the_system_named_after_the_job() -> None:
    """With no context the actor is the system, one for each job, even right after somebody acted in this thread."""
    with acting_as(ANNA):
        assert who() == ("person", "u-17")
    assert who()[0] == "system"
    actor = current("Access expiry").actor
    assert (actor.kind, actor.id, actor.name) == ("system", "access-expiry", "Access expiry")


def test_pools_do_not_remember() -> None:
    """A pool's thread acts as whom the job says, then as nobody again; a context is carried only on purpose."""
    with ThreadPoolExecutor(1) as pool, acting_as(ANNA):
        assert pool.submit(who).result()[0] == "system"
        assert pool.submit(copy_context().run, who).result() == ("person", "u-17")
        assert pool.submit(who).result()[0] == "system"


def test_tasks_act_for_themselves() -> None:
    """Tasks that take turns keep their actors apart."""

    async def act(actor: Actor) -> tuple[str, str]:
        with acting_as(actor):
            await asyncio.sleep(0)
            return who()

    async def both() -> list[tuple[str, str]]:
        return await asyncio.gather(act(ANNA), act(BOB), act(ANNA))

    assert [id_ for _, id_ in asyncio.run(both())] == ["u-17", "u-42", "u-17"]
    assert stated() is None


def test_a_context_travels() -> None:
    """A context as text is the same context again; a member that it has not is refused."""
    acting = Acting(actor=ANNA, on_behalf_of=CARA, purpose="support", correlation="c")
    assert from_text(as_text(acting)) == acting
    with pytest.raises(msgspec.ValidationError):
        from_text('{"actor": {"kind": "person", "type": "user", "id": "1"}, "value": 1}')


def test_a_request_that_is_over_changes_nothing(capture: Capture, engine: Engine) -> None:
    """What goes on after a request writes as the system, and its statements mean nothing that the request said."""

    def deactivate() -> None:
        with Session(engine) as session, session.begin():
            session.execute(text("UPDATE app_user SET name = 'Bo' WHERE name = 'Bob'"))

    def join(name: str) -> None:
        with Session(engine) as session, session.begin():
            session.add(User(name=name))

    join("Bob")
    with acting_as(ANNA), recorded_as("user.deactivated", target=item("user", 1)):
        carried = copy_context()
        carried.run(join, "During")
    carried.run(join, "After")
    with pytest.raises(UncapturedWriteError):
        carried.run(deactivate)
    assert [entry["actor"]["kind"] for entry in waiting(engine)] == ["system", "person", "system"]
    with acting_as(ANNA), recorded_as("user.deactivated", target=item("user", 1)):
        copy_context().run(deactivate)
    assert waiting(engine)[-1]["action"] == "user.deactivated"
