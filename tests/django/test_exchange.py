"""One request of Django's to an ASGI application in another thread: what arrives, what breaks off, who goes."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from trailbook.django.exchange import AwaitedPieces, Exchange, Piece, Pieces

START = {"type": "http.response.start", "status": 200, "headers": []}


def part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


class Streaming:
    """An application that sends pieces until it fails or its reader goes."""

    def __init__(self, pieces: int, *, fails: bool = False) -> None:
        self.pieces = pieces
        self.fails = fails
        self.sent = 0
        self.body = b""
        self.left = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.body = (await receive())["body"]
        await send(START)
        for number in range(self.pieces):
            await send(part(str(number).encode(), more=True))
            self.sent += 1
        if self.fails:
            raise ValueError("the store is gone")
        await send(part(b"", more=False))
        if (await receive())["type"] == "http.disconnect":
            self.left.set()


def begun(app: Streaming) -> tuple[Exchange, Piece]:
    exchange = Exchange(app, {}, b"sent")
    assert exchange.next().result(5)["status"] == 200
    return exchange, Piece(exchange.next().result(5))


def test_every_piece_arrives_in_its_order_and_the_body_did() -> None:
    app = Streaming(5)
    pieces = Pieces(*begun(app))
    assert b"".join(pieces) == b"01234"
    pieces.close()
    assert app.left.wait(5)
    assert app.body == b"sent"


def test_every_piece_is_awaited_too() -> None:
    app = Streaming(5)
    pieces = AwaitedPieces(*begun(app))

    async def read() -> bytes:
        return b"".join([piece async for piece in pieces])

    with ThreadPoolExecutor(1) as pool:  # a browser's own loop may be running in this thread
        assert pool.submit(asyncio.run, read()).result() == b"01234"
    pieces.close()
    assert app.left.wait(5)


@pytest.mark.parametrize("fails", [True, False])
def test_what_breaks_off_is_not_ended_as_if_it_were_whole(fails: bool) -> None:
    pieces = iter(Pieces(*begun(Streaming(2, fails=fails))))
    assert [next(pieces), next(pieces)] == [b"0", b"1"]
    if fails:
        with pytest.raises(ValueError, match="the store is gone"):
            next(pieces)
    else:  # the control
        assert list(pieces) == [b""]


def test_a_piece_is_made_when_the_last_was_taken() -> None:
    app = Streaming(10_000)
    exchange, _ = begun(app)
    assert exchange.next().result(5)
    assert app.sent < 10
    exchange.leave()


def test_whoever_goes_before_the_end_is_waited_for_no_more() -> None:
    app = Streaming(100)
    pieces = Pieces(*begun(app))
    pieces.close()
    assert app.left.wait(5)
    assert app.sent == 100  # what it said meanwhile went nowhere


def test_an_application_that_fails_before_it_answers_fails_the_request() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("nothing works")

    exchange = Exchange(app, {}, b"")
    with pytest.raises(LookupError, match="nothing works"):
        exchange.next().result(5)
