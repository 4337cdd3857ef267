"""What honest users do for as long as a soak lasts, and the verdict on it.

Owns recorders that remember what was acknowledged, readers who hold each answer against it, and the judge: nothing lost
or doubled, every count exact, memory level, no fault of the server's own. A request that was not answered is sent again
with the same ids; what was refused for now waits as long as it was told to.
"""

import http.client
import json
import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from tests.torture.company import FILTERS, Answer, Client, Company
from tests.web.conftest import wire

LEVEL, ROOM = (
    1.2,
    32 * 1024 * 1024,
)  # how much more memory may be held late than early: times, and bytes besides
OUTCOMES = ("success", "failure", "denied")


class Count(Struct, frozen=True):
    """A count that was asked for: what of, what it had to be at least and at most, and the answer."""

    of: str
    least: int
    most: int
    answer: int


class Outcome(Struct):
    """All that a soak has seen."""

    acknowledged: dict[str, list[str]] = {}  # ids by organisation
    present: dict[str, list[str]] = {}
    counts: list[Count] = []
    memory: list[int] = []  # bytes, each second
    broken: list[str] = []
    findings: list[str] = []  # of `trailbook verify`


def faults(outcome: Outcome) -> list[str]:
    """The verdict: everything that is wrong."""
    wrong = [*outcome.broken, *outcome.findings]
    for org, ids in outcome.acknowledged.items():
        times = Counter(outcome.present.get(org, ()))
        wrong += [f"lost {id_} of {org}" for id_ in ids if id_ not in times]
        wrong += [f"doubled {id_} of {org}" for id_, count in times.items() if count > 1]
    for count in outcome.counts:
        if not count.least <= count.answer <= count.most:
            wrong.append(f"{count.of}: {count.answer}, and not {count.least} to {count.most}")
    return wrong + _growth(outcome.memory)


def _growth(memory: list[int]) -> list[str]:
    """What of the memory is not level: the last fifth against the second, for in the first everything warms up."""
    fifth = len(memory) // 5
    early, late = (statistics.median(memory[at * fifth : (at + 1) * fifth]) for at in (1, 4))
    grown = late > LEVEL * early + ROOM
    return [f"memory grew from {early / 1e6:.0f} to {late / 1e6:.0f} MB"] if grown else []


class Soak:
    """A soak under way: whoever takes part asks by `insist`, and goes on until `over` is set."""

    def __init__(self, made: Company) -> None:
        self.made = made
        self.over = threading.Event()
        self.outcome = Outcome()
        self.statuses: Counter[int] = Counter()
        self.clients: list[Client] = []

    def host(self, org: str) -> Client:
        """An integration's connection, which is closed with the soak."""
        self.clients.append(self.made.host(org))
        return self.clients[-1]

    def person(self, org: str) -> Client:
        """Somebody's connection, which is closed with the soak."""
        self.clients.append(self.made.person(org))
        return self.clients[-1]

    def last(self, seconds: float, then: Callable[[], object]) -> None:
        """Let so much time pass, then do that and end."""
        time.sleep(seconds)
        then()
        self.over.set()

    def until_over(self, pause: float, step: Callable[[], object]) -> None:
        """Do it over and over, with a pause between, in seconds."""
        while not self.over.wait(pause):
            step()

    def insist(self, client: Client, method: str, path: str, body: Any = None) -> Answer:
        """Ask until there is an answer that is no "not now"."""
        while True:
            try:
                answer = client.ask(method, path, body)
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)
                continue
            self.statuses[answer.status] += 1
            retry = answer.fields.get("retry-after", "")
            if answer.status not in (429, 503) or not retry.isdecimal():
                if answer.status >= 300:
                    self.outcome.broken.append(f"{method} {path}: {answer.status} {answer.body[:200]!r}")
                return answer
            time.sleep(min(float(retry), 5))


class Recorder:
    """Records for one organisation about one role, so that each of its entries can be counted by a filter."""

    def __init__(self, soak: Soak, org: str, number: int, batch: int) -> None:
        self.org, self.role = org, f"r-soak-{number}"
        self.sent: Counter[str] = (
            Counter()
        )  # by outcome; what was sent may be there before it is acknowledged
        self.acknowledged: Counter[str] = Counter()
        self.ids: list[str] = []
        self._soak = soak
        self._batch = batch
        self._dice = random.Random(number)
        self._client = soak.host(org)

    def step(self) -> None:
        """Record once; what is acknowledged is remembered."""
        entries = [self._entry() for _ in range(self._batch)]
        outcomes = Counter(str(entry["outcome"]) for entry in entries)
        self.sent += outcomes
        path = f"/api/v1/orgs/{self.org}/entries"
        if self._batch == 1:
            answer = self._soak.insist(self._client, "POST", path, entries[0])
            whole = answer.status in (200, 201)
        else:
            answer = self._soak.insist(self._client, "POST", f"{path}/batch", entries)
            lines = answer.json if answer.status == 200 else []
            whole = len(lines) == len(entries) and all(line["result"] != "refused" for line in lines)
        if not whole:
            self._soak.outcome.broken.append(f"{path}: {answer.status} {answer.body[:200]!r}")
            return
        self.ids += [entry["id"] for entry in entries]
        self.acknowledged += outcomes

    def _entry(self) -> dict[str, Any]:
        person = {"part": "member", "type": "user", "id": f"u-{self._dice.randrange(50)}", "name": "Bob Li"}
        return wire(
            id=str(UUID(int=self._dice.getrandbits(128))),
            occurred_at=datetime.now(UTC).isoformat(),
            target={"type": "role", "id": self.role, "name": "Manager"},
            concerns=[person],
            outcome=self._dice.choice(OUTCOMES),
        )


class Reader:
    """Reads an organisation's log in every way there is, and holds each count against what its recorders know."""

    def __init__(self, soak: Soak, org: str, recorders: Iterable[Recorder]) -> None:
        self.org = org
        self.recorders = [recorder for recorder in recorders if recorder.org == org]
        self._api = f"/api/v1/orgs/{org}"
        self._soak = soak
        self._dice = random.Random(org)
        self._host, self._person = soak.host(org), soak.person(org)

    def page(self) -> None:
        """A page, as a person opens it."""
        path = f"/orgs/{self.org}/activity?{self._dice.choice(FILTERS)}"
        self._soak.insist(self._person, "GET", path)

    def count(self) -> None:
        """What the list counts of one recorder, in one outcome or all."""
        recorder, outcome = self._dice.choice(self.recorders), self._dice.choice((*OUTCOMES, ""))
        more = f"&outcome={outcome}" if outcome else ""
        path = f"{self._api}/entries?limit=1&count=true&target=role/{recorder.role}{more}"
        self._held(path, recorder, outcome, lambda: self._ask(path)["count"])

    def export(self) -> None:
        """An export that is ordered, waited for and fetched: the rows of its file, and what it says that it holds."""
        recorder = self._dice.choice(self.recorders)
        order = {"format": "jsonl", "filter": {"target": f"role/{recorder.role}"}, "manifest": False}
        path = f"{self._api}/exports"
        least = recorder.acknowledged.total()
        job = self._soak.insist(self._host, "POST", path, order).json
        most = recorder.sent.total()
        while job.get("state") in ("queued", "running"):
            time.sleep(0.3)
            job = self._ask(f"{path}/{job['id']}")
        rows = self._soak.insist(self._host, "GET", f"{path}/{job['id']}/file").body.count(b"\n")
        self._soak.insist(self._host, "DELETE", f"{path}/{job['id']}")
        self._soak.outcome.counts += [
            Count(f"rows of an export of {recorder.role}", least, most, rows),
            Count(f"rows that the export of {recorder.role} says", rows, rows, job["count"]),
        ]

    def at_once(self) -> None:
        """An export that is made while it is sent."""
        recorder = self._dice.choice(self.recorders)
        path = f"{self._api}/entries.jsonl?target=role/{recorder.role}"
        self._held(path, recorder, "", lambda: self._soak.insist(self._host, "GET", path).body.count(b"\n"))

    def settled(self) -> None:
        """Every count once nobody records: by the list, by the facets and by the rows of a file."""
        whole = self._ask(f"{self._api}/entries?limit=1&count=true")
        size = f"as_of={whole['as_of']}"
        rows = self._soak.insist(self._host, "GET", f"{self._api}/entries.jsonl?{size}").body.count(b"\n")
        self._soak.outcome.counts.append(
            Count(f"rows of all of {self.org}", whole["count"], whole["count"], rows)
        )
        for recorder in self.recorders:
            for outcome in (*OUTCOMES, ""):
                more = f"&outcome={outcome}" if outcome else ""
                path = f"{self._api}/entries?limit=1&count=true&{size}&target=role/{recorder.role}{more}"
                self._held(path, recorder, outcome, lambda path=path: self._ask(path)["count"])

    def _held(self, of: str, recorder: Recorder, outcome: str, ask: Callable[[], int]) -> None:
        """Hold a count against what its recorder had acknowledged before, and had sent after."""

        def known(counter: Counter[str]) -> int:
            return counter[outcome] if outcome else counter.total()

        least = known(recorder.acknowledged)
        answer = ask()
        self._soak.outcome.counts.append(Count(of, least, known(recorder.sent), answer))

    def _ask(self, path: str) -> Any:
        return self._soak.insist(self._host, "GET", path).json


class Follower:
    """Follows one recorder's entries live; where the stream breaks, it goes on after the last one."""

    def __init__(self, soak: Soak, recorder: Recorder) -> None:
        self.recorder = recorder
        self.ids: list[str] = []
        self._soak = soak
        self._last = "-1"
        self._heard = 0.0

    def follow(self) -> None:
        """Follow until the soak is over and everything acknowledged has come, or nothing more has for a minute."""
        while not self._ended():
            line = http.client.HTTPConnection(self._soak.made.serving.address.partition("//")[2], timeout=20)
            try:
                self._take(line)
            except (OSError, http.client.HTTPException):
                time.sleep(0.2)
            finally:
                line.close()

    def _take(self, line: http.client.HTTPConnection) -> None:
        path = f"/api/v1/orgs/{self.recorder.org}/live?target=role/{self.recorder.role}"
        key = self._soak.made.keys[self.recorder.org]
        line.request("GET", path, headers={"Authorization": f"Bearer {key}", "Last-Event-ID": self._last})
        answer = line.getresponse()
        if answer.status != 200:
            time.sleep(1)
        while answer.status == 200 and not self._ended():
            text = answer.readline()
            if not text:
                break
            if text.startswith(b"id: "):
                self._last = text[4:].decode().strip()
            elif text.startswith(b'data: {"id"'):
                self.ids.append(json.loads(text[6:])["id"])
                self._heard = time.monotonic()

    def _ended(self) -> bool:
        if not self._soak.over.is_set():
            self._heard = time.monotonic()
            return False
        return len(self.ids) >= len(self.recorder.ids) or time.monotonic() > self._heard + 60

    def held(self) -> list[Count]:
        """How many entries came, beside how many were acknowledged, and how many of them twice."""
        role, count, came = self.recorder.role, len(self.recorder.ids), set(self.ids)
        return [
            Count(f"live entries of {role}", count, count, len(came)),
            Count(f"live entries of {role} that came twice", 0, 0, len(self.ids) - len(came)),
        ]
