"""The ten questions of HR and admin people, answered in a real browser: by mouse, by keyboard, without a script."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import partial
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
        missed=("Kari Lie updated Bob Li's profile",),
    ),
    Question(
        view="integrations",
        hits=("Kari Lie sent Bob Li's details to the integration Visma",),
        missed=("Kari Lie received Bob Li", "Visma started"),
    ),
    Question(
        view="integrations-received",
        hits=("Kari Lie received Bob Li's details from the integration Visma",),
        missed=("Kari Lie sent Bob Li", "Visma started"),
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
            "Visma started",
            "Access expiry took the role Manager away from Bob Li",
        ),
        missed=("Kari Lie gave Nils New the role Manager",),
    ),
    Question(
        view="skills",
        hits=("Kari Lie added the competence Truck T1 for Bob Li",),
        missed=("Access expiry reminded Bob Li", "Access expiry marked the competence"),
    ),
    Question(
        view="absence-salary",
        hits=("Kari Lie registered an absence for Night Ås", "Kari Lie registered an absence for Sunday Li"),
        missed=("Kari Lie registered an absence for Noon By", "Kari Lie gave Nils New the role Manager"),
    ),
    Question(
        view="absence-salary-night",
        hits=("Kari Lie registered an absence for Night Ås",),
        missed=("Kari Lie registered an absence for Sunday Li", "Kari Lie registered an absence for Noon By"),
    ),
    Question(
        view="absence-salary-weekend",
        hits=("Kari Lie registered an absence for Sunday Li",),
        missed=("Kari Lie registered an absence for Night Ås", "Kari Lie registered an absence for Noon By"),
    ),
    Question(
        view="one-actor",
        typed="kari",
        hits=("Kari Lie updated Bob Li's profile",),
        missed=("Anna Berg updated their own profile",),
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
CHOSEN = re.compile("=user(/|%2F)")
MOST = 3  # presses, and a choice


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
    record(
        "integration.user_received",
        KARI,
        Item(type="integration", id="i-1", name="Visma"),
        quarter,
        synced=BOB,
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
    truck = Item(type="competence", id="c-1", name="Truck T1")
    for action in ("competence.expiry_announced", "competence.expired"):
        record(action, EXPIRY, truck, now - hour, holder=BOB)
    today = now.astimezone(OSLO).date()
    monday = datetime.combine(today - timedelta(days=today.weekday() + 7), time(), OSLO)
    for name, hours in (("Night Ås", 3), ("Noon By", 12), ("Sunday Li", 6 * 24 + 12)):
        owner, absence = (
            Item(type="user", id=f"u-{hours}", name=name),
            Item(type="absence", id=f"a-{hours}"),
        )
        record("absence.registered", KARI, absence, monday + timedelta(hours=hours), owner=owner)


@pytest.fixture(scope="module")
def company(serve: Callable[..., Served]) -> Served:
    """A log in which every question has an answer."""
    served = serve()
    lived(served.log)
    return served


@pytest.fixture
def reader(company: Served, browser: Any) -> Any:
    """Opens the page as somebody in Oslo who may read it."""

    def opened(**look: Any) -> Page:
        context = browser.new_context(
            base_url=company.base_url,
            timezone_id="Europe/Oslo",
            viewport={"width": 1280, "height": 900},
            **look,
        )
        context.set_default_timeout(60_000)
        page: Page = context.new_page()
        page.goto(company.link(("hr",)))
        page.click("main button")
        page.wait_for_url("**/activity?*")
        return page

    return opened


class Presses:
    """Presses of a mouse or of Enter, a person's choice aside, and the question that each was made for."""

    def __init__(self) -> None:
        self.of: Counter[str] = Counter()

    def press(self, question: Question, act: Callable[[], object]) -> None:
        """Do what is a press."""
        self.of[question.view] += 1
        act()


def answered(page: Page, question: Question) -> None:
    """The rows are those that the question asks for, and none that it does not."""
    sentences = page.locator(".what")
    for sentence in question.hits:
        expect(sentences.filter(has_text=sentence).first).to_be_visible()
    for sentence in question.missed:
        expect(sentences.filter(has_text=sentence)).to_have_count(0)


def taken(page: Page, lines: int) -> None:
    """The export that was ordered is ready, and holds so many entries."""
    page.wait_for_url("**/exports")
    newest = page.locator("#exports li").first
    expect(newest).to_contain_text(re.compile(rf"\b{lines} entr(y|ies)\b"), timeout=30_000)


def test_every_question_has_a_journey() -> None:
    """One journey for each ready view."""
    assert [view.name for view in READY_VIEWS] == IDS


def test_by_mouse(reader: Callable[..., Page]) -> None:
    """Each question is one press, and then a person among those of late, or a file and one press more."""
    page, presses = reader(), Presses()
    for question in QUESTIONS:
        page.goto(PAGE)
        presses.press(question, partial(page.click, f"#questions a[href*='view={question.view}']:visible"))
        if question.typed:
            page.click(f"u-option[value*='=user/']:visible:has-text('{question.typed}') >> nth=0")
            page.wait_for_url(CHOSEN)
        answered(page, question)
        if question.view == "auditor":
            expect(page.locator("#export")).to_be_visible()
            page.check("#export [value=csv]")
            presses.press(question, partial(page.click, "#export .first"))
            taken(page, 1)
    assert max(presses.of.values()) <= MOST, presses.of


def test_by_keyboard(reader: Callable[..., Page]) -> None:
    """The same without a mouse: q leads to the questions, Tab and Enter choose, a name is typed."""
    page, presses = reader(), Presses()
    for question in QUESTIONS:
        page.goto(PAGE)
        presses.press(question, partial(page.keyboard.press, "q"))
        for _ in range(IDS.index(question.view)):
            page.keyboard.press("Tab")
        presses.press(question, partial(page.keyboard.press, "Enter"))
        if question.typed:
            expect(page.locator("#whom")).to_be_focused()
            page.keyboard.type(question.typed)
            page.wait_for_selector(NAMED)
            page.keyboard.press("ArrowDown")
            page.keyboard.press("Enter")
            page.wait_for_url(CHOSEN)
        answered(page, question)
        if question.view == "auditor":
            expect(page.locator("#export :focus")).to_have_count(1)
            presses.press(question, partial(page.locator("#export .first").press, "Enter"))
            taken(page, 1)
    assert max(presses.of.values()) <= MOST, presses.of


def test_without_a_script(reader: Callable[..., Page]) -> None:
    """The same with no script at all: those of late are links, and so is the file."""
    page, presses = reader(java_script_enabled=False), Presses()
    for question in QUESTIONS:
        page.goto(PAGE)
        presses.press(question, partial(page.click, f"#questions a[href*='view={question.view}']:visible"))
        if question.typed:
            page.click(f".lately a:has-text('{question.typed}')")
        answered(page, question)
        if question.view == "auditor":
            with page.expect_download() as download:
                presses.press(question, partial(page.click, ".take a[href*='.csv']"))
            assert download.value.suggested_filename.endswith(".csv")
    assert max(presses.of.values()) <= MOST, presses.of


def test_a_name_is_typed_without_a_script(reader: Callable[..., Page]) -> None:
    """Who is not among those of late is typed, and chosen where several have the name."""
    page = reader(java_script_enabled=False)
    page.goto(f"{PAGE}?view=new-hire")
    page.fill("#whom", "nils")
    page.click(".name-it .first")
    page.wait_for_url("**concerns=user/u-77**")


def test_the_questions_stay_folded(reader: Callable[..., Page]) -> None:
    """Folded away, they are so on the next page, drawn by the server: no script has to fold them again."""
    page = reader()
    page.goto(PAGE)
    expect(page.locator("#questions[open]")).to_have_count(1)
    page.click("#questions summary")
    expect(page.locator("#questions[open]")).to_have_count(0)
    assert '<details class="asks" id="questions">' in page.request.get(PAGE).text()
    page.click("#questions summary")
    expect(page.locator("#questions[open]")).to_have_count(1)
    assert '<details class="asks" id="questions" open>' in page.request.get(PAGE).text()
