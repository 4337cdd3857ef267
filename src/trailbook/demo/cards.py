"""The simple pages: one item, what the HR system knows of it, and whose it is.

Owns which columns each kind of item shows. A card is plain: a title, facts as label and value, and the person.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trailbook.demo import tables as t
from trailbook.demo.hr.modules import Thing, ThingStep

Facts = tuple[tuple[str, object], ...]


class Change(Struct, frozen=True):
    """A line of a history: when something changed, how, and by whom."""

    at: datetime
    what: str
    by: str


class Card(Struct, frozen=True, kw_only=True):
    """One item as a page: `type` is the log's, `person` the id of whom it belongs to."""

    kind: str
    title: str
    type: str
    facts: Facts
    person: str | None = None
    history: Sequence[Change] = ()


Make = Callable[[Session, str], Card]


def _absence(s: Session, key: str) -> Card:
    row = s.get_one(t.Absence, key)
    facts: Facts = (
        ("Kind", s.get_one(t.AbsenceType, row.type_id).name),
        ("First day", row.first_day),
        ("Last day", row.last_day),
        ("Grade", f"{row.grade} %"),
        ("Status", row.status),
        ("Note", row.note),
    )
    changes = history(s, t.AbsenceStep, t.AbsenceStep.absence_id == key)
    return Card(
        kind="Absence", title="Absence", type="absence", facts=facts, person=row.person_id, history=changes
    )


def _balance(s: Session, key: str) -> Card:
    row = s.get_one(t.AbsenceBalance, key)
    changes = history(s, t.BalanceStep, t.BalanceStep.balance_id == key)
    facts: Facts = (("Days left", row.days),)
    return Card(
        kind="Vacation",
        title="Vacation balance",
        type="absence_balance",
        facts=facts,
        person=row.person_id,
        history=changes,
    )


def _follow_up(s: Session, key: str) -> Card:
    row = s.get_one(t.FollowUp, key)
    changes = history(s, t.FollowUpStep, t.FollowUpStep.follow_up_id == key)
    return Card(
        kind="Absence",
        title="Sick leave follow-up",
        type="sick_leave_follow_up",
        facts=(("Plan", row.plan),),
        person=row.person_id,
        history=changes,
    )


def _competence(s: Session, key: str) -> Card:
    row = s.get_one(t.Competence, key)
    name = s.get_one(t.CompetenceType, row.type_id).name
    facts: Facts = (
        ("Certificate", row.certificate),
        ("Holds until", row.expires_on or "No end"),
        ("Status", row.status),
    )
    changes = history(s, t.CompetenceStep, t.CompetenceStep.competence_id == key)
    return Card(
        kind="Competence", title=name, type="competence", facts=facts, person=row.person_id, history=changes
    )


def _competence_type(s: Session, key: str) -> Card:
    row = s.get_one(t.CompetenceType, key)
    holders = s.scalar(select(func.count()).where(t.Competence.type_id == key))
    term = f"{row.months} months" if row.months else "No end"
    facts: Facts = (("Holds for", term), ("Certificates", holders))
    return Card(kind="Competence", title=row.name, type="competence_type", facts=facts)


def _payroll_run(s: Session, key: str) -> Card:
    row = s.get_one(t.PayrollRun, key)
    slips = s.scalar(select(func.count()).where(t.Payslip.payroll_run_id == key))
    changes = history(s, t.PayrollStep, t.PayrollStep.payroll_run_id == key)
    return Card(kind="Pay", title=row.name, type="payroll_run", facts=(("Payslips", slips),), history=changes)


def _payslip(s: Session, key: str) -> Card:
    row = s.get_one(t.Payslip, key)
    facts: Facts = (
        ("Month", s.get_one(t.PayrollRun, row.payroll_run_id).name),
        ("Paid out", f"NOK {row.net}"),
        ("Published", row.published_at),
    )
    return Card(kind="Pay", title="Payslip", type="payslip", facts=facts, person=row.person_id)


def _account(s: Session, key: str) -> Card:
    row = s.get_one(t.BankAccount, key)
    facts: Facts = (("Number", f"•••• •• {row.number[-5:]}"),)
    changes = history(s, t.BankAccountChange, t.BankAccountChange.bank_account_id == key)
    return Card(
        kind="Pay",
        title="Bank account",
        type="bank_account",
        facts=facts,
        person=row.person_id,
        history=changes,
    )


def _request(s: Session, key: str) -> Card:
    row = s.get_one(t.RoleRequest, key)
    facts: Facts = (
        ("Role", s.get_one(t.Role, row.role_id).name),
        ("Reason", row.reason),
        ("Asked", row.submitted_at),
        ("Decision", row.decision or "Not decided yet"),
    )
    return Card(
        kind="Roles", title="Request for a role", type="role_request", facts=facts, person=row.person_id
    )


def _permission(s: Session, key: str) -> Card:
    row = s.get_one(t.Permission, key)
    holding = select(t.Role.name).join(t.RolePermission, t.RolePermission.role_id == t.Role.id)
    holding = holding.where(t.RolePermission.permission_id == key, t.RolePermission.ended_at.is_(None))
    roles = ", ".join(s.scalars(holding.distinct().order_by(t.Role.name))) or "No role"
    return Card(kind="Roles", title=row.name, type="permission", facts=(("Held by the roles", roles),))


def _permission_set(s: Session, key: str) -> Card:
    row = s.get_one(t.PermissionSet, key)
    changes = history(s, t.PermissionSetChange, t.PermissionSetChange.permission_set_id == key)
    facts: Facts = (("Permissions", row.members),)
    return Card(kind="Roles", title=row.name, type="permission_set", facts=facts, history=changes)


def _contact(s: Session, key: str) -> Card:
    row = s.get_one(t.EmergencyContact, key)
    facts: Facts = (("Name", row.name), ("Telephone", row.phone))
    return Card(
        kind="People", title="Emergency contact", type="emergency_contact", facts=facts, person=row.person_id
    )


def _field(s: Session, key: str) -> Card:
    row = s.get_one(t.UserField, key)
    facts: Facts = (("Added", row.created_at),)
    return Card(kind="People", title=f"Profile field: {row.name}", type="user_field", facts=facts)


def _factor(s: Session, key: str) -> Card:
    row = s.get_one(t.SecondFactor, key)
    facts: Facts = (("Method", row.method),)
    return Card(kind="People", title="Second factor", type="mfa_factor", facts=facts, person=row.person_id)


def _thing(s: Session, key: str) -> Card:
    row = s.get_one(Thing, key)
    kind = row.type.replace("_", " ").capitalize()
    changes = history(s, ThingStep, ThingStep.thing_id == key)
    facts: Facts = (("Kind", kind),)
    return Card(
        kind=kind,
        title=row.name or kind,
        type=row.type,
        facts=facts,
        person=_colleague(s, row),
        history=changes,
    )


def _colleague(s: Session, row: Thing) -> str | None:
    """Whose it is, where that is somebody who works here and no candidate."""
    return None if row.person_id is None or s.get(t.Person, row.person_id) is None else row.person_id


CARDS: dict[str, Make] = {
    "absences": _absence,
    "accounts": _account,
    "balances": _balance,
    "competence-types": _competence_type,
    "competences": _competence,
    "contacts": _contact,
    "factors": _factor,
    "fields": _field,
    "follow-ups": _follow_up,
    "payroll": _payroll_run,
    "payslips": _payslip,
    "permission-sets": _permission_set,
    "permissions": _permission,
    "requests": _request,
    "things": _thing,
}


def history(s: Session, step: Any, where: Any, *, limit: int = 20) -> list[Change]:
    """The last rows of a history table, newest first."""
    rows = s.scalars(select(step).where(where).order_by(step.at.desc()).limit(limit))
    return [Change(row.at, row.what.rpartition(".")[2].replace("_", " "), doer(s, row.by)) for row in rows]


def doer(s: Session, by: str) -> str:
    """Who did something, by name where the HR system knows one."""
    kind, _, key = by.partition("/")
    if kind == "user":
        return s.get_one(t.Person, key).name
    if kind == "integration":
        return s.get_one(t.Integration, key).name
    return key.replace("-", " ").capitalize()
