"""What people do on any day: sign in, change their profiles, ask for days off, fall ill, learn, ask for roles.

Owns how often each happens and what follows from it days later. Each function is one thing that starts now.
"""

from datetime import date, datetime, timedelta

from trailbook.demo import names
from trailbook.demo.hr import absences, access, accounts, competences, people, salaries
from trailbook.demo.simulation.calendar import worked
from trailbook.demo.simulation.founding import expiry, track
from trailbook.demo.simulation.world import Do, World
from trailbook.demo.tables import Absence, FollowUp, Person, Role


def plan_day(w: World, day: date) -> None:
    """Plan what begins on a day by chance."""
    for rate, do in _WORKDAY if worked(day) else _WEEKEND:
        for _ in range(w.some(rate)):
            w.at(w.moment(day), do)


# --- accounts ---


def sign_in(w: World, at: datetime) -> None:
    """Somebody signs in."""
    person = w.anybody()
    accounts.sign_in(w.by(person, at), person)


def fail_sign_in(w: World, at: datetime) -> None:
    """Somebody mistypes; now and then five times, until the account is locked."""
    person, locked = w.anybody(), w.chance(0.08)
    act = w.by(person, at)
    for n in range(5 if locked else 1):
        accounts.fail_sign_in(act.but(at=at + timedelta(seconds=9 * n)), person)
    if locked:
        accounts.lock(w.rule("account-guard", at + timedelta(seconds=46)), person)
        w.at(at + timedelta(minutes=20), lambda w, at: _unlock(w, at, person))


def _unlock(w: World, at: datetime, person: Person) -> None:
    act = w.by(names.SUPPORT, at, mobile=False).but(purpose="support")
    accounts.unlock(act, person)
    accounts.change_password(act.but(at=at + timedelta(seconds=30)), person, reset=True)


def change_password(w: World, at: datetime) -> None:
    """Somebody chooses another password."""
    person = w.anybody()
    accounts.change_password(w.by(person, at), person)


def act_as_somebody(w: World, at: datetime) -> None:
    """Support acts as a person, to put a profile right with them on the telephone."""
    person = w.anybody()
    act = w.by(names.SUPPORT, at, mobile=False).but(purpose="support", correlation=w.hr.key("case"))
    accounts.start_impersonation(act, person)
    as_person = act.but(at=at + timedelta(seconds=80), behalf=person.item)
    people.update_profile(as_person, person, {"phone": f"+47 {w.digits(8)}"})
    accounts.end_impersonation(act.but(at=at + timedelta(minutes=4)), person)
    w.changed[person.id] = None


# --- profiles ---


def update_own_profile(w: World, at: datetime) -> None:
    """Somebody moves, or has another telephone."""
    person = w.anybody()
    changes = {
        "phone": f"+47 {w.digits(8)}",
        "address": f"{w.rng.choice(names.LAST_NAMES)}gata {w.digits(2)}",
    }
    if w.chance(0.6):
        del changes[w.rng.choice(sorted(changes))]
    people.update_profile(w.by(person, at), person, changes)
    w.changed[person.id] = None


def correct_profile(w: World, at: datetime) -> None:
    """HR corrects what somebody's record says."""
    person = w.anybody()
    act = w.by(names.HR_ADVISOR, at, mobile=False).but(purpose="correction")
    if w.chance(0.3):
        people.update_sensitive(act, person, {"notes": w.rng.choice(names.NOTES)})
    else:
        people.update_profile(act, person, {"location": w.rng.choice(names.LOCATIONS)})
    w.changed[person.id] = None


def change_photo(w: World, at: datetime) -> None:
    """Somebody has a new photo."""
    person = w.anybody()
    people.change_photo(w.by(person, at), person)


def change_contact(w: World, at: datetime) -> None:
    """Somebody names whom to call, or changes the number."""
    person = w.anybody()
    act, phone = w.by(person, at), f"+47 {w.digits(8)}"
    if contact := w.contacts.get(person.id):
        people.update_contact(act, contact, phone)
    else:
        name = f"{w.rng.choice(names.FIRST_NAMES)} {person.last_name}"
        w.contacts[person.id] = people.add_contact(act, person, name=name, phone=phone)


def change_account(w: World, at: datetime) -> None:
    """Somebody wants the pay on another account."""
    person = w.anybody()
    salaries.change_account(w.by(person, at), w.accounts[person.id], w.digits(11))
    w.changed[person.id] = None


def change_position(w: World, at: datetime) -> None:
    """Somebody gets another title, or another team too."""
    person = w.anybody()
    if person.id in names.STAYING:
        return
    changes = {"job_title": w.rng.choice(names.TITLES[person.department_id])}
    if w.chance(0.4):
        team = w.rng.choice(names.TEAMS[person.department_id])
        changes["team_id"] = team.lower().replace(" ", "-")
    act = w.by(w.boss(person), at).but(purpose="reorganisation" if len(changes) > 1 else None)
    people.change_position(act, person, changes)
    w.changed[person.id] = None


def change_supervisor(w: World, at: datetime) -> None:
    """Somebody gets another supervisor, from among the senior people."""
    person, supervisor = w.anybody(), w.rng.choice(w.staff[:24])
    if person.id in names.STAYING:
        return
    if supervisor.id not in (person.id, person.supervisor_id) and supervisor.supervisor_id != person.id:
        people.change_supervisor(w.by(names.HR_ADVISOR, at), person, supervisor)


def change_employment(w: World, at: datetime) -> None:
    """Somebody becomes permanent, or temporary."""
    person = w.anybody()
    kind = "temporary" if person.employment_type == "permanent" else "permanent"
    people.change_employment(w.by(names.HR_LEAD, at), person, kind)
    w.changed[person.id] = None


# --- absence ---


def new_absence(w: World, person: Person, kind: str, **days: object) -> Absence:
    """An absence with all its columns; `days` has `first`, `length` and `status`."""
    first = days["first"]
    assert isinstance(first, date)  # every caller's own
    return Absence(
        id=w.hr.key("abs"),
        type_id=kind,
        person_id=person.id,
        first_day=first,
        last_day=first + timedelta(days=int(str(days["length"]))),
        grade=100,
        note=names.CANARY_NOTE if w.chance(0.02) else w.rng.choice(names.NOTES),
        status=days["status"],
    )


def request_vacation(w: World, at: datetime) -> None:
    """Somebody asks for days off; the supervisor answers within days."""
    person = w.anybody()
    first = at.date() + timedelta(days=w.rng.randint(5, 90))
    kind = w.rng.choices(("vacation", "unpaid", "parental"), (92, 5, 3))[0]
    absence = new_absence(w, person, kind, first=first, length=w.rng.randint(0, 14), status="requested")
    absences.enter(w.by(person, at), absence)
    w.at(w.later(at, 1, 4), lambda w, at: _answer(w, at, absence))


def _answer(w: World, at: datetime, absence: Absence) -> None:
    person = w.people[absence.person_id]
    if person.status != "active":
        return
    what = "rejected" if w.chance(0.06) else "approved"
    absences.step(w.by(w.boss(person), at), absence, what)
    w.changed[person.id] = None
    if what == "approved" and w.chance(0.12):
        after = w.rng.choice(("updated", "cancelled"))
        w.at(w.later(at, 2, 12), lambda w, at: absences.step(w.by(person, at), absence, after))


def fall_ill(w: World, at: datetime) -> None:
    """Somebody registers sick leave; what follows depends on how long it lasts."""
    person = w.anybody()
    kind = w.rng.choices(("sick-self", "sick-doctor", "sick-child"), (55, 25, 20))[0]
    absence = new_absence(w, person, kind, first=at.date(), length=w.rng.randint(0, 9), status="registered")
    absences.enter(w.by(person, at, mobile=w.chance(0.7)), absence)
    w.changed[person.id] = None
    boss = w.boss(person)
    w.at(w.later(at, 1, 3), lambda w, at: absences.step(w.by(boss, at), absence, "approved"))
    if kind != "sick-doctor":
        return
    for what in w.rng.sample(("grade_changed", "note_added", "grade_changed"), w.rng.randint(0, 2)):
        w.at(w.later(at, 4, 20), _stepping(absence, what))
    if w.chance(0.35):
        absence.last_day += timedelta(days=60)
        w.at(w.later(at, 12, 16), lambda w, at: _follow_up(w, at, absence))


def _stepping(absence: Absence, what: str) -> Do:
    def do(w: World, at: datetime) -> None:
        if what == "grade_changed":
            absence.grade = w.rng.choice((20, 40, 50, 60, 80))
        absences.step(w.by(names.HR_ADVISOR, at), absence, what)

    return do


def _follow_up(w: World, at: datetime, absence: Absence) -> None:
    act = w.by(names.HR_ADVISOR, at, mobile=False).but(purpose="sick_leave_follow_up")
    follow_up = absences.start_follow_up(act, absence, names.CANARY_NOTE)
    for n, what in enumerate(("step_completed", "step_completed", "closed")):
        w.at(w.later(at, 12 * n + 8, 12 * n + 18), _following(follow_up, what))


def _following(follow_up: FollowUp, what: str) -> Do:
    def do(w: World, at: datetime) -> None:
        act = w.by(names.HR_ADVISOR, at).but(purpose="sick_leave_follow_up")
        absences.step_follow_up(act, follow_up, what)

    return do


def adjust_balance(w: World, at: datetime) -> None:
    """HR puts a balance right."""
    person = w.anybody()
    balance = w.balances[person.id]
    act = w.by(names.HR_ADVISOR, at).but(purpose="correction")
    absences.step_balance(act, balance, what="adjusted", days=balance.days + w.rng.choice((-2, -1, 1)))


# --- competence ---


def learn(w: World, at: datetime) -> None:
    """Somebody has a new certificate, entered by themselves or by the course system for them."""
    person, kind = w.anybody(), w.courses[w.rng.choice(sorted(w.courses))]
    by_course = w.chance(0.4)
    act = w.integration(names.MOODLE, at).but(behalf=person.item) if by_course else w.by(person, at)
    held = competences.add(act, person, kind, expires_on=expiry(kind, at.date(), 0))
    track(w, held)
    if not by_course and w.chance(0.5):
        later = w.by(person, at + timedelta(minutes=3))
        competences.step(later, "document_added", held)
    boss = w.boss(person)
    what = w.rng.choices(("verified", "rejected", "updated"), (85, 5, 10))[0]
    w.at(w.later(at, 1, 10), lambda w, at: competences.step(w.by(boss, at), what, held))


# --- roles and permissions ---


def give_role(w: World, at: datetime) -> None:
    """Somebody gets a role, now and then until a day."""
    person, role = w.anybody(), w.roles[w.rng.choice(names.SPARE_ROLES)]
    if _has(w, person, role):
        return
    giver = w.rng.choice((names.IT_LEAD, names.HR_LEAD, w.boss(person).id))
    assignment = access.assign_role(w.by(giver, at), role, person)
    w.assignments[person.id].append(assignment)
    if w.chance(0.35):
        w.temporary.setdefault(at.date() + timedelta(days=w.rng.randint(14, 90)), []).append(assignment)


def take_role(w: World, at: datetime) -> None:
    """Somebody loses one of the roles that they had besides Employee."""
    spare = [
        assignment
        for person in w.staff
        for assignment in w.assignments[person.id]
        if assignment.role_id in names.SPARE_ROLES
    ]
    if not spare:
        return
    assignment = w.rng.choice(spare)
    taker = w.rng.choice((names.IT_LEAD, names.HR_LEAD))
    access.unassign_role(w.by(taker, at), assignment)
    w.assignments[assignment.person_id].remove(assignment)


def request_role(w: World, at: datetime) -> None:
    """Somebody asks for a role; the IT lead or the supervisor decides."""
    person, role = w.anybody(), w.roles[w.rng.choice(names.SPARE_ROLES)]
    if _has(w, person, role):
        return
    reason = w.rng.choice(names.NOTES)
    request = access.request_role(w.by(person, at).but(purpose="access_request"), role, person, reason=reason)
    decider = w.rng.choice((w.people[names.IT_LEAD], w.boss(person)))

    def decide(w: World, at: datetime) -> None:
        approved = person.status == "active" and not _has(w, person, role) and w.chance(0.78)
        act = w.by(decider, at).but(purpose="access_request")
        assignment = access.decide_request(act, request, role if approved else None)
        if assignment:
            w.assignments[person.id].append(assignment)

    w.at(w.later(at, 1, 5), decide)


def _has(w: World, person: Person, role: Role) -> bool:
    return any(assignment.role_id == role.id for assignment in w.assignments.get(person.id, ()))


def edit_permissions(w: World, at: datetime) -> None:
    """The IT lead changes what a role allows."""
    act = w.by(names.IT_LEAD, at, mobile=False)
    live = [held for held in w.role_permissions if held.ended_at is None]
    role = w.roles[w.rng.choice(sorted(w.roles))]
    free = sorted(set(w.permissions) - {held.permission_id for held in live if held.role_id == role.id})
    choice = w.rng.random()
    if choice < 0.45 and free:
        level = w.rng.choice(names.LEVELS[1:])
        permission = w.permissions[w.rng.choice(free)]
        w.role_permissions.append(access.grant_permission(act, role, permission, level=level))
    elif choice < 0.8:
        access.revoke_permission(act, w.rng.choice(live))
    else:
        access.change_level(act, w.rng.choice(live), w.rng.choice(names.LEVELS))


def grant_directly(w: World, at: datetime) -> None:
    """Somebody gets one permission for a while."""
    person, permission = w.anybody(), w.permissions["reports.run"]
    grant = access.grant_directly(w.by(names.IT_LEAD, at), permission, person)
    w.at(w.later(at, 5, 40), lambda w, at: access.revoke_directly(w.by(names.IT_LEAD, at), grant))


def knock(w: World, at: datetime) -> None:
    """Somebody opens a role's page without the right to it."""
    person = w.anybody()
    access.refuse_access(w.by(person, at), person, w.roles[w.rng.choice(sorted(w.roles))])


_WORKDAY: tuple[tuple[float, Do], ...] = (
    (9.5, sign_in),
    (0.7, fail_sign_in),
    (0.5, change_password),
    (0.25, act_as_somebody),
    (2.2, update_own_profile),
    (0.5, correct_profile),
    (0.3, change_photo),
    (0.35, change_contact),
    (0.12, change_account),
    (0.25, change_position),
    (0.15, change_supervisor),
    (0.05, change_employment),
    (2.1, request_vacation),
    (1.5, fall_ill),
    (0.15, adjust_balance),
    (0.9, learn),
    (0.35, give_role),
    (0.2, take_role),
    (0.3, request_role),
    (0.2, edit_permissions),
    (0.06, grant_directly),
    (0.3, knock),
)
_WEEKEND: tuple[tuple[float, Do], ...] = (
    (2.0, sign_in),
    (0.4, fall_ill),
    (0.4, update_own_profile),
    (0.1, request_vacation),
)
