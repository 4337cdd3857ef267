"""Attacks by somebody with a key, while calm users go on: ten seconds of each, and sixty in `make full`.

What must hold is asserted: every calm request is answered as it should be, and memory stays bounded. How long calm
users wait beside what they wait without the attack is a ratio that is printed, for a time is nothing to assert.
"""

import json
import multiprocessing
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from msgspec import Struct
from tests.amounts import amount
from tests.web.conftest import ORG, Served, enter, serve, wire

__all__ = ["serve"]
SECONDS = amount(10, 10, 60)
PAGE = f"/orgs/{ORG}/activity?category=roles"
PATIENCE = 20  # seconds: less than a body may take to arrive, and more than a busy machine does
MOST_MEMORY = 300 * 1024 * 1024  # bytes beyond those before the attack


class Calm(Struct):
    """What calm users saw: seconds of each answer, and the statuses that were no success, 0 where none came."""

    times: list[float]
    wrong: list[int]

    @property
    def p99(self) -> float:
        return sorted(self.times)[max(0, len(self.times) * 99 // 100 - 1)]


def calm(served: Served, seconds: float) -> Calm:
    """A person who opens pages, and an integration that records batches, at the pace of such; what they saw."""
    seen = Calm([], [])

    def asking(client: httpx.Client, ask: Callable[[httpx.Client], httpx.Response]) -> None:
        while time.monotonic() < ends:
            began = time.perf_counter()
            try:
                status = ask(client).status_code
            except httpx.TimeoutException:
                status = 0
            seen.times.append(time.perf_counter() - began)
            if status != 200:
                seen.wrong.append(status)
            time.sleep(0.1)

    key = {"Authorization": f"Bearer {served.keys['both']}"}
    with (
        httpx.Client(base_url=served.base_url, timeout=PATIENCE) as person,
        httpx.Client(base_url=served.base_url, timeout=PATIENCE, headers=key) as host,
    ):
        began = time.perf_counter()
        enter(person, served.link())
        seen.times.append(time.perf_counter() - began)
        ends = time.monotonic() + seconds
        batch = f"/api/v1/orgs/{ORG}/entries/batch"
        threads = [
            threading.Thread(target=asking, args=(person, lambda client: client.get(PAGE))),
            threading.Thread(target=asking, args=(host, lambda client: client.post(batch, json=[wire()]))),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return seen


def memory() -> int:
    """Bytes that this process, and so the server, holds now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


class Most:
    """The most memory that is held while it lasts, in bytes."""

    def __init__(self, least: int) -> None:
        self.memory = least
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._over.wait(0.2):
            self.memory = max(self.memory, memory())

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


@pytest.fixture(scope="module")
def company(serve: Callable[..., Served]) -> Served:
    """A server with a long log."""
    served = serve()
    headers = {"Authorization": f"Bearer {served.keys['record']}", "Content-Type": "application/json"}
    batch = json.dumps([wire() for _ in range(10_000)])
    for _ in range(5):
        answer = httpx.post(f"{served.api}/entries/batch", content=batch, headers=headers, timeout=60)
        assert answer.status_code == 200
    served.deployment.credentials.new_key(ORG, "Warm", ("read",))
    return served


class Attack(Struct, frozen=True):
    """What an attacker does over and over until told to end: `base_url` and keys are all that they have."""

    base_url: str
    keys: list[str]
    ends: Any

    def dialled(self) -> socket.socket:
        """A connection that takes little at a time."""
        parts = urlsplit(self.base_url)
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(10)
        line.connect((str(parts.hostname), parts.port or 80))
        return line


def bodies_that_do_not_come(attack: Attack) -> None:
    """Two hundred connections of one key send the head of a batch and a byte; each that ends is opened again."""
    head = f"POST /api/v1/orgs/{ORG}/entries/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    sent = f"{head}Authorization: Bearer {attack.keys[0]}\r\nContent-Length: 16000000\r\n\r\n[".encode()
    _keeping(attack, [sent] * 200)


def bodies_that_never_end(attack: Attack) -> None:
    """Forty connections of one key send fifteen megabytes of a batch each, and wait."""
    head = f"POST /api/v1/orgs/{ORG}/entries/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    fields = f"Authorization: Bearer {attack.keys[0]}\r\nContent-Length: 16000000\r\n\r\n"
    _keeping(attack, [(head + fields).encode() + b"[" + b" " * 15_000_000] * 40)


def readers_that_take_little(attack: Attack) -> None:
    """Fifty readers with ten keys begin exports and take them drop by drop."""
    head = f"GET /api/v1/orgs/{ORG}/entries.csv HTTP/1.1\r\nHost: x\r\n"
    _keeping(
        attack,
        [
            f"{head}Authorization: Bearer {attack.keys[at % len(attack.keys)]}\r\n\r\n".encode()
            for at in range(50)
        ],
    )


def readers_that_take_all(attack: Attack) -> None:
    """Eight readers with four keys take exports as fast as they come, one after the other."""

    def reading(key: str) -> None:
        with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
            while not attack.ends.is_set():
                client.get(f"{attack.base_url}/api/v1/orgs/{ORG}/entries.csv")

    _side_by_side([threading.Thread(target=reading, args=(attack.keys[at % 4],)) for at in range(8)])


def _keeping(attack: Attack, requests: list[bytes]) -> None:
    def keep(sent: bytes) -> None:
        while not attack.ends.is_set():
            try:
                with attack.dialled() as line:
                    line.sendall(sent)
                    line.settimeout(1)
                    while not attack.ends.is_set() and _takes(line):
                        attack.ends.wait(0.05)
            except OSError:
                attack.ends.wait(0.1)

    _side_by_side([threading.Thread(target=keep, args=(sent,)) for sent in requests])


def _takes(line: socket.socket) -> bool:
    """Take a little of what comes; False once the connection has ended."""
    try:
        return line.recv(1024) != b""
    except TimeoutError:
        return True


def _side_by_side(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.fixture
def attackers() -> Iterator[ExitStack]:
    """Whoever attacks, in processes of their own, until the test ends."""
    with ExitStack() as stack:
        yield stack


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "attack",
    [bodies_that_do_not_come, bodies_that_never_end, readers_that_take_little, readers_that_take_all],
    ids=lambda attack: attack.__name__,
)
def test_nobody_stops_anybody(
    company: Served, attackers: ExitStack, attack: Callable[[Attack], None]
) -> None:
    """Section 3 of the attacks: every calm request is answered 200, and the server holds no more than it may."""
    new_key = company.deployment.credentials.new_key
    keys = [new_key(ORG, f"Attacker {at}", ("record", "read"))[1] for at in range(10)]
    calm(company, 1)
    without, before = calm(company, SECONDS / 2), memory()
    context = multiprocessing.get_context("spawn")
    ends = context.Event()
    attacker = context.Process(target=attack, args=(Attack(company.base_url, keys, ends),), daemon=True)
    attacker.start()
    attackers.callback(attacker.join, 30)
    attackers.callback(ends.set)
    time.sleep(2)  # a process takes a moment to begin
    most = Most(before)
    with most:
        during = calm(company, SECONDS)
    assert attacker.is_alive()
    ratio = during.p99 / without.p99
    print(
        f"{attack.__name__}: {len(during.times)} calm requests, {len(during.wrong)} not answered;"
        f" p99 {during.p99 * 1000:.0f} ms beside {without.p99 * 1000:.0f} ms calm, {ratio:.1f} times;"
        f" {(most.memory - before) >> 20} MiB more"
    )
    assert (without.wrong, during.wrong) == ([], [])
    assert most.memory - before < MOST_MEMORY
