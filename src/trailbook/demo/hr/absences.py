"""Absence: asking for days off, registering sick leave, deciding, following up, and balances of vacation.

Owns the tables of absence. The kind of an absence, its note and its days stay here; the log hears only that
there was one, and whose.
"""

from trailbook.demo.acting import HR, Act
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


def enter(hr: HR, act: Act, absence: Absence, person: Person) -> None:
    """Enter an absence: `status` says whether it is requested (to be decided) or registered."""
    hr.session.add(absence)
    step(hr, act, absence, person, what=absence.status)


def step(hr: HR, act: Act, absence: Absence, person: Person, *, what: str) -> None:
    """Approve, reject, update, cancel, delete or grade an absence, or add a note to it."""
    if what in ("approved", "rejected", "cancelled", "deleted"):
        absence.status = what
    hr.write(AbsenceStep, absence_id=absence.id, what=what, **act.done)
    target, parts = Item(type="absence", id=absence.id), {"owner": person.item}
    hr.tell(act, f"absence.{what}", target, parts=parts, fields=_TOLD_FIELDS.get(what, ()))


def start_follow_up(hr: HR, act: Act, absence: Absence, person: Person, plan: str) -> FollowUp:
    """Begin to follow up a long sick leave."""
    follow_up = FollowUp(id=hr.key("fu"), absence_id=absence.id, person_id=person.id, plan=plan)
    hr.session.add(follow_up)
    step_follow_up(hr, act, follow_up, person, what="started")
    return follow_up


def step_follow_up(hr: HR, act: Act, follow_up: FollowUp, person: Person, *, what: str) -> None:
    """Complete a step of a follow-up, or close it."""
    hr.write(FollowUpStep, follow_up_id=follow_up.id, what=what, **act.done)
    target, parts = Item(type="sick_leave_follow_up", id=follow_up.id), {"owner": person.item}
    hr.tell(act, f"sick_leave_follow_up.{what}", target, parts=parts)


def open_balance(hr: HR, person: Person, days: int) -> AbsenceBalance:
    """A balance for somebody who has none yet; nothing changes for anybody, so nothing is told."""
    balance = AbsenceBalance(id=hr.key("bal"), person_id=person.id, days=days)
    hr.session.add(balance)
    return balance


def step_balance(hr: HR, act: Act, balance: AbsenceBalance, person: Person, **how: object) -> None:
    """Adjust, carry over or let expire days of a balance; `how` has `what` and the `days` left."""
    balance.days = int(str(how["days"]))
    hr.write(BalanceStep, balance_id=balance.id, what=how["what"], days=balance.days, **act.done)
    target, parts = Item(type="absence_balance", id=balance.id), {"owner": person.item}
    hr.tell(act, f"absence_balance.{how['what']}", target, parts=parts, fields=("balance",))
