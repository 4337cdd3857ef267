"""What operators ask: whether the process lives, whether it can answer, and which Trailbook it is.

Owns three answers that name no organisation and no person. Refuses to say more than what fails by name.
"""

import math
import threading
import time

import msgspec
from litestar import Response
from msgspec import Struct

import trailbook
from trailbook.deployment import Alarms, Deployment
from trailbook.web.http.media import JSON
from trailbook.web.http.request import Request

_EVERY_SECONDS = 2.0


class Health(Struct, frozen=True, kw_only=True):
    """Whether the log can be asked; `failing` names why not, `warning` what is told of although it can."""

    ok: bool
    failing: tuple[str, ...] = ()
    warning: tuple[str, ...] = ()


class Version(Struct, frozen=True, kw_only=True):
    """The installed version."""

    version: str


def healthz(request: Request) -> Response[bytes]:
    """GET /healthz: the process lives."""
    request.only()
    return _json(Health(ok=True))


class Readiness:
    """Whether the log behind a server can be asked, looked at once in two seconds at most, whoever asks."""

    def __init__(self, deployment: Deployment, alarms: Alarms) -> None:
        self._deployment, self._alarms = deployment, alarms
        self._lock = threading.Lock()
        self._looked = -math.inf
        self._health = Health(ok=True)

    def readyz(self, request: Request) -> Response[bytes]:
        """GET /readyz: every part of the log is fit; 503 names those that are not, and no organisation."""
        request.only()
        health = self._now()
        return _json(health, 200 if health.ok else 503)

    def _now(self) -> Health:
        with self._lock:
            now = time.monotonic()
            if now - self._looked >= _EVERY_SECONDS:
                ailments = self._deployment.ailments(self._alarms)
                failing = tuple(dict.fromkeys(ailment.part for ailment in ailments if ailment.fails))
                rest = dict.fromkeys(ailment.part for ailment in ailments if ailment.part not in failing)
                self._health = Health(ok=not failing, failing=failing, warning=tuple(rest))
                self._looked = time.monotonic()
            return self._health


def version(request: Request) -> Response[bytes]:
    """GET /version."""
    request.only()
    return _json(Version(version=trailbook.__version__))


def _json(answer: Struct, status: int = 200) -> Response[bytes]:
    return Response(msgspec.json.encode(answer), status_code=status, media_type=JSON)
