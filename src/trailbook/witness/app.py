"""The witness over HTTP: one path, whoever asks.

Owns how much and how long a submission may be. Refuses every other path and method, and asks nobody who they are: what
counts is who signed the head.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from trailbook.errors import StoreError
from trailbook.witness.cosigner import Cosigner, WitnessAnswer

WITNESS_PATH = "/add-checkpoint"
MOST = 262_144  # bytes of a submission: 63 hashes, and a hundred signatures
SECONDS = 10.0

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


def witness_app(cosigner: Cosigner, seconds: float = SECONDS) -> App:
    """The application of a witness, as ASGI has it; a submission may take so many seconds to arrive."""

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _send(send, await _answer(cosigner, scope, _body(receive, seconds)))

    return app


async def _answer(
    cosigner: Cosigner, scope: Message, body: Awaitable[bytes | WitnessAnswer]
) -> WitnessAnswer:
    arrived = await body
    if scope["path"] != WITNESS_PATH:
        return WitnessAnswer(404, b"there is nothing here\n")
    if scope["method"] != "POST":
        return WitnessAnswer(405, b"it takes POST\n")
    if isinstance(arrived, WitnessAnswer):
        return arrived
    try:
        # In a thread: a commit waits for the disk, and others meanwhile need not.
        return await asyncio.to_thread(cosigner.add, arrived)
    except StoreError:
        return WitnessAnswer(503, b"the witness cannot keep anything at present; ask again later\n")


async def _body(receive: Receive, seconds: float) -> bytes | WitnessAnswer:
    try:
        return await asyncio.wait_for(_whole(receive), seconds)
    except TimeoutError:
        return WitnessAnswer(408, b"the submission did not arrive in time\n")
    except ValueError:
        return WitnessAnswer(413, f"a submission has at most {MOST} bytes\n".encode())


async def _whole(receive: Receive) -> bytes:
    pieces, size = [], 0
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > MOST:
            raise ValueError
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return b"".join(pieces)


async def _send(send: Send, answer: WitnessAnswer) -> None:
    headers = [
        (b"content-type", answer.media_type.encode()),
        (b"content-length", str(len(answer.content)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *([(b"allow", b"POST")] if answer.status == 405 else []),
        # What did not arrive whole is not waited for.
        *([(b"connection", b"close")] if answer.status in (408, 413) else []),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content})
