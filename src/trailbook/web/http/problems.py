"""Problems: every refusal and failure as RFC 9457 JSON, or as the page that says the same.

Owns the status of each code. Refuses to say anything of stacks, SQL, paths or people: what no rule foresaw is
`internal`, and its reason goes to the operator's log under the request id alone.
"""

import logging
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException, MethodNotAllowedException
from msgspec import Struct

from trailbook.errors import (
    DamagedError,
    EntryExpiredError,
    Fault,
    IndexDamagedError,
    InvalidError,
    OverloadedError,
    SchemaNewerError,
    StorageFullError,
    StoreError,
    TrailbookError,
)
from trailbook.web.http.texts import texts_of

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("trailbook.web")

STATUS = {
    "malformed": 400,
    "cursor-invalid": 400,
    "unauthenticated": 401,
    "not-permitted": 403,
    "organisation-suspended": 403,
    "cross-site": 403,
    "not-yours": 403,
    "not-found": 404,
    "method-not-allowed": 405,
    "not-acceptable": 406,
    "request-timeout": 408,
    "last-administrator": 409,
    "name-taken": 409,
    "role-predefined": 409,
    "access-moved": 409,
    "entry-conflict": 409,
    "not-checkpointed": 409,
    "export-not-ready": 409,
    "export-expired": 410,
    "entry-expired": 410,
    "bundle-expired": 410,
    "too-large": 413,
    "batch-too-large": 413,
    "url-too-long": 414,
    "media-type": 415,
    "range-unsatisfiable": 416,
    "format-unavailable": 422,
    "invalid": 422,
    "entry-invalid": 422,
    "action-unknown": 422,
    "field-undeclared": 422,
    "name-refused": 422,
    "concern-missing": 422,
    "concern-unknown": 422,
    "time-ahead": 422,
    "time-early": 422,
    "category-refused": 422,
    "actor-refused": 422,
    "filter-invalid": 422,
    "figures-of-a-person": 422,
    "too-many-bars": 422,
    "parameter-unknown": 422,
    "parameter-invalid": 422,
    "too-many-streams": 429,
    "too-many-exports": 429,
    "too-many-views": 429,
    "too-many-requests": 429,
    "headers-too-large": 431,
    "internal": 500,
    "overloaded": 503,
    "storage-full": 503,
    "index-damaged": 503,
    "store-unavailable": 503,
    "schema-outdated": 503,
}
_BY_STATUS = {400: "malformed", 404: "not-found", 405: "method-not-allowed", 413: "too-large"}
_RETRY_SECONDS = "5"


class CrossSiteError(TrailbookError):
    """A change by cookie that did not come from this site's own pages."""

    code = "cross-site"


class NotAcceptableError(TrailbookError):
    """The answer has no form that the request's Accept field takes."""

    code = "not-acceptable"


class MediaTypeError(TrailbookError):
    """The request's body is in a form that this path does not read."""

    code = "media-type"


class FaultAnswer(Struct, frozen=True, kw_only=True):
    """One member at fault: where, which rule, and in plain words."""

    pointer: str
    code: str
    detail: str


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong (RFC 9457); `seq` and `leaf` stand only where an entry has expired."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str | None = None
    errors: tuple[FaultAnswer, ...] = ()
    seq: int | None = None
    leaf: str | None = None


def code_of(error: BaseException) -> str:
    """The stable code of an error, `internal` for whatever was not foreseen."""
    if isinstance(error, HTTPException):
        return _BY_STATUS.get(error.status_code, "internal")
    if isinstance(error, SchemaNewerError):
        return "schema-outdated"
    if isinstance(error, IndexDamagedError):
        return error.code
    if isinstance(error, DamagedError) or not isinstance(error, TrailbookError):
        return "internal"
    if isinstance(error, StorageFullError | OverloadedError):
        return error.code
    if isinstance(error, StoreError):
        return "store-unavailable"
    if isinstance(error, InvalidError) and any(f.code == "parameter-unknown" for f in error.faults):
        return "parameter-unknown"
    return error.code if error.code in STATUS else "internal"


def problem_of(error: BaseException, base_url: str, request_id: str | None = None) -> Problem:
    """The problem that an error is to whoever asked."""
    code = code_of(error)
    expired = error if isinstance(error, EntryExpiredError) else None
    return Problem(
        type=f"{base_url}/problems/{code}",
        title=texts_of("en")(f"problems.{code}.title"),
        status=STATUS[code],
        code=code,
        detail=_detail(error, code),
        request_id=request_id,
        errors=fault_answers(error.faults) if isinstance(error, InvalidError) else (),
        seq=None if expired is None else expired.seq,
        leaf=None if expired is None else expired.leaf.hex(),
    )


def fault_answers(faults: Sequence[Fault]) -> tuple[FaultAnswer, ...]:
    """Faults as an answer carries them."""
    return tuple(FaultAnswer(pointer=f.pointer, code=f.code, detail=f.detail) for f in faults)


def answer(problem: Problem, more: dict[str, str] | None = None) -> Response[bytes]:
    """A problem as an HTTP answer, with the headers that its status asks for."""
    headers = dict(more or {})
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="trailbook"'
    if problem.status == 503:
        headers["Retry-After"] = _RETRY_SECONDS
    if problem.status == 429:
        headers.setdefault("Retry-After", "60")
    if problem.code == "not-checkpointed":
        headers["Retry-After"] = "1"
    return Response(
        msgspec.json.encode(problem), status_code=problem.status, headers=headers, media_type=MEDIA_TYPE
    )


def tell_fault(problem: Problem, error: BaseException) -> None:
    """Tell the operator of what is the server's own fault; whoever sends too much would fill the server's log."""
    if problem.code == "overloaded":
        _log.info("request %s: %s", problem.request_id, problem.code)
    elif isinstance(error, StoreError):  # an outage, in which every request would have the same trace
        _log.error("request %s: %s: %s", problem.request_id, problem.code, error.detail)
    elif problem.status >= 500:
        _log.error("request %s: %s", problem.request_id, problem.code, exc_info=error)


def allowed_methods(app: Any, path: str) -> str:
    """The methods that a path answers, for `Allow`."""
    methods = []
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        try:
            app.asgi_router.handle_routing(path=path, method=method)
        except (MethodNotAllowedException, HTTPException):
            continue
        methods += [method, "HEAD"] if method == "GET" else [method]
    return ", ".join(methods)


def _detail(error: BaseException, code: str) -> str:
    # A store's own words may hold a path or a statement; a framework's, whatever it pleases.
    own = isinstance(error, TrailbookError) and not isinstance(error, StoreError) and code != "internal"
    return str(error.detail) if own else texts_of("en")(f"problems.{code}.words")  # type: ignore[attr-defined]
