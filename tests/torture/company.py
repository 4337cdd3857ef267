"""A real server of two organisations, and calm users of both: what they do, what they see, and how long it takes.

Owns the server's process, its keys and sessions, and the measuring of times and memory beside whatever else goes on.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from tests.cli.conftest import Folder, Serving, serving, sign_in
from tests.torture.attacks import CANARY, Target
from tests.web.conftest import ORG, OTHER, wire

from trailbook import Item, open_deployment
from trailbook.access import NewKey, operator
from trailbook.administration import By, issue_key
from trailbook.deployment import Deployment

PERSON = Item(type="user", id="u-17", name="Anna Berg")
KEYS = 10  # of whoever attacks
FILTERS = ("category=roles", "actor=user/u-17", "outcome=failure", "date=last-quarter")
PATIENCE = 20  # seconds: less than a body may take to arrive, and more than a busy machine does
PAUSE = 0.1  # seconds between two requests of a calm user


class Answer(Struct, frozen=True):
    """An answer: its status, its fields by their names in small letters, and its body."""

    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Somebody with a connection for each thread, which is opened again when it was closed."""

    def __init__(self, base_url: str, fields: dict[str, str]) -> None:
        self._host = urlsplit(base_url).netloc
        self._fields = fields
        self._lines: dict[int, http.client.HTTPConnection] = {}

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask, with a body as JSON. Raises: OSError and HTTPException where no answer came."""
        sent = None if body is None else json.dumps(body)
        new = http.client.HTTPConnection(self._host, timeout=PATIENCE)
        line = self._lines.setdefault(threading.get_ident(), new)
        try:
            line.request(method, path, sent, {**self._fields, "Content-Type": "application/json"})
            answer = line.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        except BaseException:
            line.close()
            raise

    def close(self) -> None:
        for line in self._lines.values():
            line.close()


class Company(Struct, frozen=True):
    """The server: keys that record and read by organisation, sessions, and the keys of attackers in the first."""

    folder: Folder
    serving: Serving
    keys: dict[str, str]
    cookies: dict[str, str]
    target: Target
    named: Target  # whose key may read what is restricted

    @property
    def process(self) -> int:
        return self.serving.process.pid

    def host(self, org: str) -> Client:
        """An integration of an organisation, which records, reads and exports."""
        return Client(self.serving.address, {"Authorization": f"Bearer {self.keys[org]}"})

    def person(self, org: str) -> Client:
        """Somebody who is signed in."""
        return Client(self.serving.address, {"Cookie": self.cookies[org]})


@contextmanager
def company(path: Path, **settings: int) -> Iterator[Company]:
    """A server with these settings in a folder, its log filled, until the block ends."""
    path.mkdir(exist_ok=True)
    folder = Folder(path)
    folder.env = {f"TRAILBOOK_{name.upper()}": str(value) for name, value in settings.items()}
    folder.good("init", "--org", ORG)
    deployment = open_deployment(f"sqlite:///{path}/trailbook.db")
    deployment.create(OTHER)
    credentials = deployment.credentials
    keys = {org: _key(deployment, org, "Host") for org in (ORG, OTHER)}
    attackers = [_key(deployment, ORG, f"Attacker {at}") for at in range(KEYS)]
    named = _key(deployment, ORG, "Cases", scopes=("read",), restricted=("whistleblowing",))
    links = {org: credentials.new_link(org, PERSON, "full") for org in (ORG, OTHER)}
    deployment.close()
    with serving(folder) as running:
        address = running.address
        cookies = {org: sign_in(f"{address}/sign-in?link={link}", address) for org, link in links.items()}
        targets = Target(address, ORG, attackers), Target(address, ORG, [named])
        made = Company(folder, running, keys, cookies, *targets)
        _fill(made)
        yield made


def _key(deployment: Deployment, org: str, name: str, **more: tuple[str, ...]) -> str:
    """The secret of a new key, which has its entry."""
    wanted = NewKey(name=name, **{"scopes": ("record", "read", "export"), **more})  # type: ignore[arg-type]
    return issue_key(By(deployment, operator(org)), wanted)[1]


def _fill(made: Company) -> None:
    """Fifty thousand entries in the log that is attacked, five thousand in the other, and one that few may read."""
    for org, batches in ((ORG, 10), (OTHER, 1)):
        client = made.host(org)
        for _ in range(batches):
            insist(client, "POST", f"/api/v1/orgs/{org}/entries/batch", [wire() for _ in range(5_000)])
        client.close()
    actor = {"kind": "person", "type": "user", "id": "u-101", "name": f"{CANARY} Lie"}
    case = {"action": "case.opened", "actor": actor, "target": {"type": "case", "id": "c-7f3a"}}
    client = made.host(ORG)
    insist(client, "POST", f"/api/v1/orgs/{ORG}/entries", wire(**case, concerns=None))
    client.close()


def insist(client: Client, method: str, path: str, body: Any = None) -> Answer:
    """Ask until there is room: what is refused for now says when to come again."""
    while True:
        answer = client.ask(method, path, body)
        if answer.status not in (429, 503):
            assert answer.status < 300, answer
            return answer
        time.sleep(float(answer.fields["retry-after"]))


class Calm(Struct):
    """What calm users saw: seconds of each answer by kind, and whatever was no success, 0 where no answer came."""

    times: dict[str, list[float]]
    wrong: list[int]

    def at(self, kind: str, part: float) -> float:
        """The time within which so great a part of the answers came."""
        times = sorted(self.times[kind])
        return times[min(len(times) - 1, int(len(times) * part))]


def calm(made: Company, seconds: float) -> Calm:
    """People who open pages in both organisations, and an integration that records, at the pace of such."""
    seen = Calm({"page": [], "batch": []}, [])
    ends = time.monotonic() + seconds

    def going(kind: str, client: Client, ask: Callable[[int], tuple[str, str, Any]]) -> None:
        at = 0
        while time.monotonic() < ends:
            began = time.perf_counter()
            try:
                status = client.ask(*ask(at)).status
            except (OSError, http.client.HTTPException):
                status = 0
            seen.times[kind].append(time.perf_counter() - began)
            if status != 200:
                seen.wrong.append(status)
            at += 1
            time.sleep(PAUSE)
        client.close()

    def page(org: str) -> Callable[[int], tuple[str, str, Any]]:
        return lambda at: ("GET", f"/orgs/{org}/activity?{FILTERS[at % len(FILTERS)]}", None)

    batch = ("POST", f"/api/v1/orgs/{OTHER}/entries/batch", [wire()])
    side_by_side(
        lambda: going("page", made.person(ORG), page(ORG)),
        lambda: going("page", made.person(OTHER), page(OTHER)),
        lambda: going("batch", made.host(OTHER), lambda _: batch),
    )
    return seen


def side_by_side(*parts: Callable[[], object]) -> None:
    """Do all of it at once; whatever goes wrong in one is raised when all have ended."""
    failures: list[Exception] = []

    def run(part: Callable[[], object]) -> None:
        try:
            part()
        except Exception as error:  # noqa: BLE001 - raised below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise ExceptionGroup("beside each other", failures)


def memory(process: int) -> int:
    """Bytes of its own that a process holds now, without the pages of files."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no RssAnon")


class Samples:
    """The memory of a process, looked at again and again while it lasts."""

    def __init__(self, process: int, every: float) -> None:
        self.bytes: list[int] = [memory(process)]
        self._process = process
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._over.wait(self._every):
            self.bytes.append(memory(self._process))

    def __enter__(self) -> "Samples":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
