"""What operators ask: whether the process lives, whether it can answer, and which Trailbook it is.

Owns three answers that name no organisation and no person. Refuses to say more than what fails by name.
"""

import msgspec
from litestar import Response
from msgspec import Struct

import trailbook
from trailbook.errors import StoreError
from trailbook.web.asked import Asked
from trailbook.web.intake import JSON


class Health(Struct, frozen=True, kw_only=True):
    """Whether all is well, and what is not, by name."""

    ok: bool
    failing: tuple[str, ...] = ()


class Version(Struct, frozen=True, kw_only=True):
    """The installed version."""

    version: str


def healthz(asked: Asked) -> Response[bytes]:
    """GET /healthz: the process lives."""
    asked.only()
    return _json(Health(ok=True))


def readyz(asked: Asked) -> Response[bytes]:
    """GET /readyz: the store answers; 503 names what does not."""
    asked.only()
    try:
        asked.site.deployment.orgs()
    except StoreError:
        return _json(Health(ok=False, failing=("store",)), 503)
    return _json(Health(ok=True))


def version(asked: Asked) -> Response[bytes]:
    """GET /version."""
    asked.only()
    return _json(Version(version=trailbook.__version__))


def _json(found: Struct, status: int = 200) -> Response[bytes]:
    return Response(msgspec.json.encode(found), status_code=status, media_type=JSON)
