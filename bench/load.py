"""`python -m bench.load`: a client that asks a server as fast as it answers, over so many connections.

Owns the smallest HTTP/1.1 client that counts answers and takes their times, in a process of its own so that it shares
no interpreter with what it measures. Refuses answers that are not good: a fast refusal is no speed.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

BETWEEN = b"\0"  # two requests in a file


class _Asking(asyncio.Protocol):
    """One connection: asks the next question as soon as one is answered, until the time is up."""

    def __init__(self, requests: Iterator[bytes], until: float, taken: list[float]) -> None:
        self._requests = requests
        self._until = until
        self._taken = taken
        self._held = b""
        self._since = 0.0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, sep, rest = self._held.partition(b"\r\n\r\n")
        if not sep or len(rest) < _length(head):
            return
        if not head.startswith(b"HTTP/1.1 20"):
            self.ended.set_exception(RuntimeError((head + rest)[:500].decode("utf-8", "replace")))
            self._transport.close()
            return
        now = time.perf_counter()
        self._taken.append(now - self._since)
        self._held = b""
        if now < self._until:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def _ask(self) -> None:
        self._since = time.perf_counter()
        self._transport.write(next(self._requests))


def _length(head: bytes) -> int:
    rest = head.lower().partition(b"content-length:")[2]
    return int(rest.split(b"\r\n", 1)[0]) if rest else 0


async def load(
    address: tuple[str, int], requests: Sequence[bytes], connections: int, seconds: float
) -> list[float]:
    """The seconds that each answer took; the requests are asked in turn, by whichever connection is free.

    Raises: RuntimeError with an answer that was not good.
    """
    taken: list[float] = []
    turn = cycle(requests)
    until, loop = time.perf_counter() + seconds, asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: _Asking(turn, until, taken), *address)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.ended for _, protocol in made))
    return taken


def main(host: str, port: str, request: str, connections: str, seconds: str) -> None:
    """Print how many answers a second, and the p50 and p99 of their times."""
    sent = Path(request).read_bytes().split(BETWEEN)
    taken = sorted(asyncio.run(load((host, int(port)), sent, int(connections), float(seconds))))
    figures = {
        "rate": len(taken) / float(seconds),
        "p50": taken[len(taken) // 2],
        "p99": taken[min(len(taken) - 1, len(taken) * 99 // 100)],
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
