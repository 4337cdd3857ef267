"""Accounts: signing in, second factors, locks, passwords, and support acting as somebody.

Owns the tables `account_event` and `second_factor`. Passwords themselves are nowhere.
"""

from trailbook.demo.acting import Act
from trailbook.demo.tables import AccountEvent, Person, SecondFactor
from trailbook.model import Item


def sign_in(act: Act, person: Person) -> None:
    """Somebody signs in."""
    _happened(act, person, "signed_in")
    act.tell("user.signed_in", person.item)


def fail_sign_in(act: Act, person: Person) -> None:
    """Somebody gives a wrong password."""
    _happened(act, person, "sign_in_failed")
    act.tell("user.sign_in_failed", person.item, outcome="failure")


def lock(act: Act, person: Person) -> None:
    """Close the account after too many wrong passwords."""
    _happened(act, person, "locked")
    act.tell("user.locked", person.item, fields=("status",))


def unlock(act: Act, person: Person) -> None:
    """Open a locked account again."""
    _happened(act, person, "unlocked")
    act.tell("user.unlocked", person.item, fields=("status",))


def change_password(act: Act, person: Person, reset: bool = False) -> None:
    """A new password, chosen by the person or set for them."""
    what = "password_reset" if reset else "password_changed"
    _happened(act, person, what)
    act.tell(f"user.{what}", person.item)


def enrol_factor(act: Act, person: Person) -> None:
    """Add a second factor."""
    _happened(act, person, "mfa_enrolled")
    factor = SecondFactor(id=act.hr.key("mfa"), person_id=person.id, method="authenticator app")
    act.hr.add(factor)
    target = Item(type="mfa_factor", id=factor.id)
    act.tell("mfa_factor.enrolled", target, parts={"owner": person.item}, fields=("method",))


def start_impersonation(act: Act, person: Person) -> None:
    """Support begins to act as a person; `act.behalf` is that person."""
    _happened(act, person, "impersonation_started")
    act.tell("user.impersonation_started", person.item)


def end_impersonation(act: Act, person: Person) -> None:
    """Support ends acting as a person."""
    _happened(act, person, "impersonation_ended")
    act.tell("user.impersonation_ended", person.item)


def _happened(act: Act, person: Person, what: str) -> None:
    act.write(AccountEvent, person_id=person.id, what=what, ip=act.origin.ip)
