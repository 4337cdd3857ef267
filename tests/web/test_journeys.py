"""The ten questions of HR and admin people, answered in a real browser: by mouse, by keyboard, without a script."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import Struct
from playwright.sync_api import Page, expect
from tests.web.conftest import ANNA, BOB, KARI, ORG, WEB, Served

from trailbook import Actor, Item, Log
from trailbook.administration.ready_views import READY_VIEWS
from trailbook.model import instant
from trailbook.query.dates import date_bounds

PAGE = f"/orgs/{ORG}/activity"
OSLO = ZoneInfo("Europe/Oslo")
VISMA = Actor(kind="integration", type="integration", id="i-1", name="Visma")
EXPIRY = Actor(kind="system", type="system", id="expiry", name="Access expiry")
NEW = Item(type="user", id="u-77", name="Nils New")
SELF = Item(type="user", id="u-17", name="Anna Berg")
MANAGER = Item(type="role", id="r-3", name="Manager")


class Question(Struct, frozen=True, kw_only=True):
    """One question: its view, the name that is typed where it asks for one, and what is found and what not."""

    view: str
    typed: str | None = None
    hits: tuple[str, ...]
    missed: tuple[str, ...]


QUESTIONS = (
    Question(
        view="own-profile",
        hits=("Anna Berg updated their own profile",),
        missed=("Kari Lie updated the profile of Bob Li",),
    ),
    Question(
        view="integrations",
        hits=("Kari Lie sent Bob Li to the integration Visma",),
        missed=("The integration Visma started",),
    ),
    Question(
        view="permissions-of",
        typed="nils",
        hits=("Kari Lie gave Nils New the role Manager", "Kari Lie gave Nils New the permission Reports"),
        missed=("Kari Lie gave Bob Li the role Payroll",),
    ),
    Question(
        view="review",
        hits=("Kari Lie gave Nils New the permission Reports",),
        missed=("Anna Berg gave Bob Li the role Archivist",),
    ),
    Question(
        view="new-hire",
        typed="nils",
        hits=("Kari Lie added Nils New as a user", "Kari Lie gave Nils New the role Manager"),
        missed=("Anna Berg updated their own profile",),
    ),
    Question(
        view="automation",
        hits=(
            "The integration Visma started",
            "Access expiry took the role Manager away from Bob Li",
        ),
        missed=("Kari Lie gave Nils New the role Manager",),
    ),
    Question(
        view="skills",
        hits=("Kari Lie added the competence Truck T1 for Bob Li",),
        missed=("Kari Lie gave Nils New the role Manager",),
    ),
    Question(
        view="absence-salary",
        hits=("Kari Lie registered an absence for Bob Li", "Kari Lie changed the salary of Bob Li"),
        missed=("Kari Lie gave Nils New the role Manager",),
    ),
    Question(
        view="one-actor",
        typed="anna",
        hits=("Anna Berg updated their own profile",),
        missed=("Kari Lie updated the profile of Bob Li",),
    ),
    Question(
        view="auditor",
        hits=("Anna Berg gave Bob Li the role Archivist",),
        missed=("Kari Lie gave Nils New the role Manager",),
    ),
)
IDS = [question.view for question in QUESTIONS]
# A person, not what a first letter found before the others were typed.
NAMED = "u-option[value*='=user/']:visible >> nth=0"


def lived(log: Log) -> None:
    """What the ten questions ask for, and beside each what they must not find."""
    now = log.clock()

    def within(preset: str) -> datetime:
        return instant(date_bounds(preset, now, OSLO)[0]) + timedelta(hours=34)

    def record(action: str, actor: Actor, target: Item, at: datetime, **concerns: Any) -> None:
        log.record(action, actor=actor, target=target, concerns=concerns, occurred_at=at, origin=WEB)

    hour = timedelta(hours=1)
    month, quarter, year = within("last-month"), within("last-quarter"), within("last-year")
    record("user.profile_updated", ANNA, SELF, month)
    record("user.profile_updated", KARI, BOB, month)
    record(
        "integration.user_sent", KARI, Item(type="integration", id="i-1", name="Visma"), quarter, synced=BOB
    )
    record("integration.sync_started", VISMA, Item(type="integration", id="i-1", name="Visma"), now - hour)
    record("user.created", KARI, NEW, now - 5 * hour)
    record("role.assigned", KARI, MANAGER, now - 4 * hour, member=NEW)
    record(
        "permission.granted",
        KARI,
        Item(type="permission", id="p-1", name="Reports"),
        now - 3 * hour,
        member=NEW,
    )
    record("role.assigned", ANNA, Item(type="role", id="r-9", name="Archivist"), year, member=BOB)
    record("role.unassigned", EXPIRY, MANAGER, now - 2 * hour, member=BOB)
    record(
        "competence.added", KARI, Item(type="competence", id="c-1", name="Truck T1"), now - hour, holder=BOB
    )
    record("absence.registered", KARI, Item(type="absence", id="a-1"), now - hour, owner=BOB)
    record("salary.updated", KARI, Item(type="salary", id="s-1"), now - hour, owner=BOB)


@pytest.fixture(scope="module")
def company(serve: Callable[..., Served]) -> Served:
    """A log in which every question has an answer."""
    served = serve()
    lived(served.log)
    return served


@pytest.fixture
def reader(company: Served, browser: Any) -> Any:
    """Opens the page as somebody in Oslo who may read it."""
    contexts = []

    def opened(**look: Any) -> Page:
        context = browser.new_context(
            base_url=company.base_url,
            timezone_id="Europe/Oslo",
            viewport={"width": 1280, "height": 900},
            **look,
        )
        context.set_default_timeout(60_000)
        contexts.append(context)
        page: Page = context.new_page()
        page.goto(company.link())
        page.click("main button")
        page.wait_for_url("**/activity?*")
        return page

    yield opened
    for context in contexts:
        context.close()


def answered(page: Page, question: Question) -> None:
    """The rows are those that the question asks for, and none that it does not."""
    sentences = page.locator(".what")
    for sentence in question.hits:
        expect(sentences.filter(has_text=sentence).first).to_be_visible()
    for sentence in question.missed:
        expect(sentences.filter(has_text=sentence)).to_have_count(0)


def test_every_question_has_a_journey() -> None:
    """One journey for each ready view."""
    assert [view.name for view in READY_VIEWS] == IDS


def test_by_mouse(reader: Callable[..., Page]) -> None:
    """Each question is one press, and where it asks for a name, that name and one press more."""
    page = reader()
    for question in QUESTIONS:
        page.goto(PAGE)
        page.click(f"#questions a[href*='view={question.view}']")
        if question.typed:
            page.wait_for_selector("#asks")
            page.keyboard.type(question.typed)
            page.click(NAMED)
            page.wait_for_url("**=user/**")
        answered(page, question)


def test_by_keyboard(reader: Callable[..., Page]) -> None:
    """The same without a mouse: q leads to the questions, Tab and Enter choose, the name is typed."""
    page = reader()
    for question in QUESTIONS:
        page.goto(PAGE)
        page.keyboard.press("q")
        for _ in range(IDS.index(question.view)):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        if question.typed:
            page.wait_for_selector("#asks")
            page.keyboard.type(question.typed)
            page.wait_for_selector(NAMED)
            page.keyboard.press("ArrowDown")
            page.keyboard.press("Enter")
            page.wait_for_url("**=user/**")
        answered(page, question)


def test_without_a_script(reader: Callable[..., Page]) -> None:
    """The same with no script at all: the name is typed, Show is pressed."""
    page = reader(java_script_enabled=False)
    for question in QUESTIONS:
        page.goto(PAGE)
        page.click(f"#questions a[href*='view={question.view}']")
        if question.typed:
            field = page.locator("#asks").get_attribute("data-asks")
            page.fill(f"#{field}", question.typed)
            page.click("#filter button.first")
            if page.locator(".offers").count():
                page.click(".offers a >> nth=0")
        answered(page, question)


def test_the_last_question_ends_in_a_file(reader: Callable[..., Page]) -> None:
    """Question 10: last year, as a file of exactly the entries counted."""
    page = reader()
    page.click("#questions a[href*='view=auditor']")
    expect(page.locator("#total")).to_contain_text("entr")
    with page.expect_download() as download:
        page.click(".take a[href*='.jsonl']")
    lines = download.value.path().read_text("utf-8").splitlines()
    assert page.locator("#total").inner_text().startswith(f"{len(lines)} ")
