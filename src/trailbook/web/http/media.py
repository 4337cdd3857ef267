"""Media types: which one a body was sent as; and the fields of an answer that come of what it holds.

Owns the two that Trailbook takes and writes. Refuses a body of any other.
"""

import hashlib
from urllib.parse import urlencode

from trailbook.query import Paging
from trailbook.web.http.problems import MediaTypeError
from trailbook.web.http.request import Request

JSON, NDJSON = "application/json", "application/x-ndjson"


def etag(body: bytes) -> str:
    """A strong entity tag of an answer's bytes."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def next_link(request: Request, filtered: list[tuple[str, str]], *, paging: Paging, cursor: str) -> str:
    """The Link field that leads to the next page of a filter (RFC 8288)."""
    default = Paging()
    turned = (("order", paging.order, default.order), ("limit", paging.limit, default.limit))
    more = [(name, str(value)) for name, value, usual in turned if value != usual]
    query = urlencode([*filtered, ("cursor", cursor), *more])
    return f'<{request.url}?{query}>; rel="next"'


def sent_as(request: Request, *taken: str) -> str:
    """The media type of the request's body, which must be one of those taken. Raises: MediaTypeError."""
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if kind.strip().lower() not in taken or charset not in ("", "charset=utf-8"):
        raise MediaTypeError(f"send {' or '.join(taken)} in UTF-8")
    return kind.strip().lower()
