"""The first day: the HR system goes live, and everybody and everything is brought into it.

Owns what Nordlys AS is before anything happens: its departments, people, roles, integrations and courses. The
people come from the former system, so their first entries are an import's.
"""

from datetime import date, datetime, timedelta

from trailbook.demo import names
from trailbook.demo.acting import Act
from trailbook.demo.hr import absences, access, competences, integrations, people, salaries
from trailbook.demo.simulation.calendar import local
from trailbook.demo.simulation.world import World
from trailbook.demo.tables import (
    AbsenceType,
    BankAccount,
    Company,
    CompetenceType,
    Department,
    Integration,
    Permission,
    PermissionSet,
    Person,
    Role,
    Team,
)
from trailbook.model import Origin

ORG = "nordlys"
IMPORT = Origin(interface="import")
_OTHERS = 95
_ROLE_OF = {
    names.CEO: ("department-head",),
    names.HR_LEAD: ("hr-administrator", "department-head"),
    names.HR_ADVISOR: ("hr-adviser",),
    names.PAYROLL: ("payroll-officer",),
    names.IT_LEAD: ("system-administrator", "department-head"),
    names.SUPPORT: ("support-agent",),
    "u-1007": ("payroll-approver", "department-head"),
    "u-1008": ("department-head",),
    "u-1009": ("department-head",),
    "u-1010": ("department-head",),
}
_PERMISSIONS_OF = {
    "employee": ("absence.read",),
    "line-lead": ("people.read", "absence.approve", "competence.verify"),
    "department-head": ("people.read", "absence.approve", "competence.verify", "reports.run"),
    "hr-adviser": ("people.read", "people.edit", "people.invite", "absence.read"),
    "hr-administrator": ("people.read", "people.edit", "roles.assign", "salary.read", "activity-log"),
    "payroll-officer": ("salary.read", "salary.edit", "payroll.run"),
    "payroll-approver": ("salary.read", "payroll.run"),
    "system-administrator": ("roles.edit", "roles.assign", "integrations.edit", "activity-log"),
    "auditor": ("reports.run", "activity-log"),
    "report-reader": ("reports.run",),
}


def found_company(w: World) -> None:
    """Write what exists from the start, and plan the first day."""
    session = w.hr.session
    session.add(Company(id=ORG, name=names.ORGANISATION, lived_until=w.span.until))
    for key, name in names.DEPARTMENTS.items():
        session.add(Department(id=key, name=name))
        session.add_all(Team(id=_slug(team), name=team, department_id=key) for team in names.TEAMS[key])
    session.add_all(AbsenceType(id=key, name=name) for key, name in names.ABSENCE_TYPES.items())
    for key, name in names.PERMISSIONS.items():
        w.permissions[key] = Permission(id=key, name=name)
    session.add_all(w.permissions.values())
    go_live = local(w.span.first, 8 * 3600)
    w.at(go_live, _set_up)
    w.at(go_live + timedelta(minutes=10), _move_in)


def new_person(w: World, colleague: names.Colleague, start: date) -> Person:
    """Somebody with all the columns that an HR system wants."""
    born = date(w.rng.randint(1962, 2003), w.rng.randint(1, 12), w.rng.randint(1, 28))
    team = w.rng.choice(names.TEAMS[colleague.department])
    login = f"{colleague.first}.{colleague.last}.{colleague.id[2:]}".lower().translate(_PLAIN)
    return Person(
        id=colleague.id,
        first_name=colleague.first,
        last_name=colleague.last,
        email=f"{login}@nordlys.example",
        phone=f"+47 {w.digits(8)}",
        address=f"{w.rng.choice(names.LAST_NAMES)}veien {w.rng.randint(1, 120)}",
        birth_date=born,
        national_id=f"{born:%d%m%y}{w.digits(5)}",
        notes=w.rng.choice(names.NOTES),
        job_title=colleague.title,
        department_id=colleague.department,
        team_id=_slug(team),
        location=w.rng.choice(names.LOCATIONS),
        supervisor_id=colleague.boss,
        employment_type="permanent" if w.chance(0.85) else "temporary",
        start_date=start,
        status="invited",
    )


def any_person(w: World, department: str | None = None) -> names.Colleague:
    """A new name with an id and a place in a department."""
    where = department or w.rng.choices(list(names.LEADS), [lead.share for lead in names.LEADS.values()])[0]
    first, last = w.rng.choice(names.FIRST_NAMES), w.rng.choice(names.LAST_NAMES)
    return names.Colleague(
        w.new_id(), first, last, w.rng.choice(names.TITLES[where]), where, names.LEADS[where].head
    )


def settle(w: World, act: Act, person: Person) -> None:
    """What everybody gets: the role Employee, a salary, a bank account and a balance of vacation."""
    w.people[person.id] = person
    w.assignments[person.id] = [access.assign_role(act, w.roles["employee"], person)]
    amount = f"{w.rng.randint(430, 1200) * 1000 + w.rng.randint(0, 99) * 10}.00"
    w.salaries[person.id] = salaries.add(act, person, amount)
    w.accounts[person.id] = BankAccount(id=w.hr.key("acc"), person_id=person.id, number=w.digits(11))
    w.hr.add(w.accounts[person.id])
    w.balances[person.id] = absences.open_balance(act, person, 25)
    w.changed[person.id] = None


def expiry(course: CompetenceType, day: date, months: int) -> date | None:
    """When a certificate of that age ends; None where it never does."""
    return None if course.months is None else day + timedelta(days=30 * (course.months - months))


def _set_up(w: World, at: datetime) -> None:
    """The HR lead and the IT lead define roles, integrations, courses and fields."""
    colleagues = {colleague.id: colleague for colleague in names.COLLEAGUES}
    for key in (names.HR_LEAD, names.IT_LEAD):  # they must exist before they can act
        w.people[key] = new_person(w, colleagues[key], date(2015, 8, 1))
    hr_lead, it_lead = w.people[names.HR_LEAD], w.people[names.IT_LEAD]
    _define_access(w, w.by(it_lead, at, mobile=False))
    for n, (key, name) in enumerate(names.INTEGRATIONS.items()):
        act = w.by(it_lead, at + timedelta(minutes=2, seconds=n), mobile=False)
        secret = names.CANARY_SECRET if key == names.VISMA else w.hr.key("secret")
        endpoint = f"https://{key}.example/api"
        w.integrations[key] = Integration(id=key, name=name, endpoint=endpoint, secret=secret, enabled=True)
        integrations.connect(act, w.integrations[key])
        integrations.change(act, w.integrations[key], "configured")
    act = w.by(hr_lead, at + timedelta(minutes=4), mobile=False)
    for key, (name, months) in names.COURSES.items():
        w.courses[key] = CompetenceType(
            id=key, name=name, months=months, created_at=act.at, created_by=act.by
        )
        competences.define_type(act, w.courses[key])
    for key, name in names.USER_FIELDS.items():
        people.define_field(act, key, name)


def _define_access(w: World, act: Act) -> None:
    for key, name in names.ROLES.items():
        w.roles[key] = Role(id=key, name=name, description=f"What {name.lower()}s do")
        access.define_role(act, w.roles[key])
        for permission in _PERMISSIONS_OF.get(key, ()):
            w.role_permissions.append(
                access.grant_permission(act, w.roles[key], w.permissions[permission], level="full")
            )
    for key, name in names.PERMISSION_SETS.items():
        access.change_set(act, PermissionSet(id=key, name=name, members="people.read"), "people.read")


def _move_in(w: World, at: datetime) -> None:
    """Everybody comes over from the former system, in one run of its integration."""
    huldra = w.integrations[names.HULDRA]
    run, act = integrations.start_run(w.hr, huldra, at)
    act = act.but(origin=IMPORT, purpose="migration")
    for n, colleague in enumerate((*names.COLLEAGUES, *(any_person(w) for _ in range(_OTHERS)))):
        start = date(w.rng.randint(2008, w.span.first.year - 1), w.rng.randint(1, 12), 1)
        person = w.people.get(colleague.id) or new_person(w, colleague, start)
        _bring(w, act.but(at=at + timedelta(seconds=n)), person)
        run.people += 1
    integrations.finish_run(act.but(at=at + timedelta(minutes=4)), run)
    w.people["u-1014"].national_id = names.CANARY_NATIONAL_ID
    w.people["u-1015"].notes = names.CANARY_NOTE
    w.salaries["u-1016"].amount = names.CANARY_SALARY
    w.accounts["u-1017"].number = names.CANARY_ACCOUNT


def _bring(w: World, act: Act, person: Person) -> None:
    people.hire(act, person)
    settle(w, act, person)
    for role in _ROLE_OF.get(person.id, ()):
        w.assignments[person.id].append(access.assign_role(act, w.roles[role], person))
    people.invite(act, person)
    join(w, person, w.moment(act.at.date() + timedelta(days=w.rng.randint(0, 4))))
    for course in names.MANDATORY:
        kind = w.courses[course]
        ends = expiry(kind, act.at.date(), w.rng.randint(0, (kind.months or 1) - 1))
        track(w, competences.add(act, person, kind, expires_on=ends))


def join(w: World, person: Person, at: datetime) -> None:
    """Plan that a person follows the invitation."""

    def do(w: World, at: datetime) -> None:
        people.activate(w.by(person, at), person)
        w.staff.append(person)

    w.at(at, do)


def track(w: World, held: competences.HeldCompetence) -> None:
    """Remember when a certificate ends."""
    if held.competence.expires_on is not None:
        w.ending.setdefault(held.competence.expires_on, []).append(held)


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-")


_PLAIN = str.maketrans("åøæöäðíóúé", "aoaoadioue")
