"""What streams stops with the permission, never ends as if it were whole, and has room for so many at a time."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from msgspec import Struct, structs
from tests.web.conftest import ORG, PLENTY, Served, enter, wire
from tests.web.hosts import served_at

from trailbook import Item
from trailbook.access.roles import ADMINISTRATOR
from trailbook.access.viewer import operator
from trailbook.administration.access import By, put_member
from trailbook.errors import OverloadedError
from trailbook.export.orders import LIMITS
from trailbook.query import from_params
from trailbook.web.host import MountedPage
from trailbook.web.http import outflow
from trailbook.web.http.site import HostUser
from trailbook.web.http.transfers import Transfers

MANY = 30_000  # entries: more bytes than the buffers between a server and its reader
PATHS = ("entries.csv", "entries.jsonl", "file", "live?after=-1")


class Asker(Struct, frozen=True):
    """Somebody who may have what streams: how they say who they are, and how they lose that."""

    headers: dict[str, str]
    lose: Callable[[], object]


@pytest.fixture(scope="module")
def company(serve: Callable[..., Served]) -> Served:
    """A server of its own with a long log, where Anna administers and reads."""
    served = serve()
    headers = {"Authorization": f"Bearer {served.keys['record']}", "Content-Type": "application/json"}
    batch = json.dumps([wire() for _ in range(10_000)])
    for _ in range(MANY // 10_000):
        answer = httpx.post(f"{served.api}/entries/batch", content=batch, headers=headers, timeout=60)
        assert answer.status_code == 200
    served.deployment.signer().sign(ORG)
    return served


def key(served: Served) -> Asker:
    """A key, which is revoked."""
    credentials = served.deployment.credentials
    issued, text = credentials.new_key(ORG, "Exports", ("read", "export"))
    return Asker({"Authorization": f"Bearer {text}"}, lambda: credentials.revoke_key(issued.id))


def session(served: Served) -> Asker:
    """Somebody signed in, who signs out."""
    with httpx.Client(base_url=served.base_url) as client:
        enter(client, served.link((ADMINISTRATOR, "hr")))
        headers = {"Cookie": client.headers["Cookie"]}
    own = headers | {"Sec-Fetch-Site": "same-origin"}
    return Asker(headers, lambda: httpx.post(f"{served.base_url}/sign-out", headers=own))


def role(served: Served) -> Asker:
    """Somebody signed in, whose role is taken away."""
    person = Item(type="user", id="u-17", name="Anna Berg")
    by = By(served.deployment, operator(ORG))
    put_member(by, Item(type="user", id="u-9", name="Kari Lie"), [ADMINISTRATOR])
    put_member(by, person, [ADMINISTRATOR, "hr"])
    with httpx.Client(base_url=served.base_url) as client:
        enter(client, served.link(None))
        headers = {"Cookie": client.headers["Cookie"]}
    return Asker(headers, lambda: put_member(by, person, ["employee"]))


def path_of(served: Served, name: str, headers: dict[str, str]) -> str:
    """A path that streams; the file of an export is ordered first."""
    if name != "file":
        return name
    with httpx.Client(base_url=f"{served.api}/", headers=headers, timeout=60) as client:
        more = {"Sec-Fetch-Site": "same-origin"}
        job = client.post("exports", json={"format": "jsonl", "manifest": False}, headers=more).json()["id"]
        assert eventually(lambda: bool(client.get(f"exports/{job}").json()["state"] == "ready"))
    return f"exports/{job}/file"


@contextmanager
def reading(served: Served, path: str, headers: dict[str, str]) -> Iterator[socket.socket]:
    """A connection whose reader has taken the first bytes of an answer, and takes no more by itself."""
    parts = urlsplit(served.base_url)
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(30)
        line.connect((str(parts.hostname), parts.port or 80))
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        line.sendall(f"GET /api/v1/orgs/{ORG}/{path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n".encode())
        assert line.recv(2048).startswith(b"HTTP/1.1 200")
        yield line


def rest(line: socket.socket) -> bytes:
    """What else arrives until the connection ends or breaks."""
    pieces = []
    try:
        while piece := line.recv(65536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def under_way(served: Served) -> int:
    """How many transfers there are; streams count by themselves."""
    outflows, streams = served.app.state.outflows, served.app.state.streams
    return sum(kind.beside(operator(ORG)).org for kind in (outflows.made, outflows.kept)) + streams.count()


def eventually(what: Callable[[], bool]) -> bool:
    """Whether something becomes so before long."""
    ends = time.monotonic() + 60
    while not what() and time.monotonic() < ends:
        time.sleep(0.02)
    return what()


@pytest.mark.parametrize("asked", PATHS)
@pytest.mark.parametrize("asker", [key, session, role], ids=lambda asker: asker.__name__)
def test_what_streams_stops_with_the_permission(
    company: Served, asked: str, asker: Callable[[Served], Asker]
) -> None:
    """Its reader takes nothing, and yet it ends when the key, the session or the role goes: in pieces, visibly."""
    who = asker(company)
    who.headers["Connection"] = "close"
    path = path_of(company, asked, who.headers)
    with reading(company, path, who.headers) as line:
        assert under_way(company) == 1
        if asked.startswith("live"):
            time.sleep(3)  # what it has to say comes in small pieces, of which many are on their way
        who.lose()
        began = time.monotonic()
        assert eventually(lambda: under_way(company) == 0)
        print(f"{path} stopped {time.monotonic() - began:.2f} s after its {asker.__name__} was gone")
        arrived = rest(line)
    if asked.startswith("live"):  # as documented, where its reader still took something
        arrived = arrived.removesuffix(b"15\r\nevent: end\ndata: {}\n\n\r\n0\r\n\r\n")
    assert not arrived.endswith(b"0\r\n\r\n")
    assert len(arrived) < 5_000_000


@pytest.mark.parametrize("awaited", [False, True])
def test_what_streams_in_a_host_stops_once_the_host_has_signed_them_out(
    company: Served, awaited: bool
) -> None:
    """The host is asked while it goes on, by whichever kind of callable it gave; until then it goes on."""
    person = Item(type="user", id="u-70", name="Eve Lund")
    put_member(By(company.deployment, operator(ORG)), person, [ADMINISTRATOR, "hr"])
    signed_in, asked = {"eve"}, []

    def viewer(scope: Any) -> HostUser | None:
        asked.append(scope["path"])
        return HostUser(ORG, person) if signed_in else None

    async def later(scope: Any) -> HostUser | None:
        return viewer(scope)

    page = MountedPage(
        company.deployment, base_url="http://127.0.0.1", viewer=later if awaited else viewer, limits=PLENTY
    )
    with served_at(lambda _: page) as origin:
        hosted = structs.replace(company, base_url=origin, app=page._app)
        with reading(hosted, "entries.jsonl", {"Connection": "close"}) as line:
            assert eventually(lambda: len(asked) > 2)
            assert under_way(hosted) == 1
            signed_in.clear()
            assert eventually(lambda: under_way(hosted) == 0)
            arrived = rest(line)
    page.close()
    assert not arrived.endswith(b"0\r\n\r\n")
    assert len(arrived) < 5_000_000


@pytest.mark.parametrize("asked", ["entries.csv", "entries.jsonl", "file"])
def test_what_streams_ends_well(company: Served, asked: str) -> None:
    """The control: to whoever may have it, however slowly they begin, it comes whole and ends as HTTP/1.1 has it."""
    who = key(company)
    path = path_of(company, asked, who.headers)
    with reading(company, path, who.headers) as line:
        time.sleep(2 * outflow.LOOK)
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        arrived = rest(line)
    assert arrived.count(b"\n") > MANY
    assert arrived.endswith(b'{"ok":true,"failing":[],"warning":[]}')
    assert under_way(company) == 0


def test_who_takes_nothing_is_hung_up_on(company: Served, monkeypatch: Any) -> None:
    """A reader who goes to sleep gives their room back; the one beside them who reads goes on."""
    monkeypatch.setattr(outflow, "STALL", 1.0)
    asleep, awake = key(company), key(company)
    with reading(company, "entries.csv", asleep.headers) as line:
        answer = httpx.get(f"{company.api}/entries.csv", headers=awake.headers, timeout=60)
        assert answer.text.count("\n") > MANY
        assert eventually(lambda: under_way(company) == 0)
        assert len(rest(line)) < 5_000_000


def exports_recorded(served: Served) -> int:
    query = from_params([("action", "activity_log.exported")])
    return served.log.count(query, viewer=operator(ORG))[0]


def test_transfers_are_exports_under_way(company: Served) -> None:
    """Two a viewer and eight an organisation: the next is 429 and no entry, an order too; then there is room again."""
    askers = [key(company) for _ in range(LIMITS.org // LIMITS.viewer + 1)]
    csv, last = f"{company.api}/entries.csv", askers[-1]
    with ExitStack() as stack:
        for at in range(LIMITS.org):
            headers = askers[at // LIMITS.viewer].headers
            stack.enter_context(reading(company, "entries.csv", headers))
            if at == LIMITS.viewer - 1:
                refusals = [
                    httpx.get(csv, headers=headers),
                    httpx.get(csv.replace("csv", "jsonl"), headers=headers),
                    httpx.post(f"{company.api}/exports", json={"format": "csv"}, headers=headers),
                ]
                assert {(r.status_code, r.json()["code"]) for r in refusals} == {(429, "too-many-exports")}
        before = exports_recorded(company)
        refused = httpx.get(csv, headers=last.headers)
        assert (refused.status_code, refused.headers["retry-after"].isdecimal()) == (429, True)
        assert exports_recorded(company) == before
        assert httpx.get(f"{company.api}/entries", headers=last.headers).status_code == 200
    assert eventually(lambda: under_way(company) == 0)
    assert httpx.get(csv, headers=last.headers, timeout=60).status_code == 200
    assert exports_recorded(company) == before + 1


def test_transfers_in_all() -> None:
    """There is room for so many of all organisations; when one ends there is room again."""
    transfers = Transfers(2)
    with transfers.opened(operator("a")), transfers.opened(operator("b")) as beside:
        assert (beside.own, beside.org) == (0, 0)
        with pytest.raises(OverloadedError), transfers.opened(operator("c")):
            pass
        assert (transfers.beside(operator("a")).own, transfers.beside(operator("c")).org) == (1, 0)
    with transfers.opened(operator("c")) as beside:
        assert (beside.own, beside.org) == (0, 0)
