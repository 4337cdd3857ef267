"""What runs beside: sealing, signing, stamping and exports, each by organisation, and none of it can end its loop.

Owns one rule for failures. Whatever work raises is told once, counted in the health of the deployment and tried again
after a pause that grows; meanwhile everybody else's work goes on, in turn. Refuses to know what the work is.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from msgspec import Struct

from trailbook.deployment.health import Ailment, LoopName
from trailbook.errors import TrailbookError
from trailbook.log import Log
from trailbook.proofs import Signer

_LOG = logging.getLogger("trailbook")


class Pauses(Struct, frozen=True, kw_only=True):
    """Seconds between two looks for work (None: until woken), and after failures: doubled from `first` to `most`."""

    look: float | None = 0.5
    first: float = 1.0
    most: float = 30.0

    def after(self, failures: int) -> float:
        """How long to wait after so many failures in a row."""
        return min(self.most, self.first * 2.0 ** min(failures - 1, 30))


class Setback(Struct, frozen=True, kw_only=True):
    """Work that failed `failures` times in a row: whose (None: the loop's own), why, and when it is tried again."""

    loop: LoopName
    org: str | None
    why: str
    failures: int
    again: float

    @property
    def ailment(self) -> Ailment:
        """As the health of a deployment tells it: unfit where it cannot sign, or cannot know whose work is due."""
        return Ailment(
            part=self.loop,
            says=f"{self.loop.capitalize()}{_whose(self.org)} fails, {self.failures} times by now: {self.why}.",
            do="It is tried again by itself; mend what it says. Everybody else's goes on meanwhile.",
            fails=self.loop == "signing" or self.org is None,
            org=self.org,
        )


class Loop:
    """One kind of work beside: `orgs` says whose is due; `work` does some of it, and says whether more waits."""

    def __init__(
        self,
        name: LoopName,
        orgs: Callable[[], Iterable[str]],
        work: Callable[[str], bool],
        *,
        pauses: Pauses,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._orgs = orgs
        self._work = work
        self._pauses = pauses
        self._monotonic = monotonic
        self._setbacks: dict[str | None, Setback] = {}
        self._last = ""  # whose turn it was
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def setbacks(self) -> list[Setback]:
        """What does not work at present."""
        return list(self._setbacks.values())

    @property
    def stopped(self) -> bool:
        """Whether it is to end; long work looks here."""
        return self._stopped.is_set()

    def step(self) -> bool:
        """Do what is due, once for each organisation in turn; whether more of it waits already."""
        more = False
        for org in self._due():
            if not self._is_paused(org) and not self.stopped:
                self._last = org
                more = self._attempt(org) or more
        return more

    def start(self) -> None:
        """Go on by itself from now on, in a thread."""
        if self._thread is None and not self.stopped:
            self._thread = threading.Thread(target=self._run, name=f"trailbook-{self.name}", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Look for work at once."""
        self._woken.set()

    def close(self) -> None:
        """Finish what is under way, and end."""
        self._stopped.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self.stopped:
            self._woken.clear()
            if not self.step():
                self._woken.wait(self._rest())

    def _rest(self) -> float | None:
        """Seconds until there is something to look for again."""
        waits = [setback.again - self._monotonic() for setback in self.setbacks]
        waits += [] if self._pauses.look is None else [self._pauses.look]
        return max(0.01, min(waits)) if waits else None

    def _due(self) -> list[str]:
        """Whose work is due, whoever comes behind the last one first: nobody has two turns before others have one."""
        try:
            orgs = sorted(set(self._orgs()))
        except Exception as error:  # noqa: BLE001  # the one rule: whatever it is, it is told and tried again
            self._fail(None, error)
            return []
        self._mend(None)
        return [org for org in orgs if org > self._last] + [org for org in orgs if org <= self._last]

    def _attempt(self, org: str) -> bool:
        try:
            more = self._work(org)
        except Exception as error:  # noqa: BLE001  # the one rule, as above
            self._fail(org, error)
            return False
        self._mend(org)
        return more

    def _is_paused(self, org: str) -> bool:
        setback = self._setbacks.get(org)
        return setback is not None and self._monotonic() < setback.again

    def _fail(self, org: str | None, error: Exception) -> None:
        # Of what is not ours only its kind is told: the text may hold anything.
        why = error.detail if isinstance(error, TrailbookError) else type(error).__name__
        before = self._setbacks.get(org)
        failures = 1 if before is None else before.failures + 1
        again = self._monotonic() + self._pauses.after(failures)
        self._setbacks[org] = Setback(loop=self.name, org=org, why=why, failures=failures, again=again)
        if before is None or before.why != why:
            _LOG.warning("%s%s failed and is tried again: %s", self.name, _whose(org), why)

    def _mend(self, org: str | None) -> None:
        if self._setbacks.pop(org, None) is not None:
            _LOG.warning("%s%s goes on", self.name, _whose(org))


class Sealer:
    """Seals the logs it is told of; what is not sealed is found all the same, only more slowly."""

    def __init__(self) -> None:
        self._waiting: dict[str, Log] = {}
        self._lock = threading.Lock()
        self.loop = Loop("sealing", lambda: list(self._waiting), self._seal, pauses=Pauses(look=None))

    def wake(self, log: Log) -> None:
        """Seal this log soon."""
        with self._lock:
            self._waiting[log.org] = log
            self.loop.start()
        self.loop.wake()

    def _seal(self, org: str) -> bool:
        log = self._waiting.pop(org)
        try:
            log.seal(stopped=lambda: self.loop.stopped)
        except BaseException:
            self._waiting.setdefault(org, log)
            raise
        return False


def signing_loops(signer: Signer, orgs: Callable[[], Iterable[str]]) -> tuple[Loop, Loop]:
    """Sign each log's head within a second; and ask for timestamps beside it, so that none of it waits for them."""

    def sign(org: str) -> bool:
        signer.sign(org)
        return False

    def stamp(org: str) -> bool:
        signer.stamp(org)
        return False

    pauses = Pauses(most=10.0)
    return Loop("signing", orgs, sign, pauses=pauses), Loop(
        "stamping", signer.unstamped, stamp, pauses=pauses
    )


@contextmanager
def running(loops: Iterable[Loop]) -> Iterator[None]:
    """Let loops go on by themselves; at the end each finishes what is under way."""
    started = list(loops)
    for loop in started:
        loop.start()
    try:
        yield
    finally:
        for loop in started:
            loop.close()


def _whose(org: str | None) -> str:
    return "" if org is None else f" of {org}"
