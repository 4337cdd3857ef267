"""Whether the log behind a server can be asked: looked at now and then, however often it is asked.

Owns how old that answer may be. Refuses to say more than which parts are ailing by name.
"""

import math
import threading
import time

from msgspec import Struct

from trailbook.deployment import Alarms, Deployment

_EVERY_SECONDS = 2.0


class Health(Struct, frozen=True, kw_only=True):
    """Whether the log can be asked; `failing` names why not, `warning` what is told of although it can."""

    ok: bool
    failing: tuple[str, ...] = ()
    warning: tuple[str, ...] = ()


class Readiness:
    """Whether the log behind a server can be asked, looked at once in two seconds at most, whoever asks."""

    def __init__(self, deployment: Deployment, alarms: Alarms) -> None:
        self._deployment, self._alarms = deployment, alarms
        self._lock = threading.Lock()
        self._looked = -math.inf
        self._health = Health(ok=True)

    def now(self) -> Health:
        """How it is, as of the last look."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked >= _EVERY_SECONDS:
                ailments = self._deployment.ailments(self._alarms)
                failing = tuple(dict.fromkeys(ailment.part for ailment in ailments if ailment.fails))
                rest = dict.fromkeys(ailment.part for ailment in ailments if ailment.part not in failing)
                self._health = Health(ok=not failing, failing=failing, warning=tuple(rest))
                self._looked = time.monotonic()
            return self._health
