"""Attacks as they are made, in a real Chromium: another site, another's session, a page that should be gone.

Each has its control: the same means do what they should where they are not an attack.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from msgspec import Struct
from playwright.sync_api import Page, TimeoutError as TooLateError
from tests.web.conftest import ANNA, ORG, WEB, Served

from trailbook import Item, open_deployment
from trailbook.access.roles import ADMINISTRATOR
from trailbook.access.viewer import operator
from trailbook.administration.access import By, access_of, put_member
from trailbook.errors import UnauthenticatedError

COOKIE = "__Host-trailbook"
PERSON = Item(type="user", id="u-17", name="Anna Berg")
ROW = "li.row"


class Evil(Struct, frozen=True):
    """A site of somebody else: its address, and the pages that it shows."""

    url: str
    pages: dict[str, str]


@pytest.fixture
def evil() -> Iterator[Evil]:
    """It listens on `localhost`, which is another site than `127.0.0.1`."""
    pages: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(pages.get(self.path, "<p>nothing</p>").encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Evil(f"http://localhost:{server.server_port}", pages)
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def company(serve: Callable[..., Served]) -> Served:
    """A server of its own, where Anna administers."""
    served = serve()
    put_member(By(served.deployment, operator(ORG)), PERSON, [ADMINISTRATOR, "hr"])
    return served


def roles(served: Served) -> set[str]:
    return {role.name for role in access_of(By(served.deployment, operator(ORG))).roles.values()}


def session(page: Page) -> str:
    return next((c["value"] for c in page.context.cookies() if c["name"] == COOKIE), "")


def test_a_session_that_somebody_planted(company: Served, visit: Callable[..., Page]) -> None:
    """Fixation: whoever signs in gets a session of their own, and the one they were given before is dead."""
    credentials = company.deployment.credentials
    mallory = credentials.new_link(ORG, Item(type="user", id="u-66", name="Mallory"), "full")
    page = visit(level=None, at=company)
    page.goto(f"{company.base_url}/sign-in?link={mallory}")
    page.click("main button")
    page.wait_for_url("**/activity**")
    planted = session(page)
    assert credentials.viewer(planted).item.id == "u-66"  # the control: what was planted is a session
    page.evaluate(f"document.cookie = '{COOKIE}=other; Path=/; Secure'")
    assert session(page) == planted  # no script reaches it
    page.goto(company.link(None))
    page.click("main button")
    page.wait_for_url("**/activity**")
    assert credentials.viewer(session(page)).item == PERSON
    with pytest.raises(UnauthenticatedError):
        credentials.viewer(planted)


def test_a_form_of_another_site(company: Served, visit: Callable[..., Page], evil: Evil) -> None:
    """CSRF: a form and a script elsewhere, sent with whatever the browser sends, change nothing."""
    page = visit(level=None, at=company)
    page.goto(company.link(None))
    page.click("main button")
    page.wait_for_url("**/activity**")
    settings = f"{company.page}/settings/roles"
    fields = '<input name="do" value="add"><input name="name" value="Mallory"><input name="permission" value="full">'
    evil.pages["/form"] = f'<form method="post" action="{settings}">{fields}<button>x</button></form>'
    evil.pages["/out"] = f'<form method="post" action="{company.base_url}/sign-out"><button>x</button></form>'
    evil.pages["/script"] = f"""<script>
      const sent = fetch("{company.api}/roles", {{method: "POST", mode: "no-cors", credentials: "include",
        headers: {{"Content-Type": "text/plain"}}, body: '{{"name": "Mallory", "permissions": {{}}}}'}});
      sent.catch(() => 0).then(() => document.title = "sent");
    </script>"""
    before = roles(company)
    for path in ("/form", "/out"):
        page.goto(evil.url + path)
        with page.expect_navigation():
            page.click("button")
        assert page.locator(ROW).count() == 0
    page.goto(f"{evil.url}/script")
    page.wait_for_function("document.title === 'sent'")
    assert roles(company) == before
    page.goto(settings)
    page.fill("section.take input[name=name]", "Archivist")
    with page.expect_navigation():
        page.click("section.take button.first")
    assert roles(company) == before | {"Archivist"}  # the control: the form of our own page


def test_a_frame_of_another_site(company: Served, visit: Callable[..., Page], evil: Evil) -> None:
    """Clickjacking: the page stands in nobody's frame."""
    page = visit(at=company)
    evil.pages["/inner"] = "<p>shown</p>"
    evil.pages["/frames"] = f'<iframe src="{company.page}"></iframe><iframe src="{evil.url}/inner"></iframe>'
    page.goto(f"{evil.url}/frames")
    ours, control = (frame for frame in page.frames if frame.parent_frame is not None)
    assert control.locator("p").inner_text() == "shown"
    assert ours.locator(ROW).count() == 0
    assert "Anna" not in ours.content()


def signed_out(page: Page) -> None:
    """Press the button until it leads away: a browser on a busy machine drops a form while it is still going back."""
    for _ in range(10):
        with suppress(TooLateError):
            page.click("header form[action='/sign-out'] button")
            page.wait_for_url("**/sign-in", timeout=10_000)
            return
    raise AssertionError(f"signing out did not lead away from {page.url}")


def test_a_page_that_was_left(company: Served, visit: Callable[..., Page]) -> None:
    """After signing out, Back shows nothing of the log."""
    page = visit(at=company)
    page.goto(company.page)
    page.goto(f"{company.page}/about")
    page.go_back()
    assert page.locator(ROW).count() > 0  # the control: before, it shows the rows
    signed_out(page)
    page.go_back()
    page.wait_for_load_state()
    assert page.locator(ROW).count() == 0
    assert "Bob Li" not in page.content()


LINK = """
[types.role]
link = "{link}"
"""
HOSTILE_IDS = (
    "javascript:alert(1)",
    "//evil.example/x",
    "..",
    "https://evil.example",
    "\\\\evil.example",
    "a?b#c",
)


def test_ids_that_want_to_lead_elsewhere(company: Served, visit: Callable[..., Page]) -> None:
    """Whatever stands in an id or a name, every link of the page stays on this site or the host's own."""
    for at, id_ in enumerate(HOSTILE_IDS):
        role = Item(type="role", id=id_, name=f'"><a href="javascript:alert({at})">{id_}</a>')
        company.log.record("role.created", actor=ANNA, target=role, outcome="failure", origin=WEB)
    page = visit(at=company)
    page.goto(f"{company.page}?outcome=failure")
    assert page.locator(ROW).count() == len(HOSTILE_IDS)
    led = page.eval_on_selector_all("a", "all => all.map(link => link.protocol + '//' + link.host)")
    assert set(led) == {company.base_url}
    links = page.locator(f"{ROW} .what a")
    for at in range(links.count()):
        links.nth(at).click()
        page.wait_for_load_state()
        assert page.url.startswith(company.page)
        page.goto(f"{company.page}?outcome=failure")


@pytest.mark.parametrize(
    "path", ["//evil.example/orgs/x/activity", "/orgs//evil.example/activity", "/\\evil.example"]
)
def test_addresses_that_want_to_lead_elsewhere(
    company: Served, visit: Callable[..., Page], path: str
) -> None:
    """A path that looks like another host's is answered here, and sends nobody on."""
    page = visit(at=company)
    page.goto(company.base_url + path + "?category=")
    assert page.url.startswith(f"{company.base_url}/")
    page.goto(f"{company.page}?category=&date=")
    assert page.url.startswith(
        company.page
    )  # the control: an address that is tidied is sent on, to this site


@pytest.mark.parametrize("link", ["javascript:alert('{id}')", "//evil.example/{id}", "data:text/html,{id}"])
def test_a_catalogue_whose_links_lead_elsewhere(tmp_path: Path, link: str) -> None:
    """A host's own link is http(s) to a host that is named, or stays on this site; the control is such a one."""
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "own.toml").write_text(LINK.format(link="https://hr.example/roles/{id}"))
    deployment = open_deployment("memory:", folders=[folder])
    assert deployment.catalogue.link("role", "//x") == "https://hr.example/roles/%2F%2Fx"
    (folder / "own.toml").write_text(LINK.format(link=link))
    assert open_deployment("memory:", folders=[folder]).catalogue.link("role", "1") is None
