"""Local accounts: invited by link, a password of one's own, signing in and out.

Owns that nobody learns which accounts there are: a wrong name and a wrong password have one answer and one work to
do. Whoever makes an invitation or a reset gets the link and hands it over; no mail is sent. Refuses to look at a
password before the try is counted, and to let those who guess fill a log with entries. A log that cannot be written
keeps nobody out.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

from msgspec import Struct, structs

from trailbook.access import (
    Account,
    Change,
    LinkHolder,
    Member,
    Tries,
    Try,
    Viewer,
    hash_password,
    password_faults,
    password_matches,
    refuse_faults,
)
from trailbook.administration.access import (
    AccessEntry,
    AccessState,
    By,
    PlannedChange,
    change_access,
    find_member,
    member_item,
)
from trailbook.deployment import Deployment
from trailbook.errors import (
    Fault,
    HeadMovedError,
    NotFoundError,
    SuspendedError,
    UnauthenticatedError,
)
from trailbook.model import Actor, Item, NewEntry, Origin, name_fault

INVITATION_LIFE, RESET_LIFE, MAX_LOGIN = timedelta(hours=72), timedelta(hours=1), 200
_WRONG = "the name or the password is wrong"
# Where these cannot be recorded they wait: nobody is kept out, or in, by a full disk.
_NEVER_IN_THE_WAY = frozenset({"user.signed_in", "user.sign_in_failed", "user.signed_out"})
_UNKNOWN = Item(type="user", id="unknown", name="Unknown account")


Later = Callable[[Callable[[], None]], None]


def _at_once(do: Callable[[], None]) -> None:
    do()


class StartedSession(Struct, frozen=True):
    """A session that somebody has begun: their organisation, and the secret text that opens it."""

    org: str
    secret: str


class SignIn(Struct, frozen=True, kw_only=True):
    """What somebody signs in with, from where."""

    org: str
    login: str
    password: str
    origin: Origin


def invite(by: By, type_: str, id_: str, login: str) -> str:
    """The secret text of a link by which a member, who will sign in as `login`, sets a password.

    Raises: NotPermittedError, NotFoundError, InvalidError, AccessMovedError.
    """
    name = login.casefold()

    def plan(state: AccessState) -> PlannedChange:
        old = find_member(state, type_, id_)
        taken = any(m.login == name and (m.type, m.id) != (type_, id_) for m in state.members.values())
        refuse_faults(_login_faults(name, taken=taken))
        new = structs.replace(old, login=name, password=None)
        entry = AccessEntry(action="user.invited", target=member_item(old))
        return PlannedChange(Change(organisation=state.organisation, put_members=[new]), [entry])

    change_access(by, plan)
    item = Item(type=type_, id=id_)
    by.deployment.credentials.end_sessions(by.org, item)
    return by.deployment.credentials.password_link(by.org, item, INVITATION_LIFE)


def reset_password(by: By, type_: str, id_: str) -> str:
    """The secret text of a link by which a member with an account sets a new password.

    The old one works until then. Raises: NotPermittedError, NotFoundError, AccessMovedError.
    """

    def plan(state: AccessState) -> PlannedChange:
        old = find_member(state, type_, id_)
        if old.login is None:
            raise NotFoundError("this member has no account: invite them")
        entry = AccessEntry(action="user.password_reset", target=member_item(old))
        return PlannedChange(Change(organisation=state.organisation), [entry])

    change_access(by, plan)
    return by.deployment.credentials.password_link(by.org, Item(type=type_, id=id_), RESET_LIFE)


def set_password(deployment: Deployment, link: str, password: str, origin: Origin) -> StartedSession:
    """Set the password that a link allows, once; the new session of whoever does.

    Every other session of theirs ends. Raises: UnauthenticatedError; InvalidError, and the link goes on working.
    """
    holder = deployment.credentials.password_holder(link, take=False)
    org, member = holder.org, _account(deployment, holder)
    refuse_faults(password_faults(password, member.login or ""))
    deployment.credentials.password_holder(link, take=True)
    new = structs.replace(member, password=hash_password(password, deployment.entropy))
    action = "user.activated" if member.password is None else "user.password_changed"
    _record(deployment, org, action, person=member_item(member), origin=origin)
    with deployment.changing_access:
        now = deployment.access.organisation(org)
        if deployment.access.member(org, member.type, member.id) != member:
            raise UnauthenticatedError(_WRONG)
        try:
            deployment.access.change_access(now, Change(organisation=now, put_members=[new]))
        except HeadMovedError:
            raise UnauthenticatedError(_WRONG) from None
    deployment.credentials.end_sessions(org, holder.item)
    _record(deployment, org, "user.signed_in", person=member_item(member), origin=origin)
    return StartedSession(org, deployment.credentials.new_session(org, member_item(member)))


def password_name(deployment: Deployment, link: str) -> str:
    """The name that whoever has this link will sign in with. Raises: UnauthenticatedError."""
    return _account(deployment, deployment.credentials.password_holder(link, take=False)).login or ""


def begin_sign_in(attempt: SignIn, tries: Tries) -> Try:
    """Count an attempt, of which nothing is looked at yet. Raises: TooManyTriesError."""
    return tries.begin(Account(attempt.org, attempt.login.casefold(), attempt.origin.ip))


def sign_in(deployment: Deployment, attempt: SignIn, begun: Try, later: Later = _at_once) -> str:
    """The text of a new session; the attempt has begun. It takes the time of one hash, whatever is wrong.

    `later` is given what records a failure, to be done when whoever tried has their answer: by how long it took they
    would hear whether there was anything to record.
    Raises: UnauthenticatedError, one for every reason; SuspendedError.
    """
    member = deployment.access.member_by_login(attempt.org, attempt.login.casefold())
    right = password_matches(attempt.password, None if member is None else member.password)
    if member is None or not right or member.disabled_at is not None:
        later(partial(_record_failure, deployment, attempt, member, begun))
        raise UnauthenticatedError(_WRONG)
    begun.went_well()
    person = member_item(member)
    session = deployment.credentials.new_session(attempt.org, person)
    _record(deployment, attempt.org, "user.signed_in", person=person, origin=attempt.origin)
    return session


def _record_failure(deployment: Deployment, attempt: SignIn, member: Member | None, begun: Try) -> None:
    """An entry where there is a log that takes it: for a stranger, a suspended organisation is as none at all.

    Of a name that nobody has it says that somebody tried, and nothing that they sent or are.
    """
    who = None if member is None else (member.type, member.id)
    if attempt.org not in deployment.orgs() or not begun.makes_entry(attempt.org, who):
        return
    person = _UNKNOWN if member is None else member_item(member)
    origin = Origin(interface=attempt.origin.interface) if member is None else attempt.origin
    with suppress(SuspendedError):
        _record(deployment, attempt.org, "user.sign_in_failed", person=person, origin=origin)


def signed_in_by_link(deployment: Deployment, viewer: Viewer, origin: Origin) -> None:
    """Record that somebody signed in by a one-time link. Raises: StoreError."""
    _record(deployment, viewer.org, "user.signed_in", person=viewer.item, origin=origin)


def sign_out(deployment: Deployment, session: str, origin: Origin) -> None:
    """End a session; one that is gone already is fine, and no entry. Raises: StoreError."""
    try:
        viewer = deployment.credentials.viewer(session)
    except UnauthenticatedError:
        deployment.credentials.sign_out(session)
        return
    deployment.credentials.sign_out(session)
    _record(deployment, viewer.org, "user.signed_out", person=viewer.item, origin=origin)


def _account(deployment: Deployment, holder: LinkHolder) -> Member:
    member = deployment.access.member(holder.org, holder.item.type, holder.item.id)
    if member is None or member.login is None or member.disabled_at is not None:
        raise UnauthenticatedError(_WRONG)
    return member


def _record(deployment: Deployment, org: str, action: str, *, person: Item, origin: Origin) -> None:
    entry = NewEntry(
        action=action,
        occurred_at=deployment.clock(),
        actor=Actor(kind="person", type=person.type, id=person.id, name=person.name),
        target=person,
        origin=origin,
        outcome="failure" if action == "user.sign_in_failed" else "success",
    )
    log = deployment.log(org)
    if action in _NEVER_IN_THE_WAY:
        log.recorder.held_back.record(entry, always=True)
    else:
        log.record_many([entry])


def _login_faults(login: str, *, taken: bool) -> tuple[Fault, ...]:
    why = name_fault(login, MAX_LOGIN)
    if why is None and any(c.isspace() for c in login):
        why = "has blanks in it"
    if why is None and taken:
        why = "is the name that another member signs in with"
    return () if why is None else (Fault("/login", "invalid", why),)
