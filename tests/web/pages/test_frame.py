"""What stands around every page: the zone and look that a browser keeps, and where this viewer may go."""

import re

import httpx
import pytest
from tests.web.conftest import ORG, Served, enter

ABOUT = f"/orgs/{ORG}/activity/about"
LIST = f"/orgs/{ORG}/activity?category=roles"


def page(client: httpx.Client, path: str, cookie: str = "") -> str:
    """A page as a browser gets it that keeps one more cookie."""
    cookies = "; ".join(filter(None, (client.headers["cookie"], cookie)))
    answer = client.get(path, headers={"Cookie": cookies})
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize(
    ("cookie", "zone"),
    [
        ("", "Europe/Oslo"),
        ("trailbook-zone=Asia/Tokyo", "Asia/Tokyo"),
        ("trailbook-zone=Nowhere/At-All", "Europe/Oslo"),
        ("trailbook-zone=", "Europe/Oslo"),
    ],
)
def test_the_zone_at_home(signed_in: httpx.Client, cookie: str, zone: str) -> None:
    """The browser's own, else the organisation's; what is no zone is as good as none."""
    assert f'name="tz" id="f-tz" autocomplete="off" list="zones" value="{zone}"' in page(
        signed_in, LIST, cookie
    )


@pytest.mark.parametrize(
    ("cookie", "look"),
    [("", "auto"), ("trailbook-look=dark", "dark"), ('trailbook-look="><script>"', "auto")],
)
def test_the_look(signed_in: httpx.Client, cookie: str, look: str) -> None:
    """One of those there are; anything else is as the system has it."""
    assert f'data-color-scheme="{look}"' in page(signed_in, ABOUT, cookie)


def test_only_whoever_manages_access_is_shown_the_way(served: Served, signed_in: httpx.Client) -> None:
    """Anna may read and is shown no settings; an administrator is."""
    assert "/settings" not in page(signed_in, ABOUT)
    with httpx.Client(base_url=served.base_url) as client:
        enter(client, served.link(("system-administrator",)))
        assert f'/orgs/{ORG}/activity/settings"' in page(client, ABOUT)


def test_the_view_that_is_open_is_marked(signed_in: httpx.Client) -> None:
    """One of the ready views is the current page where the address names it, and none where it does not."""
    assert page(signed_in, f"{LIST}&view=all").count('aria-current="page"') == 0
    assert page(signed_in, f"{LIST}&view=own-profile").count('aria-current="page"') == 1


def test_where_one_is_stands_among_the_places(signed_in: httpx.Client) -> None:
    """One place is marked: that of the page, and the log's for whatever has none of its own."""
    home = f"/orgs/{ORG}/activity"
    for path, place in (
        (LIST, "Log"),
        (f"{home}/views", "Log"),
        (ABOUT, "About"),
        (f"{home}/trust", "Trust"),
    ):
        here = re.findall(r'aria-current="true">([^<]*)</a>', page(signed_in, path).partition("</header>")[0])
        assert here == [place]


def test_the_questions_stay_folded(signed_in: httpx.Client) -> None:
    """Open at first; folded, they are drawn so by the server; what the cookie may not say counts for nothing."""
    for cookie, opened in (("", True), ("trailbook-asks=folded", False), ("trailbook-asks=x", True)):
        assert ('id="questions" open>' in page(signed_in, LIST, cookie)) == opened
