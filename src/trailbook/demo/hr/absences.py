"""Absence: asking for days off, registering sick leave, deciding, following up, and balances of vacation.

Owns the tables of absence. The kind of an absence, its note and its days stay here; the log hears only that
there was one, and whose.
"""

from trailbook.demo.acting import Act
from trailbook.demo.tables import (
    Absence,
    AbsenceBalance,
    AbsenceStep,
    BalanceStep,
    FollowUp,
    FollowUpStep,
    Person,
)
from trailbook.model import Item

_TOLD_FIELDS = {
    "updated": ("start_date", "end_date"),
    "grade_changed": ("grade",),
    "note_added": ("note",),
}


def enter(act: Act, absence: Absence) -> None:
    """Enter an absence: `status` says whether it is requested (to be decided) or registered."""
    act.hr.add(absence)
    step(act, absence, absence.status)


def step(act: Act, absence: Absence, what: str) -> None:
    """Approve, reject, update, cancel, delete or grade an absence, or add a note to it."""
    if what in ("approved", "rejected", "cancelled", "deleted"):
        absence.status = what
    act.write(AbsenceStep, absence_id=absence.id, what=what)
    target, parts = Item(type="absence", id=absence.id), {"owner": _owner(act, absence.person_id)}
    act.tell(f"absence.{what}", target, parts=parts, fields=_TOLD_FIELDS.get(what, ()))


def start_follow_up(act: Act, absence: Absence, plan: str) -> FollowUp:
    """Begin to follow up a long sick leave."""
    follow_up = FollowUp(id=act.hr.key("fu"), absence_id=absence.id, person_id=absence.person_id, plan=plan)
    act.hr.add(follow_up)
    step_follow_up(act, follow_up, "started")
    return follow_up


def step_follow_up(act: Act, follow_up: FollowUp, what: str) -> None:
    """Complete a step of a follow-up, or close it."""
    act.write(FollowUpStep, follow_up_id=follow_up.id, what=what)
    target, parts = (
        Item(type="sick_leave_follow_up", id=follow_up.id),
        {"owner": _owner(act, follow_up.person_id)},
    )
    act.tell(f"sick_leave_follow_up.{what}", target, parts=parts)


def open_balance(act: Act, person: Person, days: int) -> AbsenceBalance:
    """A balance for somebody who has none yet; nothing changes for anybody, so nothing is told."""
    balance = AbsenceBalance(id=act.hr.key("bal"), person_id=person.id, days=days)
    act.hr.add(balance)
    return balance


def step_balance(act: Act, balance: AbsenceBalance, *, what: str, days: int) -> None:
    """Adjust, carry over or let expire days of a balance; `days` are left."""
    balance.days = days
    act.write(BalanceStep, balance_id=balance.id, what=what, days=days)
    target, parts = Item(type="absence_balance", id=balance.id), {"owner": _owner(act, balance.person_id)}
    act.tell(f"absence_balance.{what}", target, parts=parts, fields=("balance",))


def _owner(act: Act, person_id: str) -> Item:
    return act.hr.get(Person, person_id).item
