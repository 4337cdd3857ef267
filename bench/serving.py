"""What it costs over HTTP: entries sent one by one and in batches, pages read as JSON and as HTML.

A real server and a client in a process of its own. Beside the entries stand the same server over a store that keeps
everything in memory, and one connection alone, which pays a commit for each entry.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from bench.generate import entries
from bench.load import BETWEEN
from bench.measuring import Control, Goal, Row, memory, row, tell
from bench.site import ORG, Site
from trailbook.catalogue import load
from trailbook.deployment.deployment import Deployment
from trailbook.deployment.opening import open_deployment
from trailbook.model import Item, NewEntry

_MANY, _FEW = 64, 16
_SECONDS = 5.0
_LITTLE = 100_000  # entries below which nothing is to be learnt from a long run
_FILTER = "category=salary"
# Lists that have little in common, and more of them than a server keeps the rows of.
_FILTERS = tuple(f"{field}=user/u-{at}" for at in range(100) for field in ("actor", "concerns"))
_BATCHES = (100, 1_000)


class Connection(Struct, frozen=True):
    """A running server and what opens it."""

    host: str
    port: int
    key: str
    cookie: str
    process: int
    seconds: float


def run(site: Site, size: int) -> Iterator[Row]:
    """Recording first, on logs of their own; then reading a log of `size` entries."""
    sample = list(entries(load(), 2_000))
    request = _post("entries", sample[:1], "application/json")
    with served(site.folder / "http.db", size) as asked:
        tell("sending entries")
        many = _load(site.folder, asked, request, _MANY)
        alone = _load(site.folder, asked, request, 1)
        batches = {
            n: _load(site.folder, asked, _post("entries/batch", sample[:n], "application/x-ndjson"), 4)
            for n in _BATCHES
        }
    with served(None, size) as asked:
        unkept = _load(site.folder, asked, request, _MANY)
    yield _rate(
        "POST of one entry, 64 connections", size, many, Goal(15_000, least=True), ("no storage", unkept)
    )
    yield _times("POST of one entry: as a part of no storage", size, (many, unkept), 0.4)
    yield _times("POST of one entry: times one connection", size, (many, alone), 5)
    yield row("POST of one entry, p99", size, [many["p99"] * 1000], unit="ms", noise="of one run")
    for count, taken in batches.items():
        rate = {**taken, "rate": taken["rate"] * count}
        yield _rate(
            f"POST of {count:,} entries, 4 connections",
            size,
            rate,
            Goal(30_000, least=True),
            None,
            "entries/s",
        )
    yield from _reading(site, size)


def _reading(site: Site, size: int) -> Iterator[Row]:
    built = site.recorded(size)
    built.log.upkeep.seal()
    json_, page = (
        BETWEEN.join(_get(f"/api/v1/orgs/{ORG}/entries?{query}") for query in _FILTERS),
        BETWEEN.join(_get(f"/orgs/{ORG}/activity?{query}", cookie=True) for query in _FILTERS),
    )
    same = _get(f"/orgs/{ORG}/activity?{_FILTER}", cookie=True)
    with served(Path(built.url.removeprefix("sqlite:///")), size) as asked:
        tell("reading pages")
        by = {n: _load(site.folder, asked, json_, n) for n in (1, 8, _FEW)}
        as_html = {n: _load(site.folder, asked, page, n) for n in (1, _FEW)}
        again = _load(site.folder, asked, same, _FEW)
        most = memory("RssAnon", process=asked.process)
    for n, taken in by.items():
        yield from _answers("first page as JSON", size, n, taken)
    yield _rate("first page as JSON, 16 clients", size, by[_FEW], Goal(800, least=True), None, "pages/s")
    for n, taken in as_html.items():
        yield from _answers("first page as HTML", size, n, taken)
    yield _rate("first page as HTML, 16 clients", size, as_html[_FEW], Goal(400, least=True), None, "pages/s")
    yield _rate("first page as HTML, 16 clients, one and the same list", size, again, None, None, "pages/s")
    noise = "after all of the above, without the file's pages in it"
    yield row("memory of the server", size, [most], unit="MB", goal=Goal(400), noise=noise)


def _answers(name: str, size: int, clients: int, taken: dict[str, float]) -> Iterator[Row]:
    """How long one waits for an answer among so many clients."""
    who = "1 client" if clients == 1 else f"{clients} clients"
    noise = f"one run, {taken['rate']:,.0f} a second"
    yield row(f"{name}, {who}, p50", size, [taken["p50"] * 1000], unit="ms", noise=noise)
    goal = Goal(25) if clients == _FEW and "JSON" in name else None
    yield row(f"{name}, {who}, p99", size, [taken["p99"] * 1000], unit="ms", goal=goal, noise=noise)


@contextmanager
def served(file: Path | None, size: int) -> Iterator[Connection]:
    """The server over a log in a file, or over one in memory, with a key and a session of its own."""
    url = "memory:" if file is None else f"sqlite:///{file}"
    given = [sys.executable, "-m", "bench.server", url]
    process = subprocess.Popen(given, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent)
    assert process.stdout is not None
    try:
        answer = json.loads(process.stdout.readline())
        long = _SECONDS if size >= _LITTLE else _SECONDS / 20
        yield Connection(answer["host"], answer["port"], answer["key"], answer["cookie"], process.pid, long)
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def opened(url: str) -> tuple[Deployment, str, str]:
    """The deployment of a server, a key for it, and a session's text."""
    deployment = open_deployment(url, create=True)
    if ORG not in deployment.orgs():
        deployment.create(ORG)
    _, key = deployment.credentials.new_key(ORG, "bench", ("record", "read"))
    link = deployment.credentials.new_link(ORG, Item(type="user", id="u-0", name="Anna"), "full")
    return deployment, key, deployment.credentials.sign_in(link)


def _load(folder: Path, asked: Connection, request: bytes, connections: int) -> dict[str, float]:
    file = folder / "request"
    filled = request.replace(b"{key}", asked.key.encode()).replace(b"{cookie}", asked.cookie.encode())
    file.write_bytes(filled)
    given = [asked.host, str(asked.port), str(file), str(connections), str(asked.seconds)]
    command = [sys.executable, "-m", "bench.load", *given]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _post(path: str, sent: Sequence[NewEntry], form: str) -> bytes:
    body = b"\n".join(msgspec.json.encode(entry) for entry in sent)
    head = f"POST /api/v1/orgs/{ORG}/{path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {{key}}\r\n"
    return (head + f"Content-Type: {form}\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body


def _get(path: str, *, cookie: bool = False) -> bytes:
    who = "Cookie: __Host-trailbook={cookie}" if cookie else "Authorization: Bearer {key}"
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n{who}\r\n\r\n".encode()


def _rate(
    name: str,
    size: int,
    taken: dict[str, float],
    goal: Goal | None,
    beside: tuple[str, Any] | None,
    unit: str = "requests/s",
) -> Row:
    control = None if beside is None else Control(name=beside[0], value=beside[1]["rate"])
    noise = f"one run, p50 {taken['p50'] * 1000:.1f} ms, p99 {taken['p99'] * 1000:.1f} ms"
    return row(name, size, [taken["rate"]], unit=unit, goal=goal, control=control, noise=noise)


def _times(name: str, size: int, two: tuple[dict[str, float], dict[str, float]], least: float) -> Row:
    return row(
        name, size, [two[0]["rate"] / two[1]["rate"]], unit="x", goal=Goal(least, least=True), noise="one run"
    )
