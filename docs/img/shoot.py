"""Takes the pictures of README anew: `make shots` runs this against a freshly built demo company.

Owns which states are shown. Needs Debian's Chromium; writes PNG files beside itself.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
WIDE, PHONE = {"width": 1280, "height": 860}, {"width": 360, "height": 780}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


def main() -> None:
    """Build, serve, look."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "trailbook", "demo", "--dir", f"{folder}/nordlys"]
        with subprocess.Popen(
            [*command, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True
        ) as demo:
            assert demo.stdout is not None
            links = []
            while len(links) < 3:
                links += re.findall(r"http\S+", demo.stdout.readline())
            try:
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
                    shoot(browser, links)
                    browser.close()
            finally:
                demo.terminate()


def shoot(browser: Browser, links: list[str]) -> None:
    """Every picture, from the sign-in link, the one without access, and the HR system's address."""
    first = browser.new_context(viewport=WIDE)
    page = first.new_page()
    page.goto(links[0])
    page.click("main button")
    page.wait_for_load_state()
    log = page.url
    page.screenshot(path=HERE / "page-light.png")
    signed_in = first.storage_state()
    ways = {"page-dark": {"color_scheme": "dark", "viewport": WIDE}, "page-phone": {"viewport": PHONE}}
    for name, how in ways.items():
        context = browser.new_context(storage_state=signed_in, **how)
        other = context.new_page()
        other.goto(log)
        other.screenshot(path=HERE / f"{name}.png")
        context.close()
    page.goto(f"{log}?category=roles&category=permissions&date=past-6-months&tz=Europe/Oslo")
    page.screenshot(path=HERE / "question.png")
    page.locator("a[href*='/activity/e/']").first.click()
    page.wait_for_load_state()
    page.screenshot(path=HERE / "entry.png")
    page.goto(f"{links[2]}/people/u-1013")
    page.screenshot(path=HERE / "hr-person.png")
    refused = browser.new_context(viewport={"width": 900, "height": 520}).new_page()
    refused.goto(links[1])
    refused.click("main button")
    refused.wait_for_load_state()
    refused.screenshot(path=HERE / "refusal.png")


if __name__ == "__main__":
    main()
