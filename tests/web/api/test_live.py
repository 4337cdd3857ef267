"""Live: what is recorded comes within a second, once, to those who may read it, and to nobody else."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from tests.web.conftest import ANNA, BOB, ORG, WEB, Served, enter

from trailbook import Item

Event = tuple[str, str | None, dict[str, Any]]


@pytest.fixture(scope="module")
def own(serve: Callable[..., Served]) -> Served:
    """A log of its own, where nobody else records."""
    return serve()


def record(served: Served, name: str) -> int:
    receipt = served.log.record(
        "role.assigned",
        actor=ANNA,
        target=Item(type="role", id="r-live", name=name),
        concerns={"member": BOB},
        origin=WEB,
    )
    return receipt.seq


@contextmanager
def following(served: Served, query: str = "", **headers: str) -> Iterator[Iterator[Event]]:
    """The events of a stream, read with a key that may read."""
    sent = {"Authorization": f"Bearer {served.keys['read']}"} | headers
    with httpx.stream("GET", f"{served.api}/live?{query}", headers=sent, timeout=20) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        yield events(answer)


def events(answer: httpx.Response) -> Iterator[Event]:
    name, id_, content = "", None, "{}"
    for line in answer.iter_lines():
        if not line and name:
            yield name, id_, json.loads(content)
            name, id_ = "", None
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "id":
            id_ = value
        elif field == "data":
            content = value


def test_what_is_recorded_comes_and_what_does_not_fit_stays_away(own: Served) -> None:
    """An event has the entry and its seq as id; the filter holds for the stream too."""
    with following(own, "action=role.assigned&target=role/r-live") as stream:
        own.log.record("user.profile_updated", actor=ANNA, target=Item(type="user", id="u-17"), origin=WEB)
        seq = record(own, "Keeper")
        name, id_, entry = next(stream)
    assert (name, id_, entry["seq"]) == ("entry", str(seq), seq)
    assert entry["sentence"] == "Anna Berg gave Bob Li the role Keeper"


def test_a_stream_resumes_without_gap_or_repeat(own: Served) -> None:
    """`Last-Event-ID` goes on after that event; `after` does the same."""
    first, second = record(own, "One"), record(own, "Two")
    third = record(own, "Three")
    headers = {"Last-Event-ID": str(first)}
    with following(own, "target=role/r-live", **headers) as stream:
        assert [next(stream)[1], next(stream)[1]] == [str(second), str(third)]
        fourth = record(own, "Four")
        assert next(stream)[1] == str(fourth)
    with following(own, f"target=role/r-live&after={third}") as stream:
        assert next(stream)[1] == str(fourth)


def test_a_stream_ends_with_the_permission(own: Served) -> None:
    """Signed out, the stream says `end` within a second and closes; nothing comes after it."""
    with httpx.Client(base_url=own.base_url, timeout=20) as client:
        enter(client, own.link())
        with client.stream("GET", f"/api/v1/orgs/{ORG}/live") as answer:
            assert answer.status_code == 200
            client.post("/sign-out", headers={"Sec-Fetch-Site": "same-origin"})
            record(own, "Unseen")
            assert [event[0] for event in events(answer)] in (["end"], ["entry", "end"])
        assert client.get(f"/api/v1/orgs/{ORG}/live").status_code == 401


def test_nobody_else_may_follow(own: Served) -> None:
    """Without identity 401, with a key of another organisation or scope 403; the control may."""
    for key, status in ((None, 401), ("other", 403), ("record", 403)):
        headers = {"Authorization": f"Bearer {own.keys[key]}"} if key else {}
        assert httpx.get(f"{own.api}/live", headers=headers).status_code == status
    with following(own):
        pass


@pytest.mark.parametrize("query", ["after=x", "after=1&after=2", "as_of=1", "nonsense=1", "limit=5"])
def test_a_broken_question_is_refused(own: Served, query: str) -> None:
    """The stream's address is checked like every other."""
    headers = {"Authorization": f"Bearer {own.keys['read']}"}
    answer = httpx.get(f"{own.api}/live?{query}", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_five_streams_a_viewer(own: Served) -> None:
    """Contracts 4: the sixth is refused with 429; when one closes there is room again."""
    with httpx.Client(base_url=own.base_url, timeout=20) as client:
        enter(client, own.link())
        path = f"/api/v1/orgs/{ORG}/live"
        opened = [client.send(client.build_request("GET", path), stream=True) for _ in range(5)]
        # Kept: a reader that is let go of closes its stream.
        reading = [answer.iter_lines() for answer in opened]
        assert [next(lines) for lines in reading] == [": open"] * 5
        refused = client.get(path)
        assert (refused.status_code, refused.json()["code"]) == (429, "too-many-streams")
        opened.pop().close()
        assert eventually(lambda: _opens(client, path))
        for stream in opened:
            stream.close()


def _opens(client: httpx.Client, path: str) -> bool:
    with client.stream("GET", path) as answer:
        return answer.status_code == 200


def eventually(what: Callable[[], bool]) -> bool:
    """Whether something becomes so before long."""
    for _ in range(100):
        if what():
            return True
        time.sleep(0.1)
    return False
