"""Accounts: invited by link, signing in, throttled, with one answer for whatever is wrong."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec import structs
from tests.access.test_sessions import Full as FullSessions
from tests.log.test_reads import Full as FullStore

from trailbook import Deployment, Item, Origin, open_deployment
from trailbook.access.api_keys import hash_of
from trailbook.access.credentials import IDLE, SESSION_LIFE
from trailbook.access.passwords import password_matches
from trailbook.access.tries import Tries
from trailbook.access.viewer import operator
from trailbook.administration import accounts
from trailbook.administration.access import By, add_role, change_role, disable_member, put_member, withhold
from trailbook.administration.accounts import (
    SignIn,
    begin_sign_in,
    invite,
    reset_password,
    set_password,
    sign_in,
    sign_out,
)
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
from trailbook.stores import memory_registry
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


def entering(by: By) -> Enter:
    """Signs in, ten failures an account and address."""
    tries = Tries(10, by.deployment.clock)
    return lambda attempt: sign_in(by.deployment, attempt, begin_sign_in(attempt, tries))


@pytest.fixture
def enter(by: By) -> Enter:
    return entering(by)


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
    """The link works once; each step is an entry; the session is new at each sign-in and dead after."""
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
    """A wrong name, password or organisation and a disabled account are told apart by nothing."""
    joined(by)
    put_member(by, Item(type="user", id="u-2", name="Bo"), ["hr"])
    answers = set()
    for wrong in (given("wrong wrong wrong"), given(login="nobody"), given(org="none"), given(login="")):
        with pytest.raises(UnauthenticatedError) as refused:
            enter(wrong)
        answers.add((refused.value.code, refused.value.detail))
    disable_member(by, "user", "u-17", disabled=True)
    with pytest.raises(UnauthenticatedError) as refused:
        enter(given())
    answers.add((refused.value.code, refused.value.detail))
    assert len(answers) == 1
    failures = [entry for entry in actions(by) if entry[0] == "user.sign_in_failed"]
    assert failures == [("user.sign_in_failed", who, "failure") for who in ("u-17", "unknown", "u-17")]
    disable_member(by, "user", "u-17", disabled=False)
    assert enter(given())


def test_a_disabled_account_is_out_at_once(by: By) -> None:
    """The sessions there were are gone, and stay gone."""
    session = joined(by)
    assert by.deployment.credentials.viewer(session)
    disable_member(by, "user", "u-17", disabled=True)
    with pytest.raises(UnauthenticatedError):
        by.deployment.credentials.viewer(session)
    disable_member(by, "user", "u-17", disabled=False)
    with pytest.raises(UnauthenticatedError):
        by.deployment.credentials.viewer(session)


def test_a_role_taken_away_acts_on_the_next_request(by: By) -> None:
    """Nothing of a level is kept in a session."""
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


def test_an_account_from_an_address(by: By, enter: Enter, opened: tuple[Deployment, FrozenClock]) -> None:
    """Ten failures, then a pause for the right password too; another address goes on; good tries are none."""
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
    assert enter(given())


def hashed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What each look at a password came to, from now on."""
    looks: list[bool] = []

    def look(password: str, kept: str | None) -> bool:
        looks.append(password_matches(password, kept))
        return looks[-1]

    monkeypatch.setattr(accounts, "password_matches", look)
    return looks


def test_whatever_is_wrong_takes_one_hash(by: By, enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown name, an account without a password, a disabled one, a suspended organisation and none at all."""
    joined(by)
    put_member(by, Item(type="user", id="u-2", name="Bo"), ["hr"])
    invite(by, "user", "u-2", "bo")
    looks, tried = hashed(monkeypatch), (given("wrong wrong wrong"), given(login="nobody"), given(login="bo"))
    for attempt in (*tried, given(org="none")):
        with pytest.raises(UnauthenticatedError):
            enter(attempt)
    disable_member(by, "user", "u-17", disabled=True)
    with pytest.raises(UnauthenticatedError):
        enter(given())
    disable_member(by, "user", "u-17", disabled=False)
    suspend_organisation(by.deployment, ORG)
    for attempt in tried:
        with pytest.raises(UnauthenticatedError):
            enter(attempt)
    assert looks == [False] * 4 + [True] + [False] * 3
    resume_organisation(by.deployment, ORG)
    assert enter(given())
    assert looks[8:] == [True]  # the control: the right password is looked at as often


def test_what_is_refused_takes_no_hash(by: By, enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty accounts tried from one address meet the limit of the address, and no password is looked at after it."""
    joined(by)
    looks = hashed(monkeypatch)
    for at in range(40):
        with pytest.raises(UnauthenticatedError if at < 30 else TooManyTriesError):
            enter(given(login=f"n-{at}"))
    assert len(looks) == 30
    assert enter(given(ip="192.0.2.8"))


def failures(by: By) -> list[str]:
    return [who for action, who, _ in actions(by) if action == "user.sign_in_failed"]


def test_names_that_nobody_has_are_one_entry_a_minute(
    by: By, enter: Enter, opened: tuple[Deployment, FrozenClock]
) -> None:
    """A flood of changing names grows the log by next to nothing, and by nothing of what was sent."""
    joined(by)
    for minute in range(1, 4):
        for at in range(6):
            with pytest.raises(UnauthenticatedError):
                enter(given(login=f"secret-{at}", ip=f"198.51.100.{at}"))
        assert failures(by) == ["unknown"] * minute
        opened[1].move(timedelta(minutes=1))
    page = by.deployment.log(ORG).search(Query(), viewer=operator(ORG), order="seq", limit=200)
    entries = [e for e in page.entries if e.action == "user.sign_in_failed"]
    assert {(e.origin.interface, e.origin.ip, e.origin.user_agent) for e in entries} == {("web", None, None)}
    assert "secret" not in repr(entries)


def test_failures_of_an_account_are_a_few_entries_and_then_one_a_minute(
    by: By, enter: Enter, opened: tuple[Deployment, FrozenClock]
) -> None:
    """They say where from; those of somebody else are counted by themselves."""
    joined(by)
    for at in range(8):
        with pytest.raises(UnauthenticatedError):
            enter(given("wrong wrong wrong", ip=f"198.51.100.{at}"))
    assert failures(by) == ["u-17"] * 3
    opened[1].move(timedelta(minutes=1))
    for at in range(2):
        with pytest.raises(UnauthenticatedError):
            enter(given("wrong wrong wrong", ip=f"198.51.100.{at}"))
    assert failures(by) == ["u-17"] * 4
    with pytest.raises(UnauthenticatedError):
        enter(given(login="nobody"))
    assert failures(by) == ["u-17"] * 4 + ["unknown"]


def test_sessions_end_by_themselves(by: By, enter: Enter, opened: tuple[Deployment, FrozenClock]) -> None:
    """After an hour without use, and after twelve whatever the use; what ended is deleted."""
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
    """People, keys and recording are refused with one clear word, and all goes on when it is resumed."""
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
    """What an organisation withholds, full access does not show, from the next request on."""
    session = joined(by)
    assert by.deployment.credentials.viewer(session).withheld == ()
    assert withhold(by, ["salary", "absence"]) == ("absence", "salary")
    assert by.deployment.credentials.viewer(session).withheld == ("absence", "salary")
    with pytest.raises(InvalidError):
        withhold(by, ["wages"])


def test_a_restricted_category_is_read_by_who_has_a_role_that_names_it(by: By) -> None:
    """Whistleblowing is withheld from full access and from keys, until a role names it."""
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
    """A right password lets in and a wrong one does not; each is an entry once there is room, with its own time."""
    store, sessions, clock = FullStore(), FullSessions(), FrozenClock()
    registry = structs.replace(memory_registry(), sessions=sessions)
    deployment = Deployment(store, registry, KEYS, clock=clock, entropy=Steady(3))
    deployment.create(ORG)
    by = By(deployment, operator(ORG))
    joined(by)
    before = len(actions(by))
    enter = entering(by)
    store.full = sessions.full = True
    session = enter(given())
    assert deployment.credentials.viewer(session).item == ANNA
    with pytest.raises(UnauthenticatedError):
        enter(given(password="wrong"))
    with pytest.raises(StorageFullError):  # what changes something does not happen
        put_member(by, ANNA, ["auditor"])
    sign_out(deployment, session, WEB)
    with pytest.raises(UnauthenticatedError):
        deployment.credentials.viewer(session)
    store.full = sessions.full = False
    clock.move(timedelta(minutes=5))
    deployment.log(ORG).recorder.held_back.settle()
    assert actions(by)[before:] == [
        ("user.signed_in", "u-17", "success"),
        ("user.sign_in_failed", "u-17", "failure"),
        ("user.signed_out", "u-17", "success"),
    ]
    deployment.close()
    assert sessions.get(hash_of(session)) is None


def test_what_waits_is_told_in_health_and_recorded_by_itself() -> None:
    """The loop is called `recording`, the log can be asked meanwhile; with room it goes on and nothing is told."""
    store, sessions = FullStore(), FullSessions()
    registry = structs.replace(memory_registry(), sessions=sessions)
    deployment = Deployment(store, registry, KEYS, clock=FrozenClock(), entropy=Steady(3))
    deployment.create(ORG)
    by = By(deployment, operator(ORG))
    joined(by)

    def ailments() -> list[tuple[str | None, bool, str]]:
        return [(a.org, a.fails, a.says) for a in deployment.ailments() if a.part == "recording"]

    def soon(condition: Callable[[], bool]) -> bool:
        return any(condition() or threading.Event().wait(0.02) for _ in range(3000))

    assert ailments() == []
    store.full = True
    entering(by)(given())
    assert soon(lambda: bool(ailments()))
    ((org, fails, says),) = ailments()
    assert (org, fails, "wait to be recorded, 1 in all: the disk is full" in says) == (
        ORG,
        False,
        True,
    )
    store.full = False
    assert soon(lambda: not ailments())
    assert actions(by)[-1] == ("user.signed_in", "u-17", "success")
    deployment.close()
