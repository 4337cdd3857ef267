"""Accounts: signing in, second factors, locks, passwords, and support acting as somebody.

Owns the table `account_event`. Passwords and factors themselves are nowhere: this is a demonstration.
"""

from trailbook.demo.acting import HR, Act
from trailbook.demo.tables import AccountEvent, Person
from trailbook.model import Item


def sign_in(hr: HR, act: Act, person: Person) -> None:
    """Somebody signs in."""
    _happened(hr, act, person, "signed_in")
    hr.tell(act, "user.signed_in", person.item)


def fail_sign_in(hr: HR, act: Act, person: Person) -> None:
    """Somebody gives a wrong password."""
    _happened(hr, act, person, "sign_in_failed")
    hr.tell(act, "user.sign_in_failed", person.item, outcome="failure")


def lock(hr: HR, act: Act, person: Person) -> None:
    """Close the account after too many wrong passwords."""
    _happened(hr, act, person, "locked")
    hr.tell(act, "user.locked", person.item, fields=("status",))


def unlock(hr: HR, act: Act, person: Person) -> None:
    """Open a locked account again."""
    _happened(hr, act, person, "unlocked")
    hr.tell(act, "user.unlocked", person.item, fields=("status",))


def change_password(hr: HR, act: Act, person: Person, reset: bool = False) -> None:
    """A new password, chosen by the person or set for them."""
    what = "password_reset" if reset else "password_changed"
    _happened(hr, act, person, what)
    hr.tell(act, f"user.{what}", person.item)


def enrol_factor(hr: HR, act: Act, person: Person) -> None:
    """Add a second factor."""
    _happened(hr, act, person, "mfa_enrolled")
    factor = Item(type="mfa_factor", id=hr.key("mfa"))
    hr.tell(act, "mfa_factor.enrolled", factor, parts={"owner": person.item}, fields=("method",))


def start_impersonation(hr: HR, act: Act, person: Person) -> None:
    """Support begins to act as a person; `act.behalf` is that person."""
    _happened(hr, act, person, "impersonation_started")
    hr.tell(act, "user.impersonation_started", person.item)


def end_impersonation(hr: HR, act: Act, person: Person) -> None:
    """Support ends acting as a person."""
    _happened(hr, act, person, "impersonation_ended")
    hr.tell(act, "user.impersonation_ended", person.item)


def _happened(hr: HR, act: Act, person: Person, what: str) -> None:
    hr.write(AccountEvent, person_id=person.id, what=what, ip=act.origin.ip, **act.done)
