"""What becomes of an answer on its way out: HEAD, 304, content codings and Accept (RFC 9110)."""

import gzip
from collections.abc import Iterator

import httpx
import pytest
import zstandard
from tests.web.conftest import Served

from trailbook.web.http.responses import acceptable, chosen

# Of each request and moment, and not of what is answered.
OWN = ("date", "x-request-id", "ratelimit")


@pytest.fixture
def reader(served: Served) -> Iterator[httpx.Client]:
    """A client that may record and read, and asks for no coding unless a test does."""
    headers = {"Authorization": f"Bearer {served.keys['both']}", "Accept-Encoding": "identity"}
    with httpx.Client(base_url=served.api + "/", headers=headers) as client:
        yield client


def raw(client: httpx.Client, path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """An answer and the bytes of its body as they were sent."""
    with client.stream("GET", path, headers=headers) as answer:
        return answer, b"".join(answer.iter_raw())


def an_entry(client: httpx.Client) -> str:
    """The path of an entry."""
    entry = client.get("entries", params={"limit": "1", "category": "roles"}).json()["entries"][0]
    return f"entries/{entry['id']}"


@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd"])
def test_head_is_get_without_its_body(reader: httpx.Client, served: Served, coding: str) -> None:
    """RFC 9110, 9.3.2: status and fields are those of GET, Content-Length too, and no byte follows."""
    paths = (an_entry(reader), "catalogue", "entries/none", "nothing", served.base_url + "/healthz")
    for path in paths:
        whole, body = raw(reader, path, **{"Accept-Encoding": coding})
        head = reader.head(path, headers={"Accept-Encoding": coding})
        assert head.content == b""
        assert body != b""
        assert head.status_code == whole.status_code
        fields = [
            {name: value for name, value in answer.headers.items() if name not in OWN}
            for answer in (head, whole)
        ]
        assert fields[0] == fields[1]


def test_head_of_a_stream_ends(reader: httpx.Client) -> None:
    """A stream and an export have fields too; HEAD does not wait for what has no end."""
    live = reader.head("live")
    assert (live.status_code, live.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    export = reader.head("entries.csv")
    assert (export.status_code, export.content) == (200, b"")
    assert reader.head("entries/batch").status_code == reader.get("entries/batch").status_code == 405


def test_unchanged(reader: httpx.Client) -> None:
    """A known entity tag gets 304 without a body; another tag, and a weak one of the same, as they must."""
    path = an_entry(reader)
    whole = reader.get(path)
    tag = whole.headers["etag"]
    for given in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        known = reader.get(path, headers={"If-None-Match": given})
        assert (known.status_code, known.content) == (304, b"")
        assert known.headers["etag"] == tag
        assert known.headers["cache-control"] == "no-store"
        assert "content-length" not in known.headers
    assert reader.head(path, headers={"If-None-Match": tag}).status_code == 304
    other = reader.get(path, headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, whole.content)
    assert reader.get("entries/none", headers={"If-None-Match": "*"}).status_code == 404


def test_codings(reader: httpx.Client) -> None:
    """Both codings give the same bytes back; a coded answer has a tag of its own, and says what it varies by."""
    plain, body = raw(reader, "catalogue")
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "Accept-Encoding"
    zipped, packed = raw(reader, "catalogue", **{"Accept-Encoding": "gzip"})
    assert (zipped.headers["content-encoding"], len(packed) < len(body)) == ("gzip", True)
    assert zipped.headers["content-length"] == str(len(packed))
    assert gzip.decompress(packed) == body
    packed = raw(reader, "catalogue", **{"Accept-Encoding": "gzip;q=0.5, zstd"})[1]
    assert zstandard.ZstdDecompressor().decompress(packed) == body


def test_a_coded_entry_is_known_by_its_own_tag(reader: httpx.Client) -> None:
    """The tag of the coded form is not that of the plain one: a strong tag is of its bytes."""
    entry = reader.get("entries", params={"outcome": "denied", "category": "roles"}).json()["entries"][-1]
    path = f"entries/{entry['id']}"
    tag = reader.get(path).headers["etag"]
    coded = reader.get(path, headers={"Accept-Encoding": "gzip"})
    assert coded.headers["content-encoding"] == "gzip"
    assert coded.headers["etag"] == tag[:-1] + '-gzip"'
    both = {"Accept-Encoding": "gzip", "If-None-Match": coded.headers["etag"]}
    assert reader.get(path, headers=both).status_code == 304
    assert reader.get(path, headers={"If-None-Match": coded.headers["etag"]}).status_code == 200


def test_what_is_saved_streamed_or_small_is_sent_as_it_is(reader: httpx.Client, served: Served) -> None:
    """Files, events and small answers are not coded; a page and a static file are (the controls)."""
    codings = {"Accept-Encoding": "gzip, zstd"}
    for path in ("entries.csv", "entries.jsonl", served.base_url + "/healthz"):
        assert "content-encoding" not in raw(reader, path, **codings)[0].headers
    with reader.stream("GET", "live", headers=codings) as live:
        assert "content-encoding" not in live.headers
        assert next(live.iter_raw()).startswith(b": open")
    for path in ("/docs", "/openapi.json"):
        assert raw(reader, served.base_url + path, **codings)[0].headers["content-encoding"] == "zstd"


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (None, ""),
        (b"", ""),
        (b"identity", ""),
        (b"gzip", "gzip"),
        (b"zstd", "zstd"),
        (b"gzip, deflate, br, zstd", "zstd"),
        (b"GZIP;q=1.0, zstd;q=0.9", "gzip"),
        (b"gzip;q=0", ""),
        (b"gzip;q=0, *", "zstd"),
        (b"*;q=0", ""),
        (b"*", "zstd"),
        (b"gzip;q=high", ""),
        (b"br", ""),
    ],
)
def test_which_coding(accepted: bytes | None, coding: str) -> None:
    """RFC 9110, 12.5.3: the greatest weight wins, none means no, and what is not understood is not taken."""
    assert chosen(accepted) == coding


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        (None, True),
        ("", True),
        ("*/*", True),
        ("application/*", True),
        ("application/json", True),
        ("APPLICATION/JSON; charset=utf-8", True),
        ("text/html, */*;q=0.1", True),
        ("text/html", False),
        ("application/json;q=0", False),
        ("application/json;q=0, */*", False),
        ("*/*;q=0, application/json", True),
    ],
)
def test_what_is_acceptable(accepted: str | None, taken: bool) -> None:
    """RFC 9110, 12.5.1: the range that names the type most exactly decides."""
    assert acceptable(accepted, "application/json; charset=utf-8") is taken


def test_a_form_that_is_not_there(reader: httpx.Client, served: Served) -> None:
    """406 names the form there is; a browser's own Accept, and a step to another page, are served."""
    refused = reader.get("entries", headers={"Accept": "text/csv"})
    assert (refused.status_code, refused.json()["code"]) == (406, "not-acceptable")
    assert refused.json()["detail"] == "this path answers with application/json"
    assert reader.get("live", headers={"Accept": "application/json"}).status_code == 406
    assert reader.get("entries.csv", headers={"Accept": "text/csv"}).status_code == 200
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}
    assert httpx.get(served.base_url + "/sign-in", headers=browser).status_code == 200
    assert httpx.get(served.base_url + "/sign-in", headers={"Accept": "text/html"}).status_code == 200


def test_traces_are_passed_on(reader: httpx.Client) -> None:
    """A traceparent comes back as it was sent; one that is none does not."""
    given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert reader.get("entries", headers={"traceparent": given}).headers["traceparent"] == given
    for wrong in (given.replace("4b", "zz"), "00-" + "0" * 32 + given[35:], "ff" + given[2:], given + "-x"):
        assert "traceparent" not in reader.get("entries", headers={"traceparent": wrong}).headers
