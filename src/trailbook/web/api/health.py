"""What operators ask: whether the process lives, whether it can answer, and which Trailbook it is.

Owns three answers that name no organisation and no person. Refuses to say more than what fails by name.
"""

import msgspec
from litestar import Response
from msgspec import Struct

import trailbook
from trailbook.web.http.media import JSON
from trailbook.web.http.readiness import Health
from trailbook.web.http.request import Request


class Version(Struct, frozen=True, kw_only=True):
    """The installed version."""

    version: str


def healthz(request: Request) -> Response[bytes]:
    """GET /healthz: the process lives."""
    request.only()
    return _json(Health(ok=True))


def readyz(request: Request) -> Response[bytes]:
    """GET /readyz: every part of the log is fit; 503 names those that are not, and no organisation."""
    request.only()
    health = request.site.readiness.now()
    return _json(health, 200 if health.ok else 503)


def version(request: Request) -> Response[bytes]:
    """GET /version."""
    request.only()
    return _json(Version(version=trailbook.__version__))


def _json(answer: Struct, status: int = 200) -> Response[bytes]:
    return Response(msgspec.json.encode(answer), status_code=status, media_type=JSON)
