"""The edge: what no address and no head may be, the headers of every answer, and the last words of a connection."""

import json
import re
from typing import Any

import httpx
import pytest
from tests.web.conftest import Served

from trailbook.web.http.edge import (
    MAX_HEAD,
    MAX_URL,
    HeadersTooLargeError,
    KeyInUrlError,
    UrlTooLongError,
    hanging_up,
    refuse_head,
)

BASE = "https://log.example"


def scope(path: str = "/", query: bytes = b"", headers: list[tuple[bytes, bytes]] | None = None) -> Any:
    """The head of a request, as the gateway hands it on."""
    return {"path": path, "query_string": query, "headers": headers or []}


@pytest.mark.parametrize(
    ("head", "error"),
    [
        (scope(query=b"a" * (MAX_URL - 1)), UrlTooLongError),
        (scope(headers=[(b"x", b"a" * MAX_HEAD)]), HeadersTooLargeError),
        (scope(query=b"text=tb_abcdefghijklm_"), KeyInUrlError),
        (scope(query=b"text=tb%5Fabcdefghijklm%5F"), KeyInUrlError),
        (scope(query=b"Api_Key="), KeyInUrlError),
        (scope(path="/tb_abcdefghijklm_"), KeyInUrlError),
    ],
)
def test_a_head_that_is_refused(head: Any, error: type[Exception]) -> None:
    """One byte too many, and whatever is or may be a key, also where it is escaped."""
    with pytest.raises(error):
        refuse_head(head)


@pytest.mark.parametrize(
    "head",
    [
        scope(query=b"a" * (MAX_URL - 2)),
        scope(headers=[(b"x", b"a" * (MAX_HEAD - 1))]),
        scope(query=b"text=tb_short_&keys=1"),
    ],
)
def test_a_head_that_fits(head: Any) -> None:
    """The controls: as many bytes as there may be, and what only looks a little like a key."""
    refuse_head(head)


def test_hanging_up_is_a_whole_answer() -> None:
    """What never became a request is refused in the form of every other refusal, and the connection ends."""
    head, _, body = hanging_up(HeadersTooLargeError("too much"), BASE).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines)
    problem = json.loads(body)
    assert status == "HTTP/1.1 431 Request Header Fields Too Large"
    assert fields["connection"] == "close"
    assert fields["content-type"] == "application/problem+json"
    assert fields["content-length"] == str(len(body))
    assert fields["x-content-type-options"] == "nosniff"
    assert problem["type"] == f"{BASE}/problems/headers-too-large"
    assert problem["request_id"] == fields["x-request-id"]


def bearer(key: str) -> dict[str, str]:
    """The header that carries a key."""
    return {"Authorization": f"Bearer {key}"}


def test_a_key_in_an_address_is_refused(anonymous: httpx.Client, served: Served) -> None:
    """By its name or by its looks, anywhere in the address, and never repeated in the answer."""
    key = served.keys["both"]
    for path in (
        f"entries?text={key}",
        f"entries/{key}",
        "entries?api_key=x",
        "entries?Token=x",
        "entries?key",
    ):
        answer = anonymous.get(path, headers=bearer(key))
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
        assert key not in answer.text
    assert anonymous.get("entries?text=tb_short", headers=bearer(key)).status_code == 200


def test_long_addresses(client: httpx.Client) -> None:
    """8 KiB of address are read, more is 414."""
    most = "entries?text=" + "a" * 40
    room = 8192 - len(httpx.URL(client.base_url.join(most)).raw_path) - len("&category=roles")
    fits = client.get(most + "&category=roles" + "&outcome=success" * (room // 16 - 1))
    assert fits.status_code == 422  # more than 100 values: read, and refused for that
    assert client.get("entries?text=" + "a" * 8192).status_code == 414


def test_every_answer_has_its_headers(client: httpx.Client, served: Served) -> None:
    """Request id, nosniff, no referrer, no-store; an id that was sent comes back if it is sane."""
    for url in ("entries", "entries?x=1", f"{served.base_url}/nothing", f"{served.base_url}/healthz"):
        answer = client.get(url, headers={"X-Request-ID": "abc-123.DEF"})
        assert answer.headers["x-request-id"] == "abc-123.DEF"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
    assert (
        client.get("entries?x=1", headers={"X-Request-ID": "abc-123.DEF"}).json()["request_id"]
        == "abc-123.DEF"
    )
    strange = client.get("entries", headers={"X-Request-ID": "a b<c>"}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", strange)
