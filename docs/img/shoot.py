"""Takes the pictures of the documents anew: `make shots` runs this against a freshly built demo company.

Owns which states are shown. Needs Debian's Chromium; writes PNG files beside itself, or into the folder that is
named.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

WIDE, PHONE = {"width": 1280, "height": 860}, {"width": 360, "height": 780}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
PLACE = {"timezone_id": "Europe/Oslo", "locale": "en-GB"}
BERG = "u-1013"


def main(into: Path) -> None:
    """Build, serve, look."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        with _running("demo", "--dir", f"{folder}/nordlys") as told:
            shots = _Shots(browser, into, _signed_in(browser, told["hr"]))
            _log(shots, f"{told['address']}/orgs/nordlys/activity")
            _hr(shots, told["hr_system"])
            administrator = _signed_in(browser, told["administrator"])
            for place in ("roles", "members"):
                path = f"{told['address']}/orgs/nordlys/activity/settings/{place}"
                shots.take(f"settings-{place}", path, state=administrator)
            refused = _signed_in(browser, told["employee"])
            shots.take("refusal", f"{told['address']}/orgs/nordlys/activity", state=refused)
        store = ("--store", f"sqlite:///{folder}/first.db", "--org", "acme")
        subprocess.run([sys.executable, "-m", "trailbook", *store, "init"], check=True, capture_output=True)
        with _running(*store, "serve", "--sign-in") as told:
            state = _signed_in(browser, told["sign_in"])
            shots.take("first-use", f"{told['address']}/orgs/acme/activity", state=state)
        browser.close()


@contextmanager
def _running(*arguments: str) -> Iterator[dict[str, str]]:
    """A command that serves until it is ended, and what it told as JSON."""
    command = [sys.executable, "-m", "trailbook", *arguments, "--listen", "127.0.0.1:0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        assert running.stdout is not None
        try:
            yield json.loads(running.stdout.readline())
        finally:
            running.terminate()


def _signed_in(browser: Browser, link: str) -> Any:
    """What a browser keeps of somebody who used their link."""
    context = browser.new_context(**PLACE)
    page = context.new_page()
    page.goto(link)
    page.click("main button")
    page.wait_for_load_state()
    kept = context.storage_state()
    context.close()
    return kept


class _Shots:
    """A browser, a folder, and who is signed in."""

    def __init__(self, browser: Browser, into: Path, state: Any) -> None:
        self._browser = browser
        self._into = into
        self._state = state

    @contextmanager
    def page(self, name: str, url: str, **look: Any) -> Iterator[Page]:
        """A page to bring into a state; its picture is taken at the end."""
        state = look.pop("state", self._state)
        context = self._browser.new_context(**{"viewport": WIDE, **PLACE, "storage_state": state, **look})
        page = context.new_page()
        page.goto(url)
        yield page
        page.wait_for_timeout(400)  # what slides in has arrived
        page.screenshot(path=self._into / f"{name}.png")
        context.close()

    def take(self, name: str, url: str, **look: Any) -> None:
        """The picture of a page as it opens."""
        with self.page(name, url, **look):
            pass


def _log(shots: _Shots, log: str) -> None:
    """The activity log, in the states that people meet."""
    month = f"{log}?date=last-month&category.not=activity_log"
    shots.take("page-light", month)
    shots.take("page-dark", month, color_scheme="dark")
    shots.take("page-phone", month, viewport=PHONE)
    shots.take("norwegian", month, locale="nb-NO")
    shots.take("question", f"{log}?category=permissions&category=roles&date=past-6-months&view=review")
    shots.take("question-name", f"{log}?category=permissions&category=roles&view=permissions-of")
    shots.take("nothing", f"{log}?category=salary&date=today&concerns=user/{BERG}")
    shots.take("about", f"{log}/about")
    shots.take("overview", f"{log}/overview")
    shots.take("overview-dark", f"{log}/overview", color_scheme="dark")
    shots.take("overview-phone", f"{log}/overview", viewport=PHONE)
    shots.take("item", f"{log}/items/user/{BERG}")
    shots.take("item-phone", f"{log}/items/user/{BERG}", viewport=PHONE)
    shots.take("trust", f"{log}/trust")
    shots.take("views", f"{log}/views")
    shots.take("counts", f"{log}/values?date=last-month&category.not=activity_log")
    with shots.page("bars", f"{log}?date=past-12-months&category.not=activity_log") as page:
        page.click("#bars-stack")
        page.wait_for_selector("#bars .legend")
    with shots.page("panel", f"{log}?category=roles&date=last-month") as page:
        page.click(".row a.when")
        page.wait_for_selector(".panel dl.facts")
    with shots.page("panel-phone", f"{log}?category=roles&date=last-month", viewport=PHONE) as page:
        page.click(".row a.when")
        page.wait_for_selector(".panel dl.facts")
    with shots.page("filter", f"{log}?date=last-month&category=absence&category=salary") as page:
        page.click("#f-more")
        page.type("#f-concerns", "ber", delay=40)
        page.wait_for_selector("u-option")
    with shots.page("export", f"{log}?category=absence&category=salary&date=last-quarter") as page:
        page.click("[data-export]")
        page.wait_for_selector("#export[open]")


def _hr(shots: _Shots, hr: str) -> None:
    """The HR system of the demo."""
    shots.take("hr-people", hr)
    shots.take("hr-people-dark", hr, color_scheme="dark")
    shots.take("hr-person", f"{hr}/people/{BERG}")
    shots.take("hr-phone", f"{hr}/people/{BERG}", viewport=PHONE)
    shots.take("hr-doors", f"{hr}/log", state=None)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
