"""What happens at night without anybody: payroll sync, directory sync, reminders, expiry and balances.

Owns the work of integrations and of the system's own rules. Each run is one parent entry, one entry for each
person it touched, and one at its end.
"""

from datetime import date, datetime, timedelta

from trailbook.demo import names
from trailbook.demo.hr import absences, access, competences, integrations, people
from trailbook.demo.hr.competences import HeldCompetence
from trailbook.demo.simulation.calendar import local
from trailbook.demo.simulation.founding import track
from trailbook.demo.simulation.world import Do, World

_SENT = ("first_name", "last_name", "national_id", "job_title", "start_date")
_NOTICE = timedelta(days=30)


def plan_night(w: World, day: date) -> None:
    """Plan the jobs of the night that begins a day."""
    w.at(local(day, 70 * 60 + w.rng.random() * 60), send_to_payroll)
    w.at(local(day, 85 * 60 + w.rng.random() * 60), receive_from_directory)
    w.at(local(day, 95 * 60), lambda w, at: remind(w, at, day))
    w.at(local(day, 100 * 60), lambda w, at: expire_access(w, at, day))
    if (day.month, day.day) == (1, 1):
        w.at(local(day, 105 * 60), carry_over)
    if (day.month, day.day) == (4, 1):
        w.at(local(day, 105 * 60), expire_balances)


def send_to_payroll(w: World, at: datetime) -> None:
    """Everybody whose record changed goes to payroll; a run that fails leaves them for the next night."""
    visma = w.integrations[names.VISMA]
    run, act = integrations.start_run(w.hr, visma, at)
    run.ok = not w.chance(0.012)
    if run.ok:
        for n, key in enumerate(w.changed):
            person = w.people[key]
            now = act.but(at=at + timedelta(seconds=2 + n))
            payload = integrations.sent(person, _SENT)
            integrations.exchange(now, run, person, direction="sent", payload=payload)
        w.changed.clear()
    integrations.finish_run(act.but(at=at + timedelta(seconds=4 + run.people)), run)


def receive_from_directory(w: World, at: datetime) -> None:
    """What IT changed in the directory comes back into profiles, now and then on behalf of who asked for it."""
    entra = w.integrations[names.ENTRA]
    run, act = integrations.start_run(w.hr, entra, at)
    for n in range(w.some(1.6) if w.staff else 0):
        person, now = w.anybody(), act.but(at=at + timedelta(seconds=2 + n))
        payload = f"mobile={w.digits(8)}"
        cause = integrations.exchange(now, run, person, direction="received", payload=payload)
        behalf = person.item if w.chance(0.15) else None
        now = now.but(caused_by=cause, behalf=behalf)
        people.update_profile(now, person, {"phone": f"+47 {w.digits(8)}"})
    integrations.finish_run(act.but(at=at + timedelta(seconds=8)), run)


def remind(w: World, at: datetime, day: date) -> None:
    """Announce certificates that end in a month, and expire those that ended without being renewed."""
    act = w.rule("competence-reminders", at)
    for n, held in enumerate(w.ending.get(day + _NOTICE, ())):
        if held.person.status == "active":
            competences.step(act.but(at=at + timedelta(seconds=n)), "expiry_announced", held)
            if w.chance(0.86):
                w.at(w.later(at, 3, 24), _renewing(held))
    for n, held in enumerate(w.ending.pop(day, ())):
        if held.competence.expires_on == day and held.person.status == "active":
            competences.step(act.but(at=at + timedelta(minutes=1, seconds=n)), "expired", held)


def _renewing(held: HeldCompetence) -> Do:
    return lambda w, at: _renew(w, at, held)


def _renew(w: World, at: datetime, held: HeldCompetence) -> None:
    ends = held.competence.expires_on
    if held.person.status != "active" or ends is None:
        return
    term = timedelta(days=30 * (held.kind.months or 12))
    competences.renew(w.by(held.person, at), held, ends + term)
    track(w, held)
    verifier = w.boss(held.person)
    w.at(w.later(at, 1, 9), lambda w, at: competences.step(w.by(verifier, at), "verified", held))


def expire_access(w: World, at: datetime, day: date) -> None:
    """Take roles that were given until today, and everything from who left yesterday."""
    act = w.rule("access-expiry", at)
    for assignment in w.temporary.pop(day, ()):
        if assignment.ended_at is None:
            access.unassign_role(act, assignment)
            w.assignments[assignment.person_id].remove(assignment)
    for leaving in w.leaving:
        offboarding = act.but(caused_by=leaving.cause, purpose="offboarding")
        for assignment in w.assignments.pop(leaving.person.id):
            access.unassign_role(offboarding, assignment)
        people.deactivate(offboarding, leaving.person)
    w.leaving.clear()


def carry_over(w: World, at: datetime) -> None:
    """At New Year what is left of the vacation goes into the next year."""
    act = w.rule("leave-accrual", at).but(correlation=f"carry-over-{at.year}")
    for n, person in enumerate(w.staff):
        now = act.but(at=at + timedelta(milliseconds=40 * n))
        balance = w.balances[person.id]
        absences.step_balance(now, balance, what="carried_over", days=balance.days + 25)


def expire_balances(w: World, at: datetime) -> None:
    """Days that nobody took by the end of March are gone."""
    act = w.rule("leave-accrual", at).but(correlation=f"balance-expiry-{at.year}")
    for n, person in enumerate(w.staff[::7]):
        now = act.but(at=at + timedelta(milliseconds=40 * n))
        absences.step_balance(now, w.balances[person.id], what="expired", days=25)
