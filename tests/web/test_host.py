"""The page inside a host: mounted below a path, for whoever the host has signed in, and for nobody else."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from msgspec import Struct
from playwright.sync_api import Browser, expect
from tests.web.conftest import ANNA, BOB, ORG, OTHER, PLENTY, WEB, Served, enter, fill
from tests.web.hosts import HOSTS, PREFIX, served_at, signed_in_by_cookie

from trailbook import Deployment, Item, open_deployment
from trailbook.access.viewer import operator
from trailbook.administration.access import By, disable_member, put_member
from trailbook.administration.organisations import resume_organisation, suspend_organisation
from trailbook.errors import ConfigurationError, NotPermittedError, SuspendedError
from trailbook.query import Query
from trailbook.web.api import live
from trailbook.web.app import create_app
from trailbook.web.host import MountedPage
from trailbook.web.http.auth import host_viewer
from trailbook.web.http.request import HOST_USER
from trailbook.web.http.site import HostUser

AUDITOR, EMPLOYEE = "u-17", "u-50"
SIGN_IN = "/hr/sign-in"
PAGE, API = f"/orgs/{ORG}/activity", f"/api/v1/orgs/{ORG}/entries"
_ADDRESS = re.compile(r'(?:href|src|action|hx-get|hx-sse:connect|data-api)="([^"#]*)')
# Long answers of their own, which a crawl need not read.
_STREAMED = re.compile(r"/live\?|/entries\.(csv|jsonl)|/static/")
SAME = {"Sec-Fetch-Site": "same-origin"}


class Hosted(Struct, frozen=True):
    """A host that serves a log: where it is mounted."""

    deployment: Deployment
    page: MountedPage
    origin: str

    @property
    def address(self) -> str:
        return f"{self.origin}{PREFIX}"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    deployment = open_deployment(f"sqlite:///{tmp_path_factory.mktemp('hosted') / 'log.db'}", create=True)
    for org in (ORG, OTHER):
        deployment.create(org)
    fill(deployment.log(ORG))
    by = By(deployment, operator(ORG))
    put_member(by, Item(type="user", id=AUDITOR, name="Anna Berg"), ["auditor", "system-administrator"])
    put_member(by, Item(type="user", id=EMPLOYEE, name="Ola Dahl"), ["employee"])
    deployment.signer().sign(ORG)
    yield deployment
    deployment.close()


@pytest.fixture(scope="module")
def mount(deployment: Deployment) -> Iterator[Callable[..., MountedPage]]:
    """Pages over the log, each for a host of its own."""
    pages: list[MountedPage] = []

    def mounted(**more: Any) -> MountedPage:
        usual = {"base_url": "http://127.0.0.1", "viewer": signed_in_by_cookie(ORG), "limits": PLENTY}
        pages.append(MountedPage(deployment, **(usual | more)))
        return pages[-1]

    yield mounted
    for page in pages:
        page.close()


@pytest.fixture(scope="module", params=HOSTS)
def hosted(
    request: pytest.FixtureRequest, deployment: Deployment, mount: Callable[..., MountedPage]
) -> Iterator[Hosted]:
    """Each framework's own host."""
    with _hosted(mount, HOSTS[request.param]) as (page, origin):
        yield Hosted(deployment, page, origin)


@pytest.fixture(scope="module")
def host(deployment: Deployment, mount: Callable[..., MountedPage]) -> Iterator[Hosted]:
    """One host, for what no framework has a part in."""
    with _hosted(mount, HOSTS["fastapi"]) as (page, origin):
        yield Hosted(deployment, page, origin)


@contextmanager
def _hosted(
    mount: Callable[..., MountedPage], host: Callable[[MountedPage], Any]
) -> Iterator[tuple[MountedPage, str]]:
    pages: list[MountedPage] = []

    def make(origin: str) -> Any:
        pages.append(mount(base_url=f"{origin}{PREFIX}", sign_in=SIGN_IN))
        return host(pages[0])

    with served_at(make) as origin:
        yield pages[0], origin


def client_of(hosted: Hosted, who: str | None, **more: Any) -> httpx.Client:
    cookies = {} if who is None else {"hr": who}
    return httpx.Client(base_url=hosted.address, cookies=cookies, **more)


def addresses(text: str) -> set[str]:
    return {address.replace("&amp;", "&") for address in _ADDRESS.findall(text) if address}


def test_every_address_of_the_pages_lies_where_it_is_mounted_and_answers(hosted: Hosted) -> None:
    seen: set[str] = set()
    with client_of(hosted, AUDITOR, follow_redirects=True) as client:
        new = {f"{PREFIX}{PAGE}", f"{PREFIX}/docs", f"{PREFIX}/problems/not-found"}
        for _ in range(3):
            seen |= new
            texts = [_read(client, f"{hosted.origin}{address}") for address in sorted(new)]
            new = {address for text in texts for address in addresses(text)} - seen
            assert [address for address in new if not address.startswith(f"{PREFIX}/")] == []
            # A few of each kind of page are enough: the list has a link at every word.
            new = {address for address in _few(new) if not _STREAMED.search(address)}
    assert len(seen) > 40


def _few(addresses: set[str]) -> set[str]:
    kinds: dict[str, list[str]] = {}
    for address in sorted(addresses):
        kinds.setdefault(re.sub(r"\?.*|/e/.*|/items/.*", "", address), []).append(address)
    return {address for few in kinds.values() for address in few[:2]}


def _read(client: httpx.Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code in (200, 405, 422), (address, answer.status_code)  # 405: where a form leads
    assert str(answer.url).startswith(str(client.base_url)), answer.url
    return answer.text if "html" in answer.headers["content-type"] else ""


def test_a_page_that_knows_another_path_leads_nowhere(mount: Callable[..., MountedPage]) -> None:
    """The control: of a host that says another address than where it mounts, no link is right."""

    def make(origin: str) -> Any:
        return HOSTS["litestar"](_At(mount(base_url=f"{origin}/else"), PREFIX))  # type: ignore[arg-type]

    with served_at(make) as origin, httpx.Client(cookies={"hr": AUDITOR}) as client:
        text = client.get(f"{origin}{PREFIX}{PAGE}", follow_redirects=False)
        assert text.headers["location"].startswith("/else/")
        assert client.get(f"{origin}{text.headers['location']}").status_code == 404


class _At:
    """The page at another root than its own."""

    def __init__(self, page: MountedPage, root: str) -> None:
        self.page = page
        self.root = root

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.page(scope, receive, send)


def test_a_host_that_mounts_elsewhere_is_told(mount: Callable[..., MountedPage]) -> None:
    def make(origin: str) -> Any:
        return HOSTS["starlette"](_At(mount(base_url=f"{origin}{PREFIX}"), "/else"))  # type: ignore[arg-type]

    with served_at(make) as origin, httpx.Client(cookies={"hr": AUDITOR}) as client:
        assert client.get(f"{origin}/else{PAGE}").status_code == 500


@pytest.mark.parametrize("path", [f"{PREFIX}{PAGE[1:]}", f"{PREFIX}{API[1:]}", f"{PREFIX}s{PAGE}"])
def test_a_longer_word_than_the_place_is_not_the_place(hosted: Hosted, path: str) -> None:
    """Whoever guards /hr/activity/ in a proxy guards all of it; Litestar itself would mount /hr/activityorgs too."""
    with client_of(hosted, AUDITOR) as client:
        assert client.get(f"{hosted.origin}{path}").status_code == 404


@pytest.mark.parametrize(
    "base_url", ["https://hr.example/a b", "hr.example/activity", "https://hr.example/?a=b"]
)
def test_an_address_that_is_none_is_refused(mount: Callable[..., MountedPage], base_url: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url: "):
        mount(base_url=base_url)


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        (None, 401, "unauthenticated"),
        ("u-nobody", 403, "not-permitted"),
        (EMPLOYEE, 403, "not-permitted"),
        (AUDITOR, 200, None),
    ],
)
def test_who_may_see_it_is_for_the_roles_to_say(
    hosted: Hosted, who: str | None, status: int, code: str | None
) -> None:
    with client_of(hosted, who) as client:
        assert client.get(PAGE, follow_redirects=True).status_code == status
        answer = client.get(API)
        assert (answer.status_code, answer.json().get("code")) == (status, code)
        with client.stream("GET", f"/api/v1/orgs/{ORG}/live") as stream:
            assert stream.status_code == status


@pytest.mark.parametrize(
    "path", [PAGE, f"{PAGE}/trust", f"{PAGE}/e/x", f"{PAGE}/none", f"/orgs/{OTHER}/activity"]
)
def test_whoever_is_refused_is_told_nothing_of_the_log(host: Hosted, path: str) -> None:
    for who, status in ((None, 401), (EMPLOYEE, 403)):
        with client_of(host, who) as client:
            answer = client.get(path)
        assert answer.status_code == status
        assert "Manager" not in answer.text
        assert "/sign-out" not in answer.text
        assert (SIGN_IN in answer.text) == (who is None)


def test_a_refusal_is_that_of_the_page_by_itself(host: Hosted, served: Served) -> None:
    """Byte for byte, but for the request's id and the address that a problem's kind has."""
    with client_of(host, None) as inside, httpx.Client(base_url=served.base_url) as alone:
        for path in (API, f"/api/v1/orgs/{OTHER}/entries", f"/log/{ORG}/key"):
            first, second = inside.get(path), alone.get(path)
            assert _bare(first, host.address) == _bare(second, served.base_url)


def _bare(answer: httpx.Response, base_url: str) -> tuple[int, Any]:
    content = json.loads(answer.text.replace(base_url, ""))
    del content["request_id"]
    return answer.status_code, content


def test_no_account_of_ours_lets_anybody_in(host: Hosted) -> None:
    text = host.deployment.credentials.new_session(ORG, Item(type="user", id=AUDITOR), ("auditor",))
    with client_of(host, None, headers={"Cookie": f"__Host-trailbook={text}"}) as client:
        assert client.get(PAGE).status_code == 401
        assert client.post("/sign-in", data={"link": "x"}, headers=SAME).status_code == 404
        assert client.get("/set-password").status_code == 404
    with client_of(host, AUDITOR) as client:
        assert client.post("/sign-out", headers=SAME).status_code == 404
        members = f"{PAGE}/settings/members"
        assert "login" not in client.get(members).text
        sent = {"do": "invite", "type": "user", "id": EMPLOYEE, "login": "ola"}
        assert client.post(members, data=sent, headers=SAME).status_code == 404
        invitation = f"/api/v1/orgs/{ORG}/members/user/{EMPLOYEE}/invitation"
        assert client.post(invitation, json={"login": "ola"}, headers=SAME).status_code == 404


def test_an_application_without_a_host_believes_no_scope(
    served: Served, mount: Callable[..., MountedPage]
) -> None:
    """A scope that names somebody is nobody's where no host was announced; and a host's own key says nothing either."""
    app: Any = create_app(served.deployment, base_url="http://127.0.0.1", limits=PLENTY)
    anna = HostUser(ORG, Item(type="user", id=AUDITOR, name="Anna Berg"))
    with served_at(lambda _: _scoped(app, anna)) as origin:
        assert httpx.get(f"{origin}{API}").status_code == 401
    page = mount(viewer=lambda _: None)
    with served_at(lambda _: _scoped(page, anna)) as origin:
        assert httpx.get(f"{origin}{API}").status_code == 401


def _scoped(app: Any, user: HostUser) -> Any:
    async def outer(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, HOST_USER: user, "state": {}}, receive, send)

    return outer


def test_forms_are_taken_from_the_mounted_page_alone(host: Hosted) -> None:
    keys, new = f"/api/v1/orgs/{ORG}/roles", {"name": "Guest reader", "permissions": {}}
    with client_of(host, AUDITOR) as client:
        for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            assert client.post(keys, json=new, headers=headers).json()["code"] == "cross-site"
            assert client.post("/language", data={"lang": "nb"}, headers=headers).status_code == 403
        assert client.post(keys, json=new, headers={"Origin": host.origin}).status_code == 201
        chosen = client.post("/language", data={"lang": "nb", "to": f"{PREFIX}{PAGE}"}, headers=SAME)
        assert chosen.headers["location"] == f"{PREFIX}{PAGE}"


def test_what_was_given_back_acts_at_once(host: Hosted) -> None:
    by, guest = By(host.deployment, operator(ORG)), Item(type="user", id="u-60", name="Guest")
    put_member(by, guest, ["auditor"])
    with client_of(host, guest.id) as client:
        assert client.get(API).status_code == 200
        put_member(by, guest, ["employee"])
        assert client.get(API).status_code == 403
    rows = host.deployment.log(ORG).rows(Query(), viewer=operator(ORG))
    refused = next(iter(rows))
    assert (refused.actor.id, refused.outcome, refused.origin.ip) == ("u-60", "denied", "127.0.0.1")


def test_a_key_records_and_reads_where_the_page_is_mounted(host: Hosted) -> None:
    key = host.deployment.credentials.new_key(ORG, "HR", ("record", "read"))[1]
    with httpx.Client(base_url=host.address, headers={"Authorization": f"Bearer {key}"}) as client:
        entry = {
            "action": "role.assigned",
            "occurred_at": "2026-03-02T09:15:00Z",
            "actor": {"kind": "person", "type": "user", "id": "u-17", "name": "Anna Berg"},
            "target": {"type": "role", "id": "r-3", "name": "Manager"},
            "concerns": [{"part": "member", "type": "user", "id": "u-42", "name": "Bob Li"}],
            "origin": {"interface": "api"},
        }
        made = client.post(API, json=entry)
        assert made.status_code == 201
        assert made.headers["location"].startswith(f"{host.address}/")
        assert client.get(made.headers["location"]).status_code == 200


@pytest.mark.parametrize("answer", ["u-17", {"id": "u-17"}, ValueError("the session cannot be read")])
def test_a_host_that_cannot_say_who_asks_shows_nothing(
    mount: Callable[..., MountedPage], answer: Any
) -> None:
    def viewer(_: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with served_at(lambda _: mount(viewer=viewer)) as origin:
        refused = httpx.get(f"{origin}{PAGE}")
    assert refused.status_code == 500
    assert "Anna" not in refused.text


def test_a_host_may_take_its_time_to_say_who_asks(mount: Callable[..., MountedPage]) -> None:
    async def viewer(_: Any) -> HostUser:
        return HostUser(ORG, Item(type="user", id=AUDITOR, name="Anna Berg"))

    with served_at(lambda _: mount(viewer=viewer)) as origin:
        assert httpx.get(f"{origin}{API}").status_code == 200


@pytest.mark.parametrize("org", ["none", "../main", ""])
def test_an_organisation_without_a_log_lets_nobody_in(mount: Callable[..., MountedPage], org: str) -> None:
    """And sends nobody to sign in who is signed in: that leads back to where they are."""
    anna = Item(type="user", id=AUDITOR, name="Anna Berg")
    with served_at(lambda _: mount(viewer=lambda _: HostUser(org, anna))) as origin:
        assert [httpx.get(f"{origin}{path}").status_code for path in ("/", PAGE, API)] == [403, 403, 403]


def test_a_member_whom_the_log_lets_in_no_more_gets_nothing(deployment: Deployment, host: Hosted) -> None:
    """Whom the host goes on to sign in: disabled, of a suspended organisation, or never a member; let in before."""
    by, eve = By(deployment, operator(ORG)), HostUser(ORG, Item(type="user", id="u-88", name="Eve Lund"))
    put_member(by, eve.item, ["auditor"])

    def answers(who: str) -> list[int]:
        with client_of(host, who, follow_redirects=True) as client:
            return [client.get(path).status_code for path in (PAGE, API)]

    assert answers("u-88") == [200, 200]
    assert host_viewer(deployment, eve).activity_log == "full"
    disable_member(by, "user", "u-88", disabled=True)
    assert answers("u-88") == answers("u-none") == [403, 403]
    with pytest.raises(NotPermittedError):
        host_viewer(deployment, eve)
    disable_member(by, "user", "u-88", disabled=False)
    assert answers("u-88") == [200, 200]
    suspend_organisation(deployment, ORG)
    try:
        assert 200 not in answers("u-88")
        with pytest.raises(SuspendedError):
            host_viewer(deployment, eve)
    finally:
        resume_organisation(deployment, ORG)
    assert answers("u-88") == [200, 200]


def test_a_stream_brings_what_comes_and_has_the_host_asked_anew(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends without saying that it is over: whoever reads comes again, and is asked for again."""
    monkeypatch.setattr(live, "HOSTED", 1.0)
    with (
        client_of(hosted, AUDITOR, timeout=20) as client,
        client.stream("GET", f"/api/v1/orgs/{ORG}/live") as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines) == ": open"
        role = Item(type="role", id="r-live", name="Live")
        hosted.deployment.log(ORG).record(
            "role.assigned", actor=ANNA, target=role, concerns={"member": BOB}, origin=WEB
        )
        rest = list(lines)
    assert any('"r-live"' in line for line in rest)
    assert "event: end" not in rest
    with client_of(hosted, None) as client:  # signed out meanwhile
        assert client.get(f"/api/v1/orgs/{ORG}/live").status_code == 401


def test_the_page_by_itself_says_that_a_stream_is_over(
    served: Served, signed_in: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without a host a stream lasts as long as the session does."""
    monkeypatch.setattr(live, "HOSTED", 0.0)
    with signed_in.stream("GET", f"/api/v1/orgs/{ORG}/live", timeout=20) as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": open"
        served.deployment.credentials.end_sessions(ORG, Item(type="user", id="u-17", name="Anna Berg"))
        assert "event: end" in list(lines)
    enter(signed_in, served.link())


def test_in_a_browser_it_reads_filters_opens_and_goes_on_live(host: Hosted, browser: Browser) -> None:
    messages: list[str] = []
    context = browser.new_context(base_url=host.origin)
    context.set_default_timeout(90_000)
    context.add_cookies([{"name": "hr", "value": AUDITOR, "url": host.origin}])
    page = context.new_page()
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto(f"{PREFIX}/")
    expect(page.locator(".me .who")).to_contain_text("Anna Berg")
    page.locator("#entries a.when, a.when").first.click()
    expect(page.locator("#panel")).to_be_visible()
    assert page.url.startswith(f"{host.address}/")
    page.get_by_role("button", name="Norsk").click()
    expect(page.locator("html")).to_have_attribute("lang", "nb")
    page.goto(f"{PREFIX}{PAGE}")
    role = Item(type="role", id="r-new", name="Ny rolle")
    host.deployment.log(ORG).record(
        "role.assigned", actor=ANNA, target=role, concerns={"member": BOB}, origin=WEB
    )
    expect(page.locator("#arrived")).to_be_visible(timeout=20_000)
    assert messages == []
