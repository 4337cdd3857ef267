"""The HR system's pages: people, roles, integrations, teams, and every item that an entry's link opens.

Owns the paths below /hr and what each page shows. Values are shown here and only here: this is the host system.
Everything is made on the server and works without JavaScript.
"""

from typing import Any
from urllib.parse import unquote

from litestar import Response, Router, get
from litestar.datastructures import ResponseHeader
from litestar.di import Provide
from litestar.params import FromPath, FromQuery
from litestar.types import ControllerRouterHandler
from sqlalchemy import or_, select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from trailbook.demo import tables as t
from trailbook.demo.cards import CARDS, doer, history
from trailbook.demo.forms import FORMS, filled
from trailbook.demo.looks import STYLE, FormError, Page, Request, System, refusal, render, same_origin
from trailbook.demo.system import HRSystem

_RECENT = 8


def page_routes(hr: HRSystem) -> list[ControllerRouterHandler]:
    """The route handlers of the HR system's pages, all below /hr."""

    def again(request: Request, error: FormError) -> Page:
        return _form_error(hr, request, error)

    pages: list[Any] = [style, people, person, roles, role, integrations, integration, team, salary, card]
    return [
        Router(
            path="/hr",
            route_handlers=[*pages, *FORMS],
            dependencies={"hr": Provide(lambda: hr, sync_to_thread=False), "form": Provide(filled)},
            before_request=same_origin,
            exception_handlers={NoResultFound: _not_found, FormError: again},
            include_in_schema=False,
        )
    ]


@get(
    "/static/hr.css",
    sync_to_thread=False,
    response_headers=[ResponseHeader(name="Cache-Control", value="max-age=3600")],
)
def style() -> Response[bytes]:
    """The one style sheet."""
    headers = {"X-Content-Type-Options": "nosniff"}
    return Response(STYLE, media_type="text/css", headers=headers)


@get("/", sync_to_thread=True)
def people(request: Request, hr: System, *, q: FromQuery[str] = "", left: FromQuery[bool] = False) -> Page:
    """Everybody, or those whose name, title or place begins so."""
    with hr.reading() as s:
        staff = select(t.Person).where(t.Person.status != "merged")
        staff = staff.where(t.Person.status == "left" if left else t.Person.status != "left")
        if q:
            like = [
                c.icontains(q, autoescape=True)
                for c in (t.Person.first_name, t.Person.last_name, t.Person.job_title)
            ]
            staff = staff.where(or_(*like))
        rows = s.scalars(staff.order_by(t.Person.first_name, t.Person.last_name, t.Person.id)).all()
        teams = {row.id: row for row in s.scalars(select(t.Team))}
        return render(request, s, "people.html", rows=rows, teams=teams, q=q, left=left)


@get("/people/{key:str}", sync_to_thread=True)
def person(request: Request, hr: System, *, key: FromPath[str]) -> Page:
    """One person: profile, roles, competence, absence and pay, each with its form."""
    return _person(request, hr, key)


def _person(request: Request, hr: HRSystem, key: str) -> Page:
    with hr.reading() as s:
        row = s.get_one(t.Person, key)
        roles = select(t.RoleAssignment, t.Role).join(t.Role).where(t.RoleAssignment.person_id == key)
        skills = (
            select(t.Competence, t.CompetenceType).join(t.CompetenceType).where(t.Competence.person_id == key)
        )
        away = select(t.Absence, t.AbsenceType).join(t.AbsenceType).where(t.Absence.person_id == key)
        return render(
            request,
            s,
            "person.html",
            row=row,
            team=s.get_one(t.Team, row.team_id),
            department=s.get_one(t.Department, row.department_id),
            boss=s.get(t.Person, row.supervisor_id) if row.supervisor_id else None,
            held=s.execute(roles.where(t.RoleAssignment.ended_at.is_(None)).order_by(t.Role.name)).all(),
            skills=s.execute(skills.order_by(t.CompetenceType.name)).all(),
            away=s.execute(away.order_by(t.Absence.first_day.desc()).limit(_RECENT)).all(),
            pay=s.scalars(select(t.Salary).where(t.Salary.person_id == key)).first(),
            contacts=s.scalars(select(t.EmergencyContact).where(t.EmergencyContact.person_id == key)).all(),
            **_choices(s),
        )


def _choices(s: Session) -> dict[str, object]:
    """What the forms of a person offer."""
    return {
        "all_roles": s.scalars(select(t.Role).order_by(t.Role.name)).all(),
        "courses": s.scalars(select(t.CompetenceType).order_by(t.CompetenceType.name)).all(),
        "kinds": s.scalars(select(t.AbsenceType).order_by(t.AbsenceType.name)).all(),
    }


@get("/roles", sync_to_thread=True)
def roles(request: Request, hr: System) -> Page:
    """Every role, with how many have it."""
    with hr.reading() as s:
        live = select(t.RoleAssignment.role_id).where(t.RoleAssignment.ended_at.is_(None))
        members: dict[str, int] = {}
        for key in s.scalars(live):
            members[key] = members.get(key, 0) + 1
        rows = s.scalars(select(t.Role).order_by(t.Role.name)).all()
        return render(request, s, "roles.html", rows=rows, members=members)


@get("/roles/{key:str}", sync_to_thread=True)
def role(request: Request, hr: System, *, key: FromPath[str]) -> Page:
    """One role: what it allows, and who has it."""
    with hr.reading() as s:
        row = s.get_one(t.Role, key)
        allowed = select(t.RolePermission, t.Permission).join(t.Permission)
        allowed = allowed.where(t.RolePermission.role_id == key, t.RolePermission.ended_at.is_(None))
        members = select(t.RoleAssignment, t.Person).join(t.Person)
        members = members.where(t.RoleAssignment.role_id == key, t.RoleAssignment.ended_at.is_(None))
        held = s.execute(allowed.order_by(t.Permission.name)).all()
        taken = {permission.id for _, permission in held}
        free = [p for p in s.scalars(select(t.Permission).order_by(t.Permission.name)) if p.id not in taken]
        having = s.execute(members.order_by(t.Person.first_name, t.Person.last_name)).all()
        return render(request, s, "role.html", row=row, held=held, free=free, members=having)


@get("/integrations", sync_to_thread=True)
def integrations(request: Request, hr: System) -> Page:
    """Every integration."""
    with hr.reading() as s:
        rows = s.scalars(select(t.Integration).order_by(t.Integration.name)).all()
        return render(request, s, "integrations.html", rows=rows)


@get("/integrations/{key:str}", sync_to_thread=True)
def integration(request: Request, hr: System, *, key: FromPath[str]) -> Page:
    """One integration, with its last runs."""
    with hr.reading() as s:
        row = s.get_one(t.Integration, key)
        runs = select(t.SyncRun).where(t.SyncRun.integration_id == key).order_by(t.SyncRun.started_at.desc())
        changes = history(s, t.IntegrationChange, t.IntegrationChange.integration_id == key, limit=_RECENT)
        last = s.scalars(runs.limit(14)).all()
        return render(request, s, "integration.html", row=row, runs=last, changes=changes)


@get("/teams/{key:str}", sync_to_thread=True)
def team(request: Request, hr: System, *, key: FromPath[str]) -> Page:
    """One team and who is in it."""
    with hr.reading() as s:
        row = s.get_one(t.Team, key)
        members = select(t.Person).where(t.Person.team_id == key, t.Person.status == "active")
        rows = s.scalars(members.order_by(t.Person.first_name, t.Person.last_name)).all()
        department = s.get_one(t.Department, row.department_id)
        return render(request, s, "team.html", row=row, rows=rows, department=department)


@get("/salaries/{key:str}", sync_to_thread=True)
def salary(request: Request, hr: System, *, key: FromPath[str]) -> Page:
    """One salary, its history, and the form that changes it."""
    return _salary(request, hr, key)


def _salary(request: Request, hr: HRSystem, key: str) -> Page:
    with hr.reading() as s:
        row = s.get_one(t.Salary, key)
        owner = s.get_one(t.Person, row.person_id)
        newest = select(t.SalaryStep).where(t.SalaryStep.salary_id == key).order_by(t.SalaryStep.at.desc())
        steps = [(step, doer(s, step.by)) for step in s.scalars(newest.limit(_RECENT))]
        return render(request, s, "salary.html", row=row, owner=owner, steps=steps)


@get("/{kind:str}/{key:str}", sync_to_thread=True)
def card(request: Request, hr: System, *, kind: FromPath[str], key: FromPath[str]) -> Page:
    """Any other item."""
    if kind not in CARDS:
        return refusal(404, "Not here", "The HR system has no such page.")
    with hr.reading() as s:
        item = CARDS[kind](s, key)
        owner = s.get_one(t.Person, item.person) if item.person else None
        return render(request, s, "card.html", card=item, owner=owner, key=key)


def _not_found(_: Request, __: Exception) -> Page:
    return refusal(404, "Not here", "The HR system has no such person or item.")


def _form_error(hr: HRSystem, request: Request, error: FormError) -> Page:
    """The page that the form stands on, with what was typed and what is wrong with it."""
    kind, key = [*request.url.path.split("/")[2:4], "", ""][:2]
    stands_on = {"people": _person, "salaries": _salary}.get(kind)
    if stands_on is None:
        return refusal(422, "That could not be saved", f"{error.words} {error.why}.")
    request.state.error = error
    try:
        return stands_on(request, hr, unquote(key))
    except NoResultFound as missing:
        return _not_found(request, missing)
