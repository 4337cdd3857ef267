"""A real server over a real SQLite log, a plain HTTP client, and a real browser.

Every answer of the API that a test gets is held against the OpenAPI document at once (`Documented`).
"""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from litestar import Litestar
from msgspec import Struct
from playwright.sync_api import Browser, Page

from trailbook import Actor, Deployment, Item, Log, Origin, open_deployment
from trailbook.catalogue import Catalogue
from trailbook.clock import Clock
from trailbook.query import Vocabulary
from trailbook.web import create_app
from trailbook.web.http.limits import Limits
from trailbook.web.http.slow_clients import waiting

ORG, OTHER = "nordlys", "fjell"
ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
KARI = Actor(kind="person", type="user", id="u-9", name="Kari Lie")
BOB = Item(type="user", id="u-42", name="Bob Li")
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
WEB = Origin(interface="web", ip="192.0.2.7", user_agent=AGENT)
# Tests ask faster than anybody would; those of the limits set their own.
PLENTY = Limits(reading=1_000_000, tiles=1_000_000, recording=1_000_000, failures=1_000_000)
HOSTILE = "<script>document.title='run'</script>"


class Served(Struct, frozen=True):
    """A running server: its deployment and application, where it listens, and keys."""

    deployment: Deployment
    app: Litestar
    base_url: str
    file: Path
    keys: dict[str, str]

    @property
    def api(self) -> str:
        return f"{self.base_url}/api/v1/orgs/{ORG}"

    @property
    def page(self) -> str:
        return f"{self.base_url}/orgs/{ORG}/activity"

    @property
    def log(self) -> Log:
        return self.deployment.log(ORG)

    def link(self, level: Any = "full", org: str = ORG) -> str:
        """A link that signs Anna in once."""
        text = self.deployment.credentials.new_link(
            org, Item(type="user", id="u-17", name="Anna Berg"), level
        )
        return f"{self.base_url}/sign-in?link={text}"


def vocabulary_of(catalogue: Catalogue) -> Vocabulary:
    """The names of a catalogue that a filter may use."""
    return Vocabulary(categories=catalogue.categories, actions=catalogue.actions, types=catalogue.types)


def wire(**changed: Any) -> dict[str, Any]:
    """An entry as a host sends it; a member given as None is left out."""
    entry: dict[str, Any] = {
        "action": "role.assigned",
        "occurred_at": "2026-03-02T09:15:00.123456+01:00",
        "actor": {"kind": "person", "type": "user", "id": "u-17", "name": "Anna Berg"},
        "target": {"type": "role", "id": "r-3", "name": "Manager"},
        "concerns": [{"part": "member", "type": "user", "id": "u-42", "name": "Bob Li"}],
        "origin": {"interface": "web"},
    }
    return {name: value for name, value in (entry | changed).items() if value is not None}


def fill(log: Log) -> None:
    """Sixty roles given over months, a denied one with a hostile name, and a profile that was updated."""
    now = log.clock()
    roles = ("Manager", "Reader", "Approver", "Payroll")
    for at in range(60):
        log.record(
            "role.assigned",
            actor=ANNA if at % 3 else KARI,
            target=Item(type="role", id=f"r-{at % 4}", name=roles[at % 4]),
            concerns={"member": BOB},
            occurred_at=now - timedelta(days=at, hours=2),
            origin=WEB,
        )
    log.record(
        "role.assigned",
        actor=KARI,
        target=Item(type="role", id="r-x", name=HOSTILE),
        concerns={"member": [BOB, Item(type="user", id="u-long", name="Å" * 200)]},
        outcome="denied",
        origin=WEB,
    )
    log.record(
        "user.profile_updated",
        actor=ANNA,
        target=Item(type="user", id="u-17", name="Anna Berg"),
        fields=("address", "biography"),
        origin=WEB,
    )


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    """Starts servers, each over a SQLite log of its own, in the usual loop or a given one; all end with the session."""
    running: list[tuple[uvicorn.Server, threading.Thread, Deployment]] = []

    def start(
        clock: Clock = lambda: datetime.now(UTC),
        folders: Sequence[Path] = (),
        loop: asyncio.AbstractEventLoop | None = None,
        **more: Any,
    ) -> Served:
        file = tmp_path_factory.mktemp("served") / "log.db"
        deployment = open_deployment(f"sqlite:///{file}", create=True, clock=clock, folders=folders)
        for org in (ORG, OTHER):
            deployment.create(org)
        fill(deployment.log(ORG))
        server, thread, served = _start(deployment, file, loop, more)
        running.append((server, thread, deployment))
        return served

    yield start
    for server, _, _ in running:  # all together, for each takes a moment to end
        server.should_exit = True
    for _, thread, deployment in running:
        thread.join(20)
        deployment.close()


def _start(
    deployment: Deployment, file: Path, loop: asyncio.AbstractEventLoop | None, more: dict[str, Any]
) -> tuple[uvicorn.Server, threading.Thread, Served]:
    config = uvicorn.Config("unset:app", port=0, log_level="critical", access_log=False, lifespan="on")
    listening = config.bind_socket()
    base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app = create_app(deployment, base_url=base_url, timezone="Europe/Oslo", **{"limits": PLENTY, **more})
    limits = app.state.limits
    config = uvicorn.Config(
        app,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        ws="none",
        http=waiting(app),
        timeout_keep_alive=limits.idle_seconds,
    )
    server = uvicorn.Server(config)

    def run() -> None:
        with asyncio.Runner(
            loop_factory=config.get_loop_factory() if loop is None else lambda: loop
        ) as runner:
            runner.run(server.serve(sockets=[listening]))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    new_key = deployment.credentials.new_key
    keys = {
        "both": new_key(ORG, "HR", ("record", "read"))[1],
        "record": new_key(ORG, "Recorder", ("record",))[1],
        "read": new_key(ORG, "Reader", ("read",))[1],
        "other": new_key(OTHER, "Other", ("record", "read"))[1],
    }
    return server, thread, Served(deployment, app, base_url, file, keys)


@pytest.fixture(scope="session")
def served(serve: Callable[..., Served]) -> Served:
    """One server for all tests that do not need a log of their own."""
    return serve()


class Documented:
    """Holds each answer against the document: its status, its media type, and problems by their code."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "$"), operations)
            for path, operations in document["paths"].items()
        ]

    def __call__(self, response: httpx.Response) -> None:
        request = response.request
        operation = self._operation(request.url.path, request.method.lower())
        if operation is None:
            return
        specification = operation["responses"].get(str(response.status_code))
        assert specification is not None, (
            f"{request.method} {request.url.path} answers {response.status_code}"
        )
        media_type = response.headers["content-type"].partition("; charset")[0]
        assert media_type in specification["content"], (media_type, sorted(specification["content"]))
        if media_type == "application/problem+json":
            response.read()
            assert f"`{response.json()['code']}`" in specification["description"]

    def _operation(self, path: str, method: str) -> dict[str, Any] | None:
        # A fixed path is meant before one with a parameter: `entries/batch` is not an entry's id.
        fitting = [operations for pattern, operations in self._paths if pattern.match(path)]
        return next((methods[method] for methods in reversed(fitting[:1]) if method in methods), None)


@pytest.fixture
def anonymous(served: Served) -> Iterator[httpx.Client]:
    """An HTTP client that nobody let in, whose answers are held against the document."""
    with httpx.Client(base_url=served.api + "/") as client:
        documented = Documented(client.get(f"{served.base_url}/openapi.json").json())
        client.event_hooks = {"response": [documented]}
        yield client


@pytest.fixture
def client(served: Served, anonymous: httpx.Client) -> httpx.Client:
    """The same client with a key that may record and read."""
    anonymous.headers["Authorization"] = f"Bearer {served.keys['both']}"
    return anonymous


@pytest.fixture
def signed_in(served: Served) -> Iterator[httpx.Client]:
    """A browser's HTTP without the browser, signed in with full access."""
    with httpx.Client(base_url=served.base_url) as client:
        enter(client, served.link())
        yield client


def enter(client: httpx.Client, link: str) -> httpx.Response:
    """Open a link and press its button."""
    answer = client.post(
        "/sign-in", data={"link": link.partition("link=")[2]}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    # The client keeps no Secure cookie for http; a browser does so for this machine.
    client.headers["Cookie"] = answer.headers.get("set-cookie", "").partition(";")[0]
    return answer


@pytest.fixture
def visit(browser: Browser, served: Served) -> Callable[..., Page]:
    """Opens a page in a fresh browser context, signed in at a level, watching what the console says."""

    def opened(
        level: Any = "full", messages: Sequence[str] | None = None, at: Served = served, **look: Any
    ) -> Page:
        context = browser.new_context(base_url=at.base_url, **look)
        context.set_default_timeout(90_000)  # a busy machine is slow, not wrong
        page = context.new_page()
        if isinstance(messages, list):
            page.on("console", lambda message: messages.append(message.text))
            page.on("pageerror", lambda error: messages.append(str(error)))
        if level is not None:
            page.goto(at.link(level))
            page.click("main button")
        return page

    return opened
