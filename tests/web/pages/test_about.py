"""About this log: what is recorded and since when, who fell silent, and never how much or by whom."""

import re
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from tests.web.conftest import BOB, KARI, ORG, WEB, Served, enter

from trailbook.access.viewer import operator
from trailbook.administration.access import By, withhold
from trailbook.model import Actor, Item
from trailbook.retention import Retention
from trailbook.web.pages.about import SILENT

ABOUT = f"/orgs/{ORG}/activity/about"


@pytest.fixture(scope="module")
def kept(serve: Callable[..., Served]) -> Served:
    """A log into which one integration recorded lately, and another one long ago."""
    served = serve()
    for id_, name, days in (("live", "Payroll", 1), ("old", "Archive", SILENT.days + 2)):
        served.log.record(
            "role.assigned",
            actor=Actor(kind="integration", type="integration", id=id_, name=name),
            target=Item(type="role", id="r-1", name="Reader"),
            concerns={"member": BOB},
            occurred_at=served.log.clock() - timedelta(days=days),
            origin=WEB,
        )
    return served


@pytest.fixture
def text(kept: Served) -> str:
    """The page, as somebody with full access reads it."""
    with httpx.Client(base_url=kept.base_url) as client:
        enter(client, kept.link())
        assert client.get(f"{ABOUT}?x=1").status_code == 422
        return client.get(ABOUT).text


def test_since_when_and_how_long(text: str) -> None:
    """Every category says why and how long; one without entries says so."""
    roles = text.partition("?category=roles")[2].partition("</div>")[0]
    assert re.search(r"[Ss]ince \d{1,2} \w+ 20\d\d", roles)
    assert "May be removed after 36 months." in roles
    assert "Nothing has been recorded yet" in text.partition("?category=salary")[2].partition("</div>")[0]


def test_whether_removal_runs(kept: Served, text: str) -> None:
    """The rule of each class, and that nothing was removed, until something was."""
    part = text.partition('id="kept"')[2].partition("</section>")[0]
    assert "Removal does not run: nothing has been removed." in part
    rules = re.findall(r"<dt>(.*?)</dt>", part)
    assert (
        rules
        == [
            *(f"May be removed after {months} months." for months in (6, 12, 36)),
            "Never removed.",
        ][: len(rules)]
    )
    assert re.search(r"36 months\.</dt><dd>[^<]*Roles", part)


def test_who_fell_silent(text: str) -> None:
    """An integration that was not heard of for two weeks is marked; the other one is not."""
    heard = text.partition('id="heard"')[2].partition("</section>")[0]
    silent = {name: "badge stop" in line for name, line in re.findall(r"<bdi>(\w+)</bdi>(.*?)</div>", heard)}
    assert silent == {"Archive": True, "Payroll": False}


def test_no_figures_and_no_persons(text: str) -> None:
    """Neither how many entries there are nor anybody who did them."""
    main = text.partition("<main")[2].partition("</main>")[0]
    assert "Anna Berg" not in main
    assert "Bob Li" not in main
    assert not re.search(r"\d+ entr", main)


def test_what_was_removed_is_said(serve: Callable[..., Served]) -> None:
    """With the day, and that it does not run by itself."""
    served = serve()
    retention = Retention(kept_for="extended", before=served.log.clock() + timedelta(days=1))
    served.log.prune(retention, actor=KARI, origin=WEB)
    with httpx.Client(base_url=served.base_url) as client:
        enter(client, served.link())
        part = client.get(ABOUT).text.partition('id="kept"')[2].partition("</section>")[0]
    assert re.search(r"last removed on \d{1,2} \w+ 20\d\d\. Removal does not run by itself", part)
    assert "nothing has been removed" not in part


def test_what_is_withheld_is_not_spoken_of(kept: Served) -> None:
    """A category that nobody may read stands there no longer."""
    withhold(By(kept.deployment, operator(ORG)), ["roles"])
    with httpx.Client(base_url=kept.base_url) as client:
        enter(client, kept.link())
        main = client.get(ABOUT).text.partition("<main")[2].partition("</main>")[0]
    assert "?category=users" in main
    assert "?category=roles" not in main
