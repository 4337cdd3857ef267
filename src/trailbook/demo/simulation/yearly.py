"""What comes round: payroll each month, pay review each spring, access review each autumn, hiring and leaving.

Owns the company's rhythm. Before the access review many roles are given and taken, afterwards many are taken.
"""

from datetime import date, datetime, timedelta
from uuid import UUID

from trailbook.demo import names
from trailbook.demo.hr import access, accounts, competences, integrations, people, salaries
from trailbook.demo.simulation import modules, workday
from trailbook.demo.simulation.calendar import local, next_worked, worked
from trailbook.demo.simulation.founding import any_person, expiry, join, new_person, settle, track
from trailbook.demo.simulation.world import Do, Leaving, World
from trailbook.demo.tables import PayrollRun, Person, Salary

_STAFF = 121
_BURST: dict[int, tuple[tuple[float, Do], ...]] = {  # by month: what happens more often on each working day
    8: ((1.3, workday.give_role), (0.8, workday.request_role), (0.7, workday.edit_permissions)),
    9: ((1.5, workday.give_role), (1.2, workday.take_role), (0.8, workday.edit_permissions)),
    10: ((1.9, workday.take_role), (0.7, workday.edit_permissions), (0.3, workday.knock)),
}


def plan_rhythm(w: World, day: date) -> None:
    """Plan what the calendar asks for on a day."""
    if worked(day):
        for rate, do in _BURST.get(day.month, ()):
            for _ in range(w.some(rate)):
                w.at(w.moment(day), do)
        if w.chance(0.10) and len(w.staff) < _STAFF + 4:
            w.at(w.moment(day), hire_somebody)
        if w.chance(0.10) and len(w.staff) > _STAFF - 4:
            w.at(w.moment(day), somebody_leaves)
        if w.chance(0.02):
            w.at(w.moment(day), tend_integration)
    if day == next_worked(day.replace(day=18)):
        w.at(w.moment(day, 0), run_payroll)
    if day == next_worked(day.replace(day=3)) and day.month == 3:
        w.at(w.moment(day, 0), review_pay)
    if day == next_worked(day.replace(day=1)) and day.month == 10:
        w.at(w.moment(day, 0), review_access)


# --- hiring and leaving ---


def hire_somebody(w: World, at: datetime) -> None:
    """HR registers somebody who begins in a fortnight."""
    first = next_worked(at.date() + timedelta(days=14))
    begin(w, at, new_person(w, any_person(w), first))


def begin(w: World, at: datetime, person: Person) -> None:
    """Register, invite and welcome a new person."""
    act = w.by(names.HR_ADVISOR, at, mobile=False).but(purpose="onboarding")
    people.hire(act, person)
    settle(w, act.but(at=at + timedelta(seconds=40)), person)
    people.invite(act.but(at=at + timedelta(seconds=90)), person)
    modules.onboard(w, at + timedelta(seconds=100), person)
    if w.chance(0.25):
        again = w.moment(next_worked(at.date() + timedelta(days=7)))
        w.at(again, lambda w, at: people.invite(w.by(names.HR_ADVISOR, at), person, again=True))
    w.at(w.moment(person.start_date, 0), lambda w, at: welcome(w, at, person))


def welcome(w: World, at: datetime, person: Person) -> None:
    """The first day, and the courses and papers of the first two weeks."""
    join(w, person, at)
    w.at(at + timedelta(minutes=2), lambda w, at: accounts.enrol_factor(w.by(person, at), person))
    w.at(at + timedelta(minutes=3), lambda w, at: accounts.sign_in(w.by(person, at), person))
    for n, course in enumerate(names.MANDATORY):
        w.at(w.moment(next_worked(person.start_date + timedelta(days=n))), _attending(person, course))
    w.at(w.moment(next_worked(person.start_date + timedelta(days=1))), _naming_contact(person))


def _attending(person: Person, course: str) -> Do:
    def do(w: World, at: datetime) -> None:
        kind = w.courses[course]
        act = w.integration(names.MOODLE, at).but(behalf=person.item, purpose="training")
        ends = expiry(kind, at.date(), 0)
        held = competences.add(act, person, kind, expires_on=ends)
        track(w, held)
        boss = w.boss(person)
        w.at(w.later(at, 1, 3), lambda w, at: competences.step(w.by(boss, at), "verified", held))

    return do


def _naming_contact(person: Person) -> Do:
    def do(w: World, at: datetime) -> None:
        name, phone = f"{w.rng.choice(names.FIRST_NAMES)} {person.last_name}", f"+47 {w.digits(8)}"
        w.contacts[person.id] = people.add_contact(w.by(person, at), person, name=name, phone=phone)
        people.update_profile(w.by(person, at), person, {"phone": f"+47 {w.digits(8)}"})
        w.changed[person.id] = None

    return do


def somebody_leaves(w: World, at: datetime) -> None:
    """Somebody gives notice; the access ends by itself the night after the last day."""
    person = w.rng.choice(w.staff)
    if person.id in names.STAYING or person.end_date is not None:
        return
    act = w.by(names.HR_ADVISOR, at).but(purpose="offboarding")
    last = at.date() + timedelta(days=w.rng.randint(20, 60))
    people.schedule_termination(act, person, last)
    w.at(w.moment(next_worked(last), 1), lambda w, at: _leave(w, at, person))


def _leave(w: World, at: datetime, person: Person) -> None:
    act = w.by(names.HR_ADVISOR, at, mobile=False).but(purpose="offboarding")
    w.leaving.append(Leaving(person, people.terminate(act, person)))
    w.staff.remove(person)
    w.changed[person.id] = None
    modules.offboard(w, at + timedelta(seconds=20), person)
    reports = [other for other in w.staff if other.supervisor_id == person.id]
    for n, other in enumerate(reports):
        now = act.but(at=at + timedelta(seconds=20 * (n + 1)))
        people.change_supervisor(now, other, w.people[names.LEADS[other.department_id].head])


# --- pay ---


def run_payroll(w: World, at: datetime) -> None:
    """The month's payroll: started by the calendar, approved, exported, paid, and a payslip for everybody."""
    run = PayrollRun(id=f"pay-{at:%Y-%m}", name=f"Payroll {at:%B %Y}")
    together = w.rule("payroll-calendar", at).but(correlation=run.id, purpose="payroll")
    started = salaries.step_run(together, run, "started")
    later = at + timedelta(minutes=9)
    officer = w.by("u-1007", later).but(correlation=run.id, purpose="payroll", caused_by=started)
    approved = salaries.step_run(officer, run, "approved")
    visma = w.integration(names.VISMA, later + timedelta(minutes=1))
    visma = visma.but(correlation=run.id, purpose="payroll", caused_by=approved)
    salaries.step_run(visma, run, "exported")
    paid = salaries.step_run(visma.but(at=later + timedelta(minutes=6)), run, "paid")
    for n, person in enumerate(w.staff):
        now = visma.but(at=later + timedelta(minutes=7, milliseconds=350 * n), caused_by=paid)
        salaries.publish_payslip(now, run, person, net=f"{w.digits(5)}.00")


def review_pay(w: World, at: datetime) -> None:
    """Each spring every supervisor proposes, the finance lead approves, and April brings the new salary."""
    day = date(at.year, 4, 1)
    for person in list(w.staff):
        amount = f"{float(w.salaries[person.id].amount) * w.rng.uniform(1.01, 1.07):.2f}"
        if person.id != "u-1016":  # whose salary is the canary
            w.at(w.later(at, 1, 9), _proposing(person, amount, day))


def _proposing(person: Person, amount: str, day: date) -> Do:
    def do(w: World, at: datetime) -> None:
        salary = w.salaries[person.id]
        act = w.by(w.boss(person), at).but(purpose="review")
        salaries.schedule(act, salary, amount=amount, day=day)
        w.at(w.later(at, 2, 9), lambda w, at: _decide(w, at, salary, amount=amount, day=day))

    return do


def _decide(w: World, at: datetime, salary: Salary, *, amount: str, day: date) -> None:
    approved = not w.chance(0.04)
    act = w.by("u-1007", at, mobile=False).but(purpose="review")
    cause = salaries.decide(act, salary, amount=amount, approved=approved)
    if approved:
        w.at(local(day, 4 * 3600 + w.rng.random() * 60), _raising(salary, amount, cause))


def _raising(salary: Salary, amount: str, cause: UUID) -> Do:
    def do(w: World, at: datetime) -> None:
        act = w.rule("payroll-calendar", at).but(purpose="review", caused_by=cause)
        salaries.update(act, salary, amount=amount, day=at.date())
        w.changed[salary.person_id] = None

    return do


# --- access ---


def review_access(w: World, at: datetime) -> None:
    """Once a year the IT lead goes through every role and writes down what it is for."""
    act = w.by(names.IT_LEAD, at, mobile=False).but(purpose="review", correlation=f"access-review-{at.year}")
    for n, role in enumerate(w.roles.values()):
        now = act.but(at=at + timedelta(seconds=50 * n))
        access.describe_role(now, role, f"{role.name}; reviewed {at:%B %Y}")
    if w.roles["report-reader"].name == names.ROLES["report-reader"]:
        access.rename_role(
            act.but(at=at + timedelta(minutes=13)), w.roles["report-reader"], "Insights reader"
        )


def tend_integration(w: World, at: datetime) -> None:
    """The IT lead rotates a secret, changes a mapping, or switches an integration off for an hour."""
    integration = w.integrations[w.rng.choice((names.VISMA, names.ENTRA, names.MOODLE))]
    act = w.by(names.IT_LEAD, at, mobile=False)
    what = w.rng.choice(("credential_rotated", "mapping_changed", "configured", "disabled"))
    integrations.change(act, integration, what)
    if what == "disabled":
        w.at(
            at + timedelta(minutes=25),
            lambda w, at: integrations.change(w.by(names.IT_LEAD, at), integration, "enabled"),
        )
