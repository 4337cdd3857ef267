"""A request as plain data: what of it is read, what is refused, and who was let in."""

from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from msgspec import structs

from trailbook import open_deployment
from trailbook.access import Viewer
from trailbook.errors import NotFoundError
from trailbook.model import Item
from trailbook.web.http.forwarded import Proxies
from trailbook.web.http.request import Admission, ParameterInvalidError, Request, request_in
from trailbook.web.http.site import Site
from trailbook.web.http.strict_json import MalformedError

# All that these requests ask of their site is which proxies it trusts, and where it lies.
_PLACE = {"origin": "https://log.example", "root": "", "hosted": False}
SITE = cast(Site, SimpleNamespace(proxies=Proxies(["10.0.0.0/8"]), languages=("en", "nb"), **_PLACE))
PERSON = Item(type="user", id="u-1", name="Anna Berg")


def asked(query: bytes = b"", path: str = "/api/v1/orgs/nordlys/entries", **changed: Any) -> Request:
    """A request of the gateway, read."""
    scope = {
        "method": "GET",
        "path": path,
        "query_string": query,
        "headers": [(b"User-Agent", b"curl/8"), (b"Accept-Language", b"nb")],
        "client": ("192.0.2.7", 4711),
        "state": {"request_id": "r-1"},
        **changed,
    }
    return request_in(SITE, scope, {"org": "nordlys"})


def test_what_is_read() -> None:
    """Parameters in their order and as often as they stand there, header fields by their small names."""
    request = asked(b"category=roles&category=users&text=a%20b&empty=")
    assert request.pairs == (("category", "roles"), ("category", "users"), ("text", "a b"), ("empty", ""))
    assert request.headers["user-agent"] == "curl/8"
    assert (request.org, request.lang, request.address) == ("nordlys", "nb", "192.0.2.7")
    assert asked(client=None).address is None


@pytest.mark.parametrize("query", [b"text=%ff", b"text=\xc3\xa5"])
def test_an_address_that_is_not_utf_8(query: bytes) -> None:
    """Refused whole, and not repaired; the control is the same letter as it should be written."""
    with pytest.raises(MalformedError):
        asked(query)
    assert asked(b"text=%C3%A5").pairs == (("text", "å"),)


def test_parameters_once_and_by_their_names() -> None:
    """A path's own parameters: another name and a second value are refused, each by its pointer."""
    assert asked(b"q=anna&limit=5").only("q", "limit", "role") == {"q": "anna", "limit": "5"}
    with pytest.raises(ParameterInvalidError) as refused:
        asked(b"q=a&q=b&colour=red").only("q")
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [
        ("/q", "parameter-invalid"),
        ("/colour", "parameter-unknown"),
    ]


def test_where_it_came_from() -> None:
    """The origin of an entry: the interface by the path, and nothing that an origin may not have."""
    origin = asked().origin
    assert (origin.interface, origin.ip, origin.user_agent) == ("api", "192.0.2.7", "curl/8")
    assert asked(path="/orgs/nordlys/activity").origin.interface == "web"
    strange = asked(client=("testclient", 1), headers=[(b"user-agent", b"a\x00b")]).origin
    assert (strange.ip, strange.user_agent) == (None, None)


def test_an_id_that_is_none_is_not_there() -> None:
    """It answers as an entry that is not there, and not as a fault of the request."""
    text = "0190c5ae-0000-7000-8000-000000000001"
    assert structs.replace(asked(), params={"id": text}).entry_id == UUID(text)
    with pytest.raises(NotFoundError):
        _ = structs.replace(asked(), params={"id": "none"}).entry_id


def test_who_was_let_in() -> None:
    """A route that lets nobody in has no viewer; one that does has those of the admission."""
    with pytest.raises(AssertionError):
        _ = asked().viewer
    viewer = Viewer(org="nordlys", item=PERSON, activity_log="full")
    source = Item(type="source", id="k-1", name="HR")
    log = open_deployment("memory:").create("nordlys")
    admitted = structs.replace(asked(), admitted=Admission(viewer, source, log))
    assert (admitted.viewer, admitted.source, admitted.log) == (viewer, source, log)
