"""Attacks on a running server, by whoever has its address and some keys: each goes on until it is told to end.

Owns what attackers do, and what they were answered. Each attack is a process of its own that takes what the machine has
left over: what is measured beside it is what the server does to calm users, not how programs share two processors.
"""

import gzip
import http.client
import multiprocessing
import os
import random
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
import zstandard
from msgspec import Struct
from tests.web.conftest import wire

CANARY = "Turmalin"  # stands in an entry of a restricted category, which no attacker may read
JSON = "application/json"
MB = 1_000_000
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


class Target(Struct, frozen=True):
    """What attackers know: where the server is, an organisation, and keys that may record and read in it."""

    base_url: str
    org: str
    keys: list[str]

    @property
    def api(self) -> str:
        return f"/api/v1/orgs/{self.org}"

    def fields(self, at: int) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[at % len(self.keys)]}", "Content-Type": JSON}


class Seen(Struct):
    """What attackers were answered: `broken` is what no server should say, `leaks` are answers with the canary."""

    tried: int = 0
    statuses: dict[int, int] = {}
    broken: list[str] = []
    leaks: int = 0

    def answered(self, status: int, fields: dict[str, str], body: bytes) -> None:
        """Count an answer; the fault of a server that is documented says when to come again."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        retry = {name.lower(): value for name, value in fields.items()}.get("retry-after", "")
        if status >= 500 and not (status == 503 and retry.isdecimal()):
            self.broken.append(f"{status} {body[:200]!r}")
        self.leaks += CANARY.encode() in body


class Attacker:
    """One attacker with as many connections as they please."""

    def __init__(self, target: Target, ends: Any) -> None:
        self.target = target
        self.ends = ends
        self.seen = Seen()
        self.dice = random.Random(13)
        self._lock = threading.Lock()

    def again(self, connections: int, once: Callable[[int], None]) -> None:
        """Do something over and over, on so many connections side by side, until the end."""

        def keep(at: int) -> None:
            while not self.ends.is_set():
                with self._lock:
                    self.seen.tried += 1
                try:
                    once(at)
                except (OSError, http.client.HTTPException):
                    self.ends.wait(0.1)

        threads = [threading.Thread(target=keep, args=(at,)) for at in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @contextmanager
    def dialled(self) -> Iterator[socket.socket]:
        """A connection that takes little at a time; what was answered on it is counted in the end."""
        parts = urlsplit(self.target.base_url)
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(10)
        line.connect((str(parts.hostname), parts.port or 80))
        with line:
            yield line

    def send(self, line: socket.socket, *pieces: bytes) -> None:
        """Send it, or what of it is taken, and take the answer drop by drop until it or the attack ends."""
        first, whole = b"", True
        try:
            for piece in pieces:
                line.sendall(piece)
        except OSError:
            whole = False
        line.settimeout(1)
        while not self.ends.is_set():
            drop = _drop(line)
            first = first if len(first) > 8192 else first + (drop or b"")
            if drop == b"":
                break
            if whole:
                self.ends.wait(0.05)
        self._raw(first)

    def ask(self, at: int, method: str, path: str, body: bytes | None = None, **fields: str) -> None:
        """Ask, with a key unless other fields are given, and take the whole answer."""
        parts = urlsplit(self.target.base_url)
        line = http.client.HTTPConnection(str(parts.hostname), parts.port or 80, timeout=60)
        try:
            line.request(method, path, body, fields or self.target.fields(at))
            answer = line.getresponse()
            content = answer.read()
        finally:
            line.close()
        with self._lock:
            self.seen.answered(answer.status, dict(answer.getheaders()), content)

    def _raw(self, answer: bytes) -> None:
        status = _STATUS.match(answer)
        if status is not None:
            head, _, body = answer.partition(b"\r\n\r\n")
            fields = dict(
                line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:] if ": " in line
            )
            with self._lock:
                self.seen.answered(int(status[1]), fields, body)


def _drop(line: socket.socket) -> bytes | None:
    """A little of what comes: None while nothing does, nothing once the connection has ended."""
    try:
        return line.recv(1024)
    except TimeoutError:
        return None
    except OSError:
        return b""


def head(target: Target, at: int, path: str, length: int | None, method: str = "POST") -> bytes:
    """The head of a request whose body has so many bytes, or comes in chunks."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in target.fields(at).items())
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"{method} {target.api}/{path} HTTP/1.1\r\nHost: x\r\n{fields}{size}\r\n\r\n".encode()


def bodies_that_do_not_come(attacker: Attacker) -> None:
    """Two hundred connections of one key send the head of a batch and a byte."""

    def once(_: int) -> None:
        with attacker.dialled() as line:
            attacker.send(line, head(attacker.target, 0, "entries/batch", 16 * MB) + b"[")

    attacker.again(200, once)


def halves_of_batches(attacker: Attacker) -> None:
    """Sixty connections with all keys send half of a batch each, and wait: more than there is room for."""
    half = b"[" + b" " * (8 * MB)

    def once(at: int) -> None:
        with attacker.dialled() as line:
            attacker.send(line, head(attacker.target, at, "entries/batch", 16 * MB), half)

    attacker.again(60, once)


def readers_that_take_little(attacker: Attacker) -> None:
    """Sixty readers with all keys begin exports and live streams, and take them drop by drop."""
    paths = ("entries.csv", "entries.jsonl", "live?after=-1")

    def once(at: int) -> None:
        with attacker.dialled() as line:
            attacker.send(line, head(attacker.target, at, paths[at % len(paths)], 0, "GET"))

    attacker.again(60, once)


def readers_that_take_all(attacker: Attacker) -> None:
    """Eight readers with four keys take exports as fast as they come, one after the other."""
    attacker.again(8, lambda at: attacker.ask(at % 4, "GET", f"{attacker.target.api}/entries.csv"))


def readers_without_pause(attacker: Attacker) -> None:
    """Sixteen connections with all keys read pages of the list, counts and bars, each with another filter."""
    paths = (
        "entries?count=true&limit=200&",
        "facets?by=actor&",
        "histogram?",
        "entries?order=seq&limit=200&",
    )

    def once(at: int) -> None:
        path = f"{attacker.dice.choice(paths)}target=role/r-{attacker.dice.randrange(10_000)}"
        attacker.ask(at, "GET", f"{attacker.target.api}/{path}")

    attacker.again(16, once)


def sign_ins(attacker: Attacker) -> None:
    """Sixty-four connections try to sign in, as somebody else each time."""
    fields = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}

    def once(_: int) -> None:
        name = f"user{attacker.dice.randrange(1_000_000)}"
        form = urlencode({"org": attacker.target.org, "login": name, "password": "correct horse battery"})
        attacker.ask(0, "POST", "/sign-in", form.encode(), **fields)

    attacker.again(64, once)


def guesses(attacker: Attacker) -> None:
    """Thirty-two connections guess the secret of a key whose id they know, at every kind of door."""
    api, body = attacker.target.api, msgspec.json.encode([wire()])
    known = attacker.target.keys[0].rpartition("_")[0]
    doors: tuple[tuple[str, str, bytes | None], ...] = (
        ("GET", f"{api}/entries", None),
        ("POST", f"{api}/entries", body),
        ("POST", f"{api}/entries/batch", body),
        ("GET", f"{api}/entries.csv", None),
        ("GET", f"{api}/live", None),
    )

    def once(_: int) -> None:
        guess = "".join(attacker.dice.choices("abcdefghijklmnopqrstuvwxyz234567", k=52))
        method, path, sent = attacker.dice.choice(doors)
        fields = {"Authorization": f"Bearer {known}_{guess}", "Content-Type": JSON}
        attacker.ask(0, method, path, sent, **fields)

    attacker.again(32, once)


def spellings(attacker: Attacker) -> None:
    """Sixteen connections record and read by every other spelling of the routes."""
    api = attacker.target.api
    ways = ("{}/", "{}//", "/{}", "{}/?", "{}%2f", "{}/.", "{};x")
    body = msgspec.json.encode(wire(target={"type": "role", "id": "r-attack", "name": "Attack"}))

    def once(at: int) -> None:
        method, path, sent = attacker.dice.choice(
            (
                ("POST", "entries", body),
                ("POST", "entries/batch", b"[" + body + b"]"),
                ("GET", "entries", None),
            )
        )
        attacker.ask(at, method, attacker.dice.choice(ways).format(f"{api}/{path}"), sent)

    attacker.again(16, once)


def large_bodies(attacker: Attacker) -> None:
    """Sixteen connections push bodies that are refused: announced as a gigabyte, or in chunks without end."""
    piece = b" " * MB
    chunk = b"%x\r\n%b\r\n" % (len(piece), piece)
    paths = ("entries/batch", "entries", "exports")

    def once(at: int) -> None:
        with attacker.dialled() as line:
            path, chunked = paths[at % len(paths)], at % 2
            first = head(attacker.target, at, path, None if chunked else 1000 * MB)
            attacker.send(line, first, *[chunk if chunked else piece] * 100)

    attacker.again(16, once)


def bombs(attacker: Attacker) -> None:
    """Eight connections with all keys send little that becomes much: packed zeros, empty members, brackets."""
    zeros = bytes(100 * MB)
    bodies = (
        ("gzip", gzip.compress(zeros, 1)),
        ("zstd", zstandard.compress(zeros)),
        ("gzip", gzip.compress(b"") * 500_000),
        ("zstd", zstandard.compress(b"") * 1_000_000),
        ("identity", b"[" * (15 * MB)),
        ("identity", b"[" + b"{}," * (5 * MB) + b"{}]"),
        ("gzip", gzip.compress(b"[" + b"[]," * (5 * MB) + b"[]]")),
    )

    def once(at: int) -> None:
        coding, body = attacker.dice.choice(bodies)
        path = attacker.dice.choice(("entries/batch", "entries/batch?atomic=true", "entries"))
        fields = {**attacker.target.fields(at), "Content-Encoding": coding}
        attacker.ask(at, "POST", f"{attacker.target.api}/{path}", body, **fields)

    attacker.again(8, once)


ATTACKS: dict[str, Callable[[Attacker], None]] = {
    attack.__name__: attack
    for attack in (
        *(bodies_that_do_not_come, halves_of_batches, readers_that_take_little, readers_that_take_all),
        *(readers_without_pause, sign_ins, guesses, spellings, large_bodies, bombs),
    )
}


class Siege:
    """Attacks under way; `seen` is what each was answered, once all have ended."""

    def __init__(self, ends: Any) -> None:
        self.seen: dict[str, Seen] = {}
        self.processes: list[Any] = []
        self.end: Callable[[], None] = ends.set

    def goes_on(self) -> bool:
        """Whether all of them are still at it."""
        return all(process.is_alive() for process in self.processes)


@contextmanager
def besieged(target: Target, *names: str) -> Iterator[Siege]:
    """Attack a server while it lasts, each attack in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ends, answers = context.Event(), context.Queue()
    siege = Siege(ends)
    for name in names:
        process = context.Process(target=_attack, args=(name, target, ends, answers), daemon=True)
        process.start()
        siege.processes.append(process)
    try:
        for _ in names:
            answers.get(timeout=120)  # has begun
        yield siege
    finally:
        ends.set()
        for _ in names:
            name, seen = answers.get(timeout=120)
            siege.seen[name] = msgspec.convert(seen, Seen, strict=False)
        for process in siege.processes:
            process.join(30)


def _attack(name: str, target: Target, ends: Any, answers: Any) -> None:
    os.setpriority(os.PRIO_PROCESS, 0, 19)
    attacker = Attacker(target, ends)
    answers.put(name)
    ATTACKS[name](attacker)
    answers.put((name, msgspec.to_builtins(attacker.seen)))
