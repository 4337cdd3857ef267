"""Accounts: invited by link, signing in, throttled, with one answer for whatever is wrong."""

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from tests.access.test_sessions import Full as FullRegistry
from tests.log.test_held_back import Full as FullStore

from trailbook import Deployment, Item, Origin, open_deployment
from trailbook.access.api_keys import hash_of
from trailbook.access.credentials import IDLE, SESSION_LIFE
from trailbook.access.throttle import Throttle
from trailbook.access.viewer import operator
from trailbook.administration.access import By, add_role, change_role, disable_member, put_member, withhold
from trailbook.administration.accounts import SignIn, invite, reset_password, set_password, sign_in, sign_out
from trailbook.administration.organisations import (
    list_organisations,
    resume_organisation,
    suspend_organisation,
)
from trailbook.errors import (
    InvalidError,
    StorageFullError,
    SuspendedError,
    TooManyTriesError,
    UnauthenticatedError,
)
from trailbook.query import Query
from trailbook.testing import KEYS, FrozenClock, Steady

ORG, PASSWORD = "acme", "fire katter på taket"
ANNA = Item(type="user", id="u-17", name="Anna Berg")
Enter = Callable[[SignIn], str]
WEB = Origin(interface="web", ip="192.0.2.7")


@pytest.fixture
def opened() -> tuple[Deployment, FrozenClock]:
    """A deployment in memory, and its clock."""
    clock = FrozenClock()
    deployment = open_deployment("memory:", clock=clock, entropy=Steady(3))
    deployment.create(ORG)
    return deployment, clock


@pytest.fixture
def by(opened: tuple[Deployment, FrozenClock]) -> By:
    """The operator of a deployment whose clock stands."""
    return By(opened[0], operator(ORG))


@pytest.fixture
def enter(by: By) -> Enter:
    """Signing in, where ten tries a minute are let through."""
    return partial(sign_in, by.deployment, tries=Throttle(10, 60))


def given(password: str = PASSWORD, login: str = "anna", org: str = ORG, ip: str = "192.0.2.7") -> SignIn:
    return SignIn(org=org, login=login, password=password, origin=Origin(interface="web", ip=ip))


def joined(by: By) -> str:
    """Anna with the role HR and an account; the text of her first session."""
    put_member(by, ANNA, ["hr"])
    link = invite(by, "user", "u-17", "Anna")
    return set_password(by.deployment, link, PASSWORD, WEB).secret


def actions(by: By) -> list[tuple[str, str, str]]:
    page = by.deployment.log(ORG).search(Query(), viewer=operator(ORG), order="seq", limit=200)
    return [(e.action, e.actor.id, e.outcome) for e in page.entries if e.action != "activity_log.searched"]


def test_invited_then_signed_in(by: By, enter: Enter) -> None:
    """R25, R3: the link works once; each step is an entry; the session is new at each sign-in and dead after."""
    put_member(by, ANNA, ["hr"])
    link = invite(by, "user", "u-17", "Anna")
    with pytest.raises(InvalidError) as weak:
        set_password(by.deployment, link, "short", WEB)
    assert [f.pointer for f in weak.value.faults] == ["/password"]
    started = set_password(by.deployment, link, PASSWORD, WEB)
    with pytest.raises(UnauthenticatedError):
        set_password(by.deployment, link, PASSWORD, WEB)
    second = enter(given(login="ANNA"))
    first = started.secret
    assert started.org == ORG
    assert first != second
    viewer = by.deployment.credentials.viewer(second)
    assert (viewer.item, viewer.activity_log, viewer.manage_access) == (ANNA, "full", "none")
    sign_out(by.deployment, second, WEB)
    sign_out(by.deployment, second, WEB)
    with pytest.raises(UnauthenticatedError):
        by.deployment.credentials.viewer(second)
    assert by.deployment.credentials.viewer(first).item == ANNA
    assert actions(by) == [
        ("role.assigned", "operator", "success"),
        ("user.invited", "operator", "success"),
        ("user.activated", "u-17", "success"),
        ("user.signed_in", "u-17", "success"),
        ("user.signed_in", "u-17", "success"),
        ("user.signed_out", "u-17", "success"),
    ]


def test_whatever_is_wrong_has_one_answer(by: By, enter: Enter) -> None:
    """R26: a wrong name, password or organisation and a disabled account are told apart by nothing."""
    joined(by)
    put_member(by, Item(type="user", id="u-2", name="Bo"), ["hr"])
    told = set()
    for wrong in (given("wrong wrong wrong"), given(login="nobody"), given(org="none"), given(login="")):
        with pytest.raises(UnauthenticatedError) as refused:
            enter(wrong)
        told.add((refused.value.code, refused.value.detail))
    disable_member(by, "user", "u-17", disabled=True)
    with pytest.raises(UnauthenticatedError) as refused:
        enter(given())
    told.add((refused.value.code, refused.value.detail))
    assert len(told) == 1
    failures = [one for one in actions(by) if one[0] == "user.sign_in_failed"]
    assert failures == [
        ("user.sign_in_failed", who, "failure") for who in ("u-17", "unknown", "unknown", "u-17")
    ]
    disable_member(by, "user", "u-17", disabled=False)
    assert enter(given())


def test_a_disabled_account_is_out_at_once(by: By) -> None:
    """R11, F20: the sessions there were are gone, and stay gone."""
    session = joined(by)
    assert by.deployment.credentials.viewer(session)
    disable_member(by, "user", "u-17", disabled=True)
    with pytest.raises(UnauthenticatedError):
        by.deployment.credentials.viewer(session)
    disable_member(by, "user", "u-17", disabled=False)
    with pytest.raises(UnauthenticatedError):
        by.deployment.credentials.viewer(session)


def test_a_role_taken_away_acts_on_the_next_request(by: By) -> None:
    """R11, G12: nothing of a level is kept in a session."""
    session = joined(by)
    assert by.deployment.credentials.viewer(session).activity_log == "full"
    put_member(by, ANNA, ["employee"])
    assert by.deployment.credentials.viewer(session).activity_log == "none"
    put_member(by, ANNA, ["employee", "auditor"])
    assert by.deployment.credentials.viewer(session).read_proofs == "full"


def test_a_reset_ends_other_sessions(by: By, enter: Enter) -> None:
    session = joined(by)
    link = reset_password(by, "user", "u-17")
    assert enter(given())
    set_password(by.deployment, link, "another long password", WEB)
    with pytest.raises(UnauthenticatedError):
        by.deployment.credentials.viewer(session)
    with pytest.raises(UnauthenticatedError):
        enter(given())
    assert enter(given("another long password"))


def test_ten_tries_a_minute(by: By, enter: Enter, opened: tuple[Deployment, FrozenClock]) -> None:
    """R24, F18: then 429, also with the right password; another address goes on; good tries do not count."""
    joined(by)
    for _ in range(15):
        enter(given())
    for _ in range(10):
        with pytest.raises(UnauthenticatedError):
            enter(given("wrong wrong wrong"))
    with pytest.raises(TooManyTriesError) as refused:
        enter(given())
    assert 0 < refused.value.seconds <= 6
    assert enter(given(ip="192.0.2.8"))
    opened[1].move(timedelta(seconds=6))
    assert enter(given())


def test_sessions_end_by_themselves(by: By, enter: Enter, opened: tuple[Deployment, FrozenClock]) -> None:
    """R25: after an hour without use, and after twelve whatever the use; what ended is deleted."""
    session, idle = joined(by), enter(given())
    clock, steps = opened[1], SESSION_LIFE // (IDLE / 2)
    for _ in range(steps - 1):
        clock.move(IDLE / 2)
        assert by.deployment.credentials.viewer(session).item == ANNA
    with pytest.raises(UnauthenticatedError):
        by.deployment.credentials.viewer(idle)
    clock.move(IDLE / 2)
    with pytest.raises(UnauthenticatedError):
        by.deployment.credentials.viewer(session)


def test_suspended_lets_nobody_in(by: By, enter: Enter) -> None:
    """F20: people, keys and recording are refused with one clear word, and all goes on when it is resumed."""
    session = joined(by)
    key = by.deployment.credentials.new_key(ORG, "HR", ("record", "read"))[1]
    assert suspend_organisation(by.deployment, ORG)
    assert not suspend_organisation(by.deployment, ORG)
    for tried in (
        lambda: by.deployment.credentials.viewer(session),
        lambda: by.deployment.credentials.credential(key),
        lambda: by.deployment.log(ORG),
        lambda: enter(given()),
    ):
        with pytest.raises(SuspendedError):
            tried()
    assert list_organisations(by.deployment)[0].suspended_at is not None
    assert resume_organisation(by.deployment, ORG)
    assert by.deployment.credentials.viewer(session).item == ANNA
    assert by.deployment.credentials.credential(key).org == ORG
    assert [a for a, _, _ in actions(by)][-2:] == ["activity_log.suspended", "activity_log.resumed"]


def test_withheld_from_everybody(by: By) -> None:
    """R10: what an organisation withholds, full access does not show, from the next request on."""
    session = joined(by)
    assert by.deployment.credentials.viewer(session).withheld == ()
    assert withhold(by, ["salary", "absence"]) == ("absence", "salary")
    assert by.deployment.credentials.viewer(session).withheld == ("absence", "salary")
    with pytest.raises(InvalidError):
        withhold(by, ["wages"])


def test_a_restricted_category_is_read_by_who_has_a_role_that_names_it(by: By) -> None:
    """catalogue.md 5: whistleblowing is withheld from full access and from keys, until a role names it."""
    credentials = by.deployment.credentials
    session = joined(by)
    key = credentials.new_key(ORG, "Reader", ("read", "export"))[1]
    assert credentials.viewer(session).restricted == credentials.credential(key).viewer().restricted == ()
    for wrong in ("salary", "wages"):
        with pytest.raises(InvalidError) as refused:
            add_role(by, "Cases", {}, categories=[wrong])
        assert [f.pointer for f in refused.value.faults] == ["/categories"]
    role = add_role(by, "Cases", {}, categories=["whistleblowing"])
    put_member(by, ANNA, ["hr", role.id])
    assert credentials.viewer(session).restricted == ("whistleblowing",)
    change_role(by, role.id, "Cases", {})
    assert credentials.viewer(session).restricted == ()
    assert [a for a, _, _ in actions(by)][-3:] == [
        "role.created",
        "role.assigned",
        "role.access_level_changed",
    ]
    withhold(by, ["salary"])
    assert credentials.viewer(session).withheld == ("salary",)


def test_a_suspended_organisation_is_as_none_for_a_stranger(by: By, enter: Enter) -> None:
    """Whoever guesses is answered alike; only who has the right password learns that it is suspended."""
    joined(by)
    suspend_organisation(by.deployment, ORG)
    answers = set()
    for attempt in (
        given("wrong wrong wrong"),
        given(login="nobody"),
        given(org="none"),
        given(org="none", login="x"),
    ):
        with pytest.raises(UnauthenticatedError) as refused:
            enter(attempt)
        answers.add((refused.value.code, refused.value.detail))
    assert len(answers) == 1
    with pytest.raises(SuspendedError):
        enter(given())
    resume_organisation(by.deployment, ORG)
    assert enter(given())


def test_a_full_disk_keeps_nobody_out() -> None:
    """F4: a right password lets in and a wrong one does not; each is an entry once there is room, with its own time."""
    store, registry, clock = FullStore(), FullRegistry(), FrozenClock()
    deployment = Deployment(store, registry, KEYS, clock=clock, entropy=Steady(3))
    deployment.create(ORG)
    by = By(deployment, operator(ORG))
    joined(by)
    before = len(actions(by))
    enter = partial(sign_in, deployment, tries=Throttle(10, 60))
    store.full = registry.full = True
    session = enter(given())
    assert deployment.credentials.viewer(session).item == ANNA
    with pytest.raises(UnauthenticatedError):
        enter(given(password="wrong"))
    with pytest.raises(StorageFullError):  # what changes something does not happen
        put_member(by, ANNA, ["auditor"])
    sign_out(deployment, session, WEB)
    with pytest.raises(UnauthenticatedError):
        deployment.credentials.viewer(session)
    store.full = registry.full = False
    clock.move(timedelta(minutes=5))
    deployment.log(ORG).held_back.settle()
    assert actions(by)[before:] == [
        ("user.signed_in", "u-17", "success"),
        ("user.sign_in_failed", "u-17", "failure"),
        ("user.signed_out", "u-17", "success"),
    ]
    deployment.close()
    assert registry.session(hash_of(session)) is None


def test_what_waits_is_told_in_health_and_recorded_by_itself() -> None:
    """The loop is called `recording`, the log can be asked meanwhile; with room it goes on and nothing is told."""
    store, registry = FullStore(), FullRegistry()
    deployment = Deployment(store, registry, KEYS, clock=FrozenClock(), entropy=Steady(3))
    deployment.create(ORG)
    by = By(deployment, operator(ORG))
    joined(by)

    def unrecorded() -> list[tuple[str | None, bool, str]]:
        return [(a.org, a.fails, a.says) for a in deployment.ailments() if a.part == "recording"]

    def soon(condition: Callable[[], bool]) -> bool:
        return any(condition() or threading.Event().wait(0.02) for _ in range(3000))

    assert unrecorded() == []
    store.full = True
    sign_in(deployment, given(), Throttle(10, 60))
    assert soon(lambda: bool(unrecorded()))
    ((org, fails, says),) = unrecorded()
    assert (org, fails, "wait to be recorded, 1 in all: the disk is full" in says) == (
        ORG,
        False,
        True,
    )
    store.full = False
    assert soon(lambda: not unrecorded())
    assert actions(by)[-1] == ("user.signed_in", "u-17", "success")
    deployment.close()
