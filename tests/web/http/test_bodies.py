"""The memory of bodies: senders have a share, organisations leave each other room, and what arrived is what counts."""

import asyncio
import gc
import json
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.web.conftest import ORG, OTHER, Served, wire

from trailbook.errors import OverloadedError, TrailbookError
from trailbook.web.api import fast_path
from trailbook.web.http.bodies import LEAST, PACE, Bodies, Bound, Sender, TooMuchWaitsError
from trailbook.web.http.problems import answer, problem_of
from trailbook.web.http.strict_json import MalformedError, TooLargeError

BOUND = Bound(5 * LEAST, TooLargeError, "too large")
A, ALSO_A, B = Sender("a", "acme"), Sender("also a", "acme"), Sender("b", "bolt")


def sending(*pieces: bytes | None) -> Callable[[], Any]:
    """What gives a body piece by piece; None is a sender who goes."""
    left = list(pieces)

    async def receive() -> Any:
        piece = left.pop(0)
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    return receive


def read(bodies: Bodies, *pieces: bytes | None, sender: Sender = A) -> bytes:
    """A body of these pieces, its space free again."""

    async def reading() -> bytes:
        with bodies.space(sender) as space:
            return await space.body(sending(*pieces), BOUND)

    with ThreadPoolExecutor(1) as thread:  # the browser of other tests may have a loop in this one
        return thread.submit(asyncio.run, reading()).result()


def test_a_share() -> None:
    """One sender's share is theirs alone: 429, which says when to come again; another key is not asked about it."""
    bodies = Bodies(room=100 * LEAST, share=3 * LEAST)
    with ExitStack() as stack:
        first = stack.enter_context(bodies.space(A))
        first.take(2 * LEAST)
        stack.enter_context(bodies.space(A))
        with pytest.raises(TooMuchWaitsError) as share, bodies.space(A):
            pass
        with pytest.raises(TooMuchWaitsError):
            first.take(1)
        stack.enter_context(bodies.space(ALSO_A)).take(3 * LEAST)
        assert bodies.held == 6 * LEAST
    assert bodies.held == 0
    with bodies.space(A) as again:  # the control: what was let go of is there again
        again.take(3 * LEAST)
    refused = answer(problem_of(share.value, ""))
    assert (refused.status_code, refused.headers["Retry-After"].isdecimal()) == (429, True)


def test_an_organisation_leaves_room_for_others() -> None:
    """Alone it has half of the room, with all its keys; the next one finds as much as is then left for it: else 503."""
    bodies = Bodies(room=6 * LEAST, share=2 * LEAST)
    with bodies.space(A) as first, bodies.space(ALSO_A):
        first.take(2 * LEAST)
        with pytest.raises(OverloadedError) as room, bodies.space(ALSO_A):
            pass
        with pytest.raises(OverloadedError), bodies.space(Sender("b", A.party)):
            pass  # the control: it is the organisation that counts, and not the key
        with bodies.space(B) as other:
            with pytest.raises(OverloadedError):
                other.take(3 * LEAST // 2 + 1)
            with bodies.space(Sender("c", "cargo")):
                assert bodies.held == 5 * LEAST
    with bodies.space(ALSO_A) as again:
        again.take(2 * LEAST)
    refused = answer(problem_of(room.value, ""))
    assert (refused.status_code, refused.headers["Retry-After"].isdecimal()) == (503, True)


def test_who_is_known_later() -> None:
    """A body is its organisation's from then on, and its former sender's no more; where there is no room, nobody's."""
    bodies = Bodies(room=100 * LEAST, share=2 * LEAST)
    with bodies.space(A) as space:
        space.pass_to(B)
        with bodies.space(A) as again:
            again.take(2 * LEAST)
            with pytest.raises(TooMuchWaitsError):
                space.pass_to(A)
    assert bodies.held == 0


def test_a_flood_is_read_at_a_pace() -> None:
    """What comes at once is read at once up to a bound, then as time passes; for another organisation at once."""
    bodies = Bodies()
    with bodies.space(A):
        assert bodies.wait(A.party, 64 * 1024) == 0
        assert bodies.wait(A.party, 60 * PACE) > 30
        assert bodies.wait(B.party, 64 * 1024) == 0
    with bodies.space(A):  # the control: nothing of it is under way any more
        assert bodies.wait(A.party, 64 * 1024) == 0


def test_what_arrived_is_what_counts() -> None:
    """A byte costs what a connection costs, and no more until there are more."""
    bodies = Bodies()
    with bodies.space(A) as space:
        space.take(1)
        assert bodies.held == LEAST
        space.take(LEAST)
        assert bodies.held == LEAST + 1


@pytest.mark.parametrize(
    ("pieces", "refusal"),
    [
        ([b"x" * BOUND.most, b"x"], TooLargeError),
        ([b"x", None], MalformedError),
        ([b"x" * LEAST] * 4, TooMuchWaitsError),
    ],
)
def test_a_body_that_is_refused_leaves_nothing(
    pieces: list[bytes | None], refusal: type[TrailbookError]
) -> None:
    """Too large, broken off, past the share: its bytes are free again; the control is read whole."""
    bodies = Bodies(share=3 * LEAST if refusal is TooMuchWaitsError else 8 * LEAST)
    with pytest.raises(refusal):
        read(bodies, *pieces)
    assert bodies.held == 0
    assert read(bodies, b"ab", b"", b"c") == b"abc"


def test_a_refusal_keeps_nothing_of_a_body() -> None:
    """One error that was raised again and again kept every body that it refused: memory grew by each."""
    piece = b"x" * BOUND.most
    before = sys.getrefcount(piece)
    for _ in range(3):
        with pytest.raises(TooLargeError):
            read(Bodies(), piece, b"x")
    gc.collect()
    assert sys.getrefcount(piece) == before


@pytest.fixture(scope="module")
def own(serve: Callable[..., Served]) -> Served:
    """A server of its own."""
    return serve()


def head(served: Served, path: str, key: str, length: int = 1000) -> bytes:
    """The head of a request that records, and the first byte of its body."""
    return (
        f"POST /api/v1/orgs/{ORG}/{path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {length}\r\n\r\n["
    ).encode()


@pytest.fixture
def dial(own: Served) -> Iterator[Callable[[bytes], socket.socket]]:
    """Opens connections and sends so much on each; all are closed at the end."""
    parts = urlsplit(own.base_url)
    with ExitStack() as stack:

        def dialled(sent: bytes) -> socket.socket:
            opened = socket.create_connection((str(parts.hostname), parts.port or 80), timeout=60)
            stack.enter_context(opened)
            opened.sendall(sent)
            return opened

        yield dialled


@pytest.mark.parametrize("path", ["entries/batch", "entries/batch/", "entries", "entries/"])
def test_batches_that_do_not_come_hold_nobody_up(
    own: Served, dial: Callable[[bytes], socket.socket], path: str
) -> None:
    """Thirty connections of one key that send a byte each: its own batches and another's are recorded at once."""
    slow = [dial(head(own, path, own.keys["record"])) for _ in range(30)]
    for name in ("record", "both"):
        key = {"Authorization": f"Bearer {own.keys[name]}"}
        assert (
            httpx.post(f"{own.api}/entries/batch", json=[wire()], headers=key, timeout=20).status_code == 200
        )
    assert len(slow) == 30


def test_a_key_over_its_share(own: Served, dial: Callable[[bytes], socket.socket], monkeypatch: Any) -> None:
    """One key has sent as much as it may: its next body is 429 and says when; another key's is recorded."""
    bodies = own.app.state.bodies
    monkeypatch.setattr(bodies, "_share", 3 * LEAST)
    slow = [dial(head(own, "entries/batch", own.keys["record"])) for _ in range(3)]
    while bodies.held < 3 * LEAST:
        pass
    keys = {name: {"Authorization": f"Bearer {own.keys[name]}"} for name in ("record", "both")}
    refused = httpx.post(f"{own.api}/entries/batch", json=[wire()], headers=keys["record"])
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-requests")
    assert refused.headers["retry-after"] == "1"
    assert httpx.post(f"{own.api}/entries/batch", json=[wire()], headers=keys["both"]).status_code == 200
    for each in slow:
        each.close()
    while bodies.held:
        pass
    assert httpx.post(f"{own.api}/entries/batch", json=[wire()], headers=keys["record"]).status_code == 200


def test_a_key_revoked_while_its_batch_comes(own: Served, dial: Callable[[bytes], socket.socket]) -> None:
    """Whoever may record is asked again when all is there: nothing of what followed the end is recorded."""
    key, text = own.deployment.credentials.new_key(ORG, "Short", ("record",))
    body = json.dumps([wire()]).encode()
    kept, dropped = (dial(head(own, "entries/batch", text, len(body))) for _ in range(2))
    kept.sendall(body[1:])
    assert kept.recv(100).startswith(b"HTTP/1.1 200")  # the control
    own.deployment.credentials.revoke_key(key.id)
    dropped.sendall(body[1:])
    assert dropped.recv(100).startswith(b"HTTP/1.1 401")


def test_an_organisation_with_many_keys(
    own: Served, dial: Callable[[bytes], socket.socket], monkeypatch: Any
) -> None:
    """Its keys hold all that it may: its next body is 503 and says when; another organisation's is recorded at once."""
    bodies = own.app.state.bodies
    assert bodies.held == 0
    monkeypatch.setattr(bodies, "_room", 8 * LEAST)
    keys = [own.deployment.credentials.new_key(ORG, f"Host {at}", ("record",))[1] for at in range(5)]
    slow = [
        dial(head(own, path, key)) for path, key in zip(["entries/batch", "entries"] * 2, keys, strict=False)
    ]
    while bodies.held < 4 * LEAST:
        pass
    refused = posted(own, ORG, keys[4])
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert refused.headers["retry-after"].isdecimal()
    assert posted(own, OTHER, own.keys["other"]).status_code == 200
    for each in slow:
        each.close()
    while bodies.held:
        pass
    assert posted(own, ORG, keys[4]).status_code == 200


def posted(served: Served, org: str, key: str) -> httpx.Response:
    """The answer to a batch of one."""
    headers = {"Authorization": f"Bearer {key}"}
    path = f"{served.base_url}/api/v1/orgs/{org}/entries/batch"
    return httpx.post(path, json=[wire()], headers=headers, timeout=20)


@pytest.mark.parametrize(("other", "waits"), [(B, False), (Sender("c", "acme"), True)])
def test_an_organisation_does_not_take_every_turn(other: Sender, waits: bool) -> None:
    """Batches of many keys fill its turns, and others' come between; the control is one more key of its own."""

    async def main() -> bool:
        turns, over = fast_path.BatchTurns(), asyncio.Event()

        async def record(sender: Sender, until: asyncio.Event | None) -> None:
            async with turns.turn(sender):
                if until is not None:
                    await until.wait()

        waiting = [asyncio.create_task(record(sender, over)) for sender in (A, ALSO_A) * 10]
        last = asyncio.create_task(record(other, None))
        for _ in range(100):
            await asyncio.sleep(0)
        waited = not last.done()
        over.set()
        await asyncio.gather(last, *waiting)
        return waited

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(asyncio.run, main()).result() == waits
