"""`python -m bench.page FILE [--org ORG]`: what the page costs on a log that is there, as `trailbook serve` gives it.

Owns the figures of the page's budget: rows at 16 clients, everything on the page at one, the bytes of fifty rows, and
how soon a browser that has nothing kept shows something. The log is opened as it stands; a session is added to it.
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import sync_playwright
from rich.console import Console

from bench import report
from bench.measuring import Goal, Row, p99, row, seconds, tell
from bench.serving import _rate

FILTERS = {
    "no filter": "category.not=activity_log",
    "category": "category=salary",
    "two categories, a quarter": "category=roles&category=permissions&date=last-quarter",
    "busiest actor": "actor=user/u-0",
    "about a person": "concerns=user/u-7",
    "text": "text=anna",
    "three that never meet": "category=salary&actor_kind=system&outcome=denied",
}
_CLIENTS, _SECONDS, _REPEATS = 16, 4.0, 15
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
_CHROMIUM = "/usr/bin/chromium"
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


@contextmanager
def serving(file: Path, org: str) -> Iterator[tuple[str, str]]:
    """The server over a log: its address, and a link that signs in once."""
    given = {
        "TRAILBOOK_STORE": f"sqlite:///{file}",
        "TRAILBOOK_ORG": org,
        "TRAILBOOK_LIMITS_READING": "1000000",
    }
    command = [sys.executable, "-m", "trailbook", "serve", "--sign-in", "--json", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | given) as process:
        assert process.stdout is not None
        try:
            answer = json.loads(process.stdout.readline())
            yield answer["address"], answer["sign_in"]
        finally:
            process.terminate()


def run(file: Path, org: str, size: int) -> Iterator[Row]:
    """The rows of the table."""
    with serving(file, org) as (address, link), httpx.Client(base_url=address, timeout=120) as client:
        state = _signed_in(link)
        cookie = "; ".join(f"{each['name']}={each['value']}" for each in state["cookies"])
        client.headers["Cookie"] = cookie
        client.headers["Accept-Encoding"] = "identity"
        for name, query in FILTERS.items():
            yield from _filter(client, f"/orgs/{org}/activity?{query}", (name, size))
        for name in ("no filter", "category", "about a person"):
            taken = _load(address, f"/orgs/{org}/activity?{FILTERS[name]}", cookie)
            goal = Goal(400, least=True)
            yield _rate(f"HTML, {name}, {_CLIENTS} clients", size, taken, goal, None, "pages/s")
        yield from _cold(f"{address}/orgs/{org}/activity?{FILTERS['no filter']}", state, size)


def _signed_in(link: str) -> Any:
    """What a browser keeps of who used a link."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        context = browser.new_context()
        page = context.new_page()
        page.goto(link)
        page.click("main button")
        page.wait_for_load_state()
        state = context.storage_state()
        browser.close()
    return state


def _filter(client: httpx.Client, path: str, named: tuple[str, int]) -> Iterator[Row]:
    name, size = named
    first = client.get(path)
    if first.status_code != 200:
        raise RuntimeError(f"{path}: {first.status_code}")
    counting = path.replace("/activity?", "/activity/total?")
    rows = [seconds(lambda: client.get(path)) * 1000 for _ in range(_REPEATS)]
    both = [seconds(lambda: (client.get(path), client.get(counting))) * 1000 for _ in range(_REPEATS)]
    yield row(f"rows, {name}, one client", size, rows, unit="ms")
    yield row(f"rows, {name}, one client, p99", size, [p99(rows)], unit="ms", noise=f"p99 of {len(rows)}")
    yield row(f"rows and total, {name}, one client", size, both, unit="ms", goal=Goal(150))
    packed = len(gzip.compress(first.content)) / 1000
    yield row(f"HTML of the first page, {name}, gzipped", size, [packed], unit="kB", goal=Goal(30), noise="")


def _load(address: str, path: str, cookie: str) -> dict[str, float]:
    host, _, port = address.removeprefix("http://").rpartition(":")
    with tempfile.NamedTemporaryFile() as file:
        file.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\nCookie: {cookie}\r\n\r\n".encode())
        file.flush()
        given = [host, port, file.name, str(_CLIENTS), str(_SECONDS)]
        done = subprocess.run(
            [sys.executable, "-m", "bench.load", *given], capture_output=True, text=True, check=True
        )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _cold(url: str, state: Any, size: int) -> Iterator[Row]:
    """How soon a browser with nothing kept but its session shows the page."""
    painted = []
    with sync_playwright() as playwright:
        for _ in range(5):
            browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
            page = browser.new_context(storage_state=state).new_page()
            page.goto(url)
            page.wait_for_selector(".row")
            painted.append(float(page.evaluate(_PAINT)))
            browser.close()
    tell(f"painted after {', '.join(f'{each:.0f}' for each in painted)} ms")
    yield row("first contentful paint, cold browser", size, painted, unit="ms", goal=Goal(500))
    yield row(
        "first contentful paint, the slowest", size, [max(painted)], unit="ms", noise=f"of {len(painted)}"
    )


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser("bench.page", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--org", default="nordlys")
    parser.add_argument("--size", type=int, default=0, help="how many entries the log has, for the table")
    asked = parser.parse_args()
    rows = list(run(asked.file, asked.org, asked.size))
    middle = statistics.median(each.value for each in rows if each.name.endswith("one client"))
    report.show(rows, Console(width=None if sys.stdout.isatty() else 200))
    tell(f"the median of all filters at one client is {middle:.1f} ms")


if __name__ == "__main__":
    main()
