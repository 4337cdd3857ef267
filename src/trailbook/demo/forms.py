"""The HR system's forms: each changes one thing, and its entry is in the log before the answer is sent.

Owns what a form may hold and where it leads back to. Refuses what cannot be kept, naming the field.
"""

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

from litestar import post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy import select
from sqlalchemy.orm import Session

from trailbook.demo import tables as t
from trailbook.demo.acting import Row
from trailbook.demo.hr import absences, access, competences, people, salaries
from trailbook.demo.looks import COOKIE, FormError, Request, System, act_of, text

Form = NamedDependency[dict[str, str]]

_PROFILE = ("phone", "address", "location")


@post("/people/{key:str}/profile", sync_to_thread=True)
def save_profile(request: Request, hr: System, *, key: FromPath[str], form: Form) -> Redirect:
    """Change telephone, address or place of work."""
    with hr.working() as work:
        person = work.get(t.Person, key)
        profile = {field: text(form, field) for field in _PROFILE}
        changes = {field: value for field, value in profile.items() if getattr(person, field) != value}
        if changes:
            people.update_profile(act_of(request, work, hr.clock), person, changes)
    return _back(f"/hr/people/{key}", bool(changes))


@post("/people/{key:str}/position", sync_to_thread=True)
def save_position(request: Request, hr: System, *, key: FromPath[str], form: Form) -> Redirect:
    """Change the job title."""
    title = text(form, "job_title")
    with hr.working() as work:
        person = work.get(t.Person, key)
        changed = person.job_title != title
        if changed:
            people.change_position(act_of(request, work, hr.clock), person, {"job_title": title})
    return _back(f"/hr/people/{key}", changed)


@post("/people/{key:str}/roles", sync_to_thread=True)
def give_role(request: Request, hr: System, *, key: FromPath[str], form: Form) -> Redirect:
    """Give a person a role that they do not have."""
    with hr.working() as work:
        person, role = work.get(t.Person, key), _chosen(work.session, t.Role, form, field="role")
        held = select(t.RoleAssignment).where(
            t.RoleAssignment.person_id == key, t.RoleAssignment.role_id == role.id
        )
        if work.session.scalars(held.where(t.RoleAssignment.ended_at.is_(None))).first():
            raise FormError("role", f"{role.name} is theirs already")
        access.assign_role(act_of(request, work, hr.clock), role, person)
    return _back(f"/hr/people/{key}")


@post("/assignments/{key:str}/end", sync_to_thread=True)
def take_role(request: Request, hr: System, *, key: FromPath[str]) -> Redirect:
    """Take a role away."""
    with hr.working() as work:
        assignment = work.get(t.RoleAssignment, key)
        if assignment.ended_at is not None:
            raise FormError("role", "was taken away before")
        access.unassign_role(act_of(request, work, hr.clock), assignment)
    return _back(f"/hr/people/{assignment.person_id}")


@post("/roles/{key:str}/permissions", sync_to_thread=True)
def grant(request: Request, hr: System, *, key: FromPath[str], form: Form) -> Redirect:
    """Let a role's members do something more."""
    with hr.working() as work:
        role, permission = (
            work.get(t.Role, key),
            _chosen(work.session, t.Permission, form, field="permission"),
        )
        held = select(t.RolePermission).where(t.RolePermission.role_id == key)
        held = held.where(
            t.RolePermission.permission_id == permission.id, t.RolePermission.ended_at.is_(None)
        )
        if work.session.scalars(held).first():
            raise FormError("permission", f"{permission.name} is held already")
        access.grant_permission(act_of(request, work, hr.clock), role, permission, level="full")
    return _back(f"/hr/roles/{key}")


@post("/role-permissions/{key:str}/end", sync_to_thread=True)
def revoke(request: Request, hr: System, *, key: FromPath[str]) -> Redirect:
    """Take a permission from a role."""
    with hr.working() as work:
        held = work.get(t.RolePermission, key)
        if held.ended_at is not None:
            raise FormError("permission", "was taken away before")
        access.revoke_permission(act_of(request, work, hr.clock), held)
    return _back(f"/hr/roles/{held.role_id}")


@post("/people/{key:str}/absences", sync_to_thread=True)
def register_absence(request: Request, hr: System, *, key: FromPath[str], form: Form) -> Redirect:
    """Register days away for a person."""
    first, last = _day(form, "first_day"), _day(form, "last_day")
    if last < first:
        raise FormError("last_day", "lies before the first day")
    with hr.working() as work:
        person, kind = work.get(t.Person, key), _chosen(work.session, t.AbsenceType, form, field="kind")
        absence = t.Absence(
            id=work.key("abs"),
            type_id=kind.id,
            person_id=person.id,
            first_day=first,
            last_day=last,
            grade=100,
            note=text(form, "note") if form.get("note") else "",
            status="registered",
        )
        absences.enter(act_of(request, work, hr.clock), absence)
    return _back(f"/hr/people/{key}")


@post("/people/{key:str}/competences", sync_to_thread=True)
def add_competence(request: Request, hr: System, *, key: FromPath[str], form: Form) -> Redirect:
    """Add a skill or certificate to a person."""
    with hr.working() as work:
        person, kind = (
            work.get(t.Person, key),
            _chosen(work.session, t.CompetenceType, form, field="competence"),
        )
        act = act_of(request, work, hr.clock)
        ends = act.at.date() + timedelta(days=30 * kind.months) if kind.months else None
        competences.add(act, person, kind, expires_on=ends)
    return _back(f"/hr/people/{key}")


@post("/salaries/{key:str}", sync_to_thread=True)
def save_salary(request: Request, hr: System, *, key: FromPath[str], form: Form) -> Redirect:
    """Change a salary from today on."""
    amount = _amount(form, "amount")
    with hr.working() as work:
        salary = work.get(t.Salary, key)
        changed = salary.amount != amount
        if changed:
            act = act_of(request, work, hr.clock)
            salaries.update(act, salary, amount=amount, day=act.at.date())
    return _back(f"/hr/salaries/{key}", changed)


@post("/signed-in-as", sync_to_thread=True)
def sign_in_as(hr: System, form: Form) -> Redirect:
    """Be somebody else from now on; a demonstration has no passwords, and this is no sign-in to record."""
    with hr.reading() as session:
        person = _chosen(session, t.Person, form, field="person")
    if person.status != "active":
        raise FormError("person", "does not work here now")
    cookie = Cookie(key=COOKIE, value=person.id, path="/hr", httponly=True, samesite="lax")
    return Redirect("/hr", status_code=303, cookies=[cookie])


async def filled(request: Request) -> dict[str, str]:
    """The fields of the form that was sent.

    Raises: FormError when it holds a file or a field twice.
    """
    fields = list((await request.form()).multi_items())
    form = {name: value for name, value in fields if isinstance(value, str)}
    if len(form) != len(fields):
        raise FormError("form", "holds a field twice, or a file")
    request.state.form = form
    return form


FORMS: list[Any] = [
    save_profile,
    save_position,
    give_role,
    take_role,
    grant,
    revoke,
    register_absence,
    add_competence,
    save_salary,
    sign_in_as,
]


def _back(path: str, changed: bool = True) -> Redirect:
    return Redirect(f"{quote(path)}?recorded={'yes' if changed else 'no'}", status_code=303)


def _chosen(session: Session, table: type[Row], form: dict[str, str], *, field: str) -> Row:
    row = session.get(table, form.get(field, ""))
    if row is None:
        raise FormError(field, "is not one of those offered")
    return row


def _day(form: dict[str, str], field: str) -> date:
    try:
        return date.fromisoformat(form.get(field, ""))
    except ValueError:
        raise FormError(field, "is not a day such as 2026-11-02") from None


def _amount(form: dict[str, str], field: str) -> str:
    try:
        amount = Decimal(form.get(field, ""))
    except InvalidOperation:
        raise FormError(field, "is not an amount such as 612000.00") from None
    if not amount.is_finite() or not 0 < amount < 100_000_000:
        raise FormError(field, "is not an amount between 0 and 100 million")
    return f"{amount:.2f}"
