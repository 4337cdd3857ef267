"""What happens once: a wedding, a company that joins, accounts made twice, a newcomer, an odd night, a busy weekend.

Owns the days that the ten questions and the demonstrations point at. Each is placed from the end of the
simulated time, so that they are recent whenever the demo is built.
"""

from datetime import date, datetime, timedelta
from functools import partial

from trailbook.demo import names
from trailbook.demo.acting import Act
from trailbook.demo.hr import absences, access, competences, integrations, people, salaries
from trailbook.demo.simulation.calendar import first_week, next_worked, odd_night
from trailbook.demo.simulation.founding import IMPORT, any_person, expiry, join, new_person, settle, track
from trailbook.demo.simulation.workday import new_absence
from trailbook.demo.simulation.world import World
from trailbook.demo.simulation.yearly import begin
from trailbook.demo.tables import Person, SyncRun
from trailbook.model import Origin

_JOINED = 8
_TRUST = ("system-administrator", "support-agent", "auditor", "project-lead")
_STRANGE = Origin(interface="mobile", ip="203.0.113.254", user_agent=names.AGENTS[4])


def plan_story(w: World) -> None:
    """Put each of them on the agenda."""
    last = w.span.last
    w.at(w.moment(next_worked(last - timedelta(days=280)), 0), wedding)
    w.at(w.moment(next_worked(w.span.first + timedelta(days=170)), 0), company_joins)
    w.at(w.moment(next_worked(last - timedelta(days=65)), 0), paper_archive)
    for n, days in enumerate((420, 210, 48)):
        w.at(w.moment(next_worked(last - timedelta(days=days)), 1), partial(twice, number=n))
    for days in (350, 190, 75, 33):
        w.at(w.moment(next_worked(last - timedelta(days=days)), 1), trusted)
    w.at(odd_night(w.span.until), odd_change)
    for n, days in enumerate((7, 8)):  # the weekend after it
        w.at(odd_night(w.span.until) + timedelta(days=days, hours=8), partial(directory_moves, half=n))
    monday, _ = first_week(w.span.until)
    w.at(w.moment(next_worked(monday - timedelta(days=14)), 0), newcomer)
    w.at(w.moment(monday + timedelta(days=3), 1), newcomer_asks)


def trusted(w: World, at: datetime) -> None:
    """Jonas gets more and more access: another role each time, and for a while a permission of his own."""
    person, it_lead = w.people[names.REVIEWED], w.by(names.IT_LEAD, at, mobile=False)
    held = {assignment.role_id for assignment in w.assignments[person.id]}
    role = next((key for key in _TRUST if key not in held), None)
    if role:
        w.assignments[person.id].append(access.assign_role(it_lead, w.roles[role], person))
    grant = access.grant_directly(it_lead.but(purpose="audit"), w.permissions["activity-log"], person)
    w.at(w.later(at, 8, 14), lambda w, at: access.revoke_directly(w.by(names.IT_LEAD, at), grant))


def wedding(w: World, at: datetime) -> None:
    """Åse takes another name, and HR the e-mail address that goes with it."""
    person = w.people[names.MARRIED]
    people.update_profile(w.by(person, at), person, {"last_name": names.NEW_NAME})
    later = w.by(names.HR_ADVISOR, at + timedelta(minutes=20))
    people.change_email(later, person, f"ase.{names.NEW_NAME.lower()}@nordlys.example")
    w.changed[person.id] = None


def company_joins(w: World, at: datetime) -> None:
    """Fjellvind AS joins: its people, and their absences of the past months, come from its former system."""
    huldra = w.integrations[names.HULDRA]
    run, act = integrations.start_run(w.hr, huldra, at)
    act = act.but(origin=IMPORT, purpose="migration")
    for n in range(_JOINED):
        person = new_person(w, any_person(w, "operations"), date(at.year - 3, 1 + n, 1))
        now = act.but(at=at + timedelta(seconds=10 * n + 5))
        people.hire(now, person)
        settle(w, now, person)
        people.invite(now, person)
        join(w, person, w.later(at, 1, 3))
        run.people += 1
        for _ in range(w.rng.randint(3, 7)):
            _late_absence(w, act.but(at=_before(w, at, 150)), person)
    integrations.finish_run(act.but(at=at + timedelta(minutes=3)), run)


def _late_absence(w: World, act: Act, person: Person) -> None:
    absence = new_absence(
        w, person, "vacation", first=act.at.date(), length=w.rng.randint(1, 9), status="registered"
    )
    absences.enter(act, absence)


def paper_archive(w: World, at: datetime) -> None:
    """A ring binder from the field office: first aid courses of the past months are entered late, in one run."""
    run, act = integrations.start_run(w.hr, w.integrations[names.HULDRA], at)
    kind = w.courses["first-aid"]
    for _ in range(34):
        person, now = w.anybody(), act.but(at=_before(w, at, 90), origin=IMPORT, purpose="migration")
        ends = expiry(kind, now.at.date(), 0)
        track(w, competences.add(now, person, kind, expires_on=ends))
        run.people += 1
    _finish(act, run, at)


def _finish(act: Act, run: SyncRun, at: datetime) -> None:
    integrations.finish_run(act.but(at=at + timedelta(minutes=2)), run)


def _before(w: World, at: datetime, days: int) -> datetime:
    return w.moment(at.date() - timedelta(days=w.rng.randint(5, days)))


def twice(w: World, at: datetime, number: int) -> None:
    """The directory makes an account twice; the IT lead merges the two."""
    person = w.people[("u-1013", "u-1015", "u-1017")[number]]
    double = names.Colleague(
        f"u-{2001 + number}", person.first_name, person.last_name, person.job_title, "it", None
    )
    copy = new_person(w, double, at.date())
    w.people[copy.id] = copy
    people.hire(w.integration(names.ENTRA, at), copy)
    act = w.by(names.IT_LEAD, at + timedelta(minutes=15), mobile=False).but(purpose="correction")
    people.merge(act, person, copy)


def odd_change(w: World, at: datetime) -> None:
    """On a Saturday night a salary is changed from an address that nobody knows; on Monday it is put right."""
    salary = w.salaries["u-1017"]
    before, monday = salary.amount, next_worked(at.date() + timedelta(days=1))
    act = w.by(names.PAYROLL, at).but(origin=_STRANGE)
    salaries.update(act, salary, amount=names.CANARY_SALARY, day=at.date())
    right = w.moment(monday, 0)

    def put_right(w: World, at: datetime) -> None:
        officer = w.by("u-1007", at, mobile=False).but(purpose="correction")
        salaries.update(officer, salary, amount=before, day=at.date())
        w.changed["u-1017"] = None

    w.at(right, put_right)


def directory_moves(w: World, at: datetime, half: int) -> None:
    """The directory moves house over a weekend: it sends everybody's record once more, half of them each day."""
    run, act = integrations.start_run(w.hr, w.integrations[names.ENTRA], at)
    for n, person in enumerate(w.staff[half::2]):
        now = act.but(at=at + timedelta(seconds=2 + n))
        integrations.exchange(now, run, person, direction="received", payload="moved=1")
    integrations.finish_run(act.but(at=at + timedelta(minutes=3)), run)


def newcomer(w: World, at: datetime) -> None:
    """Live Sørbø is registered a fortnight before her first day."""
    monday, _ = first_week(w.span.until)
    begin(w, at, new_person(w, names.NEWCOMER, monday))


def newcomer_asks(w: World, at: datetime) -> None:
    """On her first Thursday she asks for a day off."""
    person = w.people[names.NEW_HIRE]
    first = at.date() + timedelta(days=30)
    absence = new_absence(w, person, "vacation", first=first, length=1, status="requested")
    absences.enter(w.by(person, at), absence)
    w.at(w.later(at, 1, 1), lambda w, at: absences.step(w.by(w.boss(person), at), absence, "approved"))
