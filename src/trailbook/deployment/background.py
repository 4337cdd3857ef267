"""What runs beside: sealing, signing, asking witnesses, exports and so on, by organisation, and nothing ends it.

Owns one rule for failures. Whatever work raises is told once, counted in the health of the deployment and tried again
after a pause that grows; meanwhile everybody else's work goes on, in turn. Refuses to know what the work is.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from msgspec import Struct

from trailbook.deployment.health import Ailment, LoopName
from trailbook.errors import TrailbookError
from trailbook.log import Log
from trailbook.proofs import Signer, Witnessing

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
    again: float = 0.0

    @property
    def ailment(self) -> Ailment:
        """As the health of a deployment tells it: unfit where it cannot sign, or cannot know whose work is due.

        What waits in a host's database makes no log unfit.
        """
        return Ailment(
            part=self.loop,
            says=f"{self.loop.capitalize()}{_whose(self.org)} fails, {self.failures} times by now: {self.why}.",
            do="It is tried again by itself; mend what it says. Everybody else's goes on meanwhile.",
            fails=self.loop == "signing" or (self.org is None and self.loop != "draining"),
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
            # A daemon, for a host that ends without closing must not wait for work that never ends.
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
            # Before looking, never after: whoever wakes it in between is not overheard.
            self._woken.clear()
            if not self.step():
                self._woken.wait(self._rest())

    def _rest(self) -> float | None:
        """Seconds until there is something to look for again."""
        waits = [setback.again - self._monotonic() for setback in self.setbacks]
        waits += [] if self._pauses.look is None else [self._pauses.look]
        # Never 0: a pause that ends this very moment would be asked about again and again until it has.
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
        why = _why(error)
        before = self._setbacks.get(org)
        failures = 1 if before is None else before.failures + 1
        again = self._monotonic() + self._pauses.after(failures)
        self._setbacks[org] = Setback(loop=self.name, org=org, why=why, failures=failures, again=again)
        if before is None or before.why != why:
            _LOG.warning("%s%s failed and is tried again: %s", self.name, _whose(org), why)

    def _mend(self, org: str | None) -> None:
        if self._setbacks.pop(org, None) is not None:
            _LOG.warning("%s%s goes on", self.name, _whose(org))


class Guest:
    """A loop that somebody else runs in this process, told of as those of a deployment are."""

    def __init__(self, name: LoopName) -> None:
        self.name = name
        self.setbacks: list[Setback] = []

    def tell(self, held: Mapping[str | None, Exception]) -> None:
        """Whose work fails at present (None: the loop's own), and why; nothing where all of it goes."""
        before = {setback.org: setback.failures for setback in self.setbacks}
        self.setbacks = [
            Setback(loop=self.name, org=org, why=_why(error), failures=before.get(org, 0) + 1)
            for org, error in held.items()
        ]


class LogWork:
    """Work on logs that say themselves when it is due, each done soon, and again where it failed."""

    def __init__(self, name: LoopName, work: Callable[[Log, Loop], object]) -> None:
        self._work = work
        self._waiting: dict[Log, None] = {}
        self._lock = threading.Lock()
        self.loop = Loop(
            name, lambda: [log.org for log in list(self._waiting)], self._do, pauses=Pauses(look=None)
        )

    def wake(self, log: Log) -> None:
        """Do the work on this log soon."""
        with self._lock:
            self._waiting[log] = None
            self.loop.start()
        self.loop.wake()

    def close(self) -> list[Log]:
        """Finish what is under way, and end; the logs whose work is not done."""
        self.loop.close()
        return list(self._waiting)

    def _do(self, org: str) -> bool:
        # An organisation may have several: a log that the deployment let go of goes on in the hands of whoever uses it.
        for log in [log for log in list(self._waiting) if log.org == org]:
            # Before the work: a log that is due again meanwhile comes back, and is not forgotten with what was done.
            self._waiting.pop(log)
            try:
                self._work(log, self.loop)
            except BaseException:
                self._waiting.setdefault(log)
                raise
        return False


def sealing() -> LogWork:
    """Sealing: what is not sealed is found all the same, only more slowly."""
    return LogWork("sealing", lambda log, loop: log.upkeep.seal(stopped=lambda: loop.stopped))


def recording() -> LogWork:
    """Recording the sign-ins that wait for a store that can be written."""
    return LogWork("recording", lambda log, loop: log.recorder.held_back.settle())


def signing_loops(signer: Signer, orgs: Callable[[], Iterable[str]]) -> tuple[Loop, ...]:
    """Sign each log's head within a second; and ask authorities and witnesses beside, so that it waits for none."""

    def sign(org: str) -> bool:
        signer.sign(org)
        return False

    def stamp(org: str) -> bool:
        signer.stamp(org)
        return False

    # Shorter than others' pauses: an entry that waits a minute for its signature makes the server unfit.
    pauses = Pauses(most=10.0)
    signing = Loop("signing", orgs, sign, pauses=pauses)
    stamping = Loop("stamping", signer.unstamped, stamp, pauses=pauses)
    return signing, stamping, *map(_witnessing, signer.witnessings)


def _witnessing(witnessing: Witnessing) -> Loop:
    """A loop for each witness: one that is away holds up no other."""

    def ask(org: str) -> bool:
        witnessing.ask(org)
        return False

    return Loop("witnessing", witnessing.due, ask, pauses=Pauses(most=300.0))


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


def _why(error: Exception) -> str:
    """Of what is not ours only its kind is told: the text may hold anything."""
    return error.detail if isinstance(error, TrailbookError) else type(error).__name__


def _whose(org: str | None) -> str:
    return "" if org is None else f" of {org}"
