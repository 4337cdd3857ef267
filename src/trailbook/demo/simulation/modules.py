"""What goes on in the other modules: hours, expenses, courses, papers, reviews, surveys, vacancies, equipment.

Owns how often each happens and who does what next. It draws from chance of its own, so that the rest of the story is
the same with it and without it.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from msgspec import Struct

from trailbook.demo import names
from trailbook.demo.hr import absences, modules, salaries
from trailbook.demo.hr.modules import Thing
from trailbook.demo.simulation.calendar import next_worked, odd_night, worked
from trailbook.demo.simulation.workday import new_absence
from trailbook.demo.simulation.world import Do, World
from trailbook.demo.tables import Person
from trailbook.model import Item

SELF, BOSS = "self", "boss"


class Doing(Struct, frozen=True):
    """One step of what happens to a thing: the action, who does it, and in which part the person is."""

    action: str
    who: str = SELF
    part: str = "owner"
    more: tuple[str, ...] = ()  # other parts that it names, each of which is drawn once for a thing


class Habit(Struct, frozen=True):
    """Something that begins so often on a working day, and its steps, each some days after the one before."""

    rate: float
    type: str
    steps: tuple[Doing, ...]
    names: tuple[str, ...] = ()


_HABITS = (
    Habit(0.24, "timesheet", (Doing("timesheet.submitted"), Doing("timesheet.approved", BOSS))),
    Habit(0.10, "clock_entry", (Doing("clock_entry.corrected", BOSS),)),
    Habit(0.10, "shift", (Doing("shift.assigned", BOSS), Doing("shift.swapped"))),
    Habit(
        *(0.18, "expense"),
        (Doing("expense.submitted"), Doing("expense.approved", BOSS), Doing("expense.paid", names.PAYROLL)),
    ),
    Habit(0.02, "expense", (Doing("expense.submitted"), Doing("expense.rejected", BOSS))),
    Habit(
        *(0.12, "enrolment"),
        (
            Doing("enrolment.assigned", BOSS, "participant", ("course",)),
            Doing("enrolment.started", SELF, "participant", ("course",)),
            Doing("enrolment.completed", SELF, "participant", ("course",)),
        ),
    ),
    Habit(0.14, "document", (Doing("document.uploaded", names.HR_ADVISOR, more=("document_type",)),)),
    Habit(
        *(0.05, "document"),
        (
            Doing("document.uploaded", names.HR_ADVISOR, more=("document_type",)),
            Doing("document.shared", names.HR_ADVISOR, more=("document_type", "recipient")),
        ),
    ),
    Habit(0.03, "benefit", (Doing("benefit.enrolled"), Doing("benefit.changed", names.HR_ADVISOR))),
    Habit(
        *(0.10, "conversation"),
        (
            Doing("conversation.scheduled", BOSS),
            Doing("conversation.held", BOSS),
            Doing("conversation.signed_off"),
        ),
    ),
    Habit(0.05, "goal", (Doing("goal.created"), Doing("goal.completed"))),
    Habit(0.03, "feedback", (Doing("feedback.given", BOSS),)),
    Habit(
        *(0.05, "asset"),
        (Doing("asset.assigned", names.SUPPORT, "holder"), Doing("asset.returned", SELF, "previous_holder")),
        names.EQUIPMENT,
    ),
    Habit(
        0.01, "asset", (Doing("asset.assigned", names.SUPPORT, "holder"), Doing("asset.lost", SELF, "holder"))
    ),
    Habit(0.05, "team", (Doing("team.member_added", BOSS, "member"),)),
    Habit(0.008, "team", (Doing("team.leader_added", names.HR_LEAD, "member"),)),
)


def found_modules(w: World) -> None:
    """What is there from the start: courses, kinds of document, teams as groups, reports and settings."""
    for type_, called in names.THINGS.items():
        w.things[type_] = [modules.make(w.hr, type_, name, key=key) for key, name in called.items()]


def plan_modules(w: World, day: date) -> None:
    """Plan what begins on a working day."""
    if not worked(day):
        return
    for habit in _HABITS:
        if w.more.random() < habit.rate:
            w.at(w.moment(day, rng=w.more), _beginning(habit))
    for due, do in _ROUND:
        if day == next_worked(day.replace(day=due)):
            w.at(w.moment(day, rng=w.more), do)


def plan_once(w: World) -> None:
    """Plan what happens once or twice in two years, the odd nights among them."""
    last, night = w.span.last, odd_night(w.span.until)
    for days in (610, 300, 51):
        w.at(w.moment(next_worked(last - timedelta(days=days)), rng=w.more), case)
    for days in (400, 120, 27):
        w.at(w.moment(next_worked(last - timedelta(days=days)), rng=w.more), asks_for_own_record)
    for days, action in zip(range(40, 700, 66), _SETTINGS * 2, strict=False):
        w.at(w.moment(next_worked(last - timedelta(days=days)), rng=w.more), _setting(action))
    w.at(w.moment(next_worked(last - timedelta(days=90)), rng=w.more), reorganise)
    w.at(night + timedelta(hours=44, minutes=17), late_absence)  # Sunday, shortly before eleven
    w.at(night + timedelta(days=4, minutes=31), account_at_night)  # the Wednesday after it


# --- whatever belongs to a person ---


def _beginning(habit: Habit) -> Do:
    def do(w: World, at: datetime) -> None:
        person = w.more.choice(w.staff)
        called = w.more.choice(habit.names or names.EQUIPMENT) if habit.type == "asset" else None
        if habit.type == "team":
            thing = w.more.choice(w.things["team"])
        else:
            thing = modules.make(w.hr, habit.type, called, person=None if called else person.id)
        follow(w, at, (thing, person), iter(habit.steps))

    return do


def follow(w: World, at: datetime, about: tuple[Thing, Person], steps: Iterator[Doing]) -> None:
    """Do the next step, and plan the one after it; nothing more happens once the person has left."""
    thing, person = about
    step = next(steps, None)
    if step is None or person.status != "active":
        return
    doer = person if step.who == SELF else w.boss(person) if step.who == BOSS else w.people[step.who]
    act = w.by(doer, at, mobile=False)
    # Drawn by the thing, so that a course that was begun is the one that is completed.
    others = {part: _other(w, part, thing) for part in step.more}
    modules.happen(act, step.action, thing, **{step.part: person.item}, **others)
    w.at(soon(w, at), lambda w, at: follow(w, at, about, steps))


def _other(w: World, part: str, thing: Thing) -> Item:
    if part == "recipient":
        return w.integrations[names.HULDRA].item
    offered = w.things[part]
    return offered[sum(thing.id.encode()) % len(offered)].item


def soon(w: World, at: datetime, least: int = 1, most: int = 9) -> datetime:
    """A moment of work some days later."""
    return w.moment(next_worked(at.date() + timedelta(days=w.more.randint(least, most))), rng=w.more)


def onboard(w: World, at: datetime, person: Person) -> None:
    """A new person's papers, tasks and equipment, in the fortnight before the first day."""
    act = w.by(names.HR_ADVISOR, at, mobile=False).but(purpose="onboarding")
    who, contract = person.item, w.things["document_type"][0].item
    onboarding = modules.make(w.hr, "onboarding", person=person.id)
    modules.happen(act, "onboarding.started", onboarding, subject=who)
    paper = modules.make(w.hr, "signature_request", person=person.id)
    parts = {"owner": who, "signer": who, "document_type": contract}
    modules.happen(act.but(at=at + timedelta(seconds=50)), "signature_request.sent", paper, **parts)
    first = w.moment(person.start_date, 1, rng=w.more)
    w.at(first, lambda w, at: _sign(w, at, paper, person=person))
    for n, name in enumerate(names.FIRST_TASKS):
        task = modules.make(w.hr, "task", name)
        helper = w.people[names.SUPPORT] if n == 0 else w.boss(person)
        now = act.but(at=at + timedelta(seconds=70 + n))
        modules.happen(now, "task.assigned", task, assignee=helper.item, subject=who)
        w.at(soon(w, at), _completing(task, helper, who))
    w.at(soon(w, first, 10, 20), lambda w, at: _done(w, at, onboarding, person=person))


def _sign(w: World, at: datetime, paper: Thing, *, person: Person) -> None:
    contract = w.things["document_type"][0].item
    act = w.by(person, at, mobile=False)
    modules.happen(
        act, "signature_request.signed", paper, owner=person.item, signer=person.item, document_type=contract
    )


def _completing(task: Thing, helper: Person, subject: Item) -> Do:
    def do(w: World, at: datetime) -> None:
        modules.happen(w.by(helper, at, mobile=False), "task.completed", task, subject=subject)

    return do


def _done(w: World, at: datetime, onboarding: Thing, *, person: Person) -> None:
    act = w.by(w.boss(person), at, mobile=False).but(purpose="onboarding")
    modules.happen(act, "onboarding.completed", onboarding, subject=person.item)


def offboard(w: World, at: datetime, person: Person) -> None:
    """What a leaver hands back."""
    act = w.by(names.HR_ADVISOR, at, mobile=False).but(purpose="offboarding")
    modules.happen(
        act, "offboarding.started", modules.make(w.hr, "offboarding", person=person.id), subject=person.item
    )
    laptop = modules.make(w.hr, "asset", names.EQUIPMENT[0])
    returned = act.but(at=at + timedelta(minutes=6))
    modules.happen(returned, "asset.returned", laptop, previous_holder=person.item)


# --- what comes round ---


def recruit(w: World, at: datetime) -> None:
    """A vacancy: published, three apply, one is hired and two are turned down."""
    vacancy = modules.make(w.hr, "job", w.more.choice(names.VACANCIES))
    act = w.by(names.HR_ADVISOR, at, mobile=False)
    modules.happen(act, "job.created", vacancy)
    modules.happen(act.but(at=at + timedelta(minutes=8)), "job.published", vacancy)
    for n in range(3):
        name = f"{w.more.choice(names.FIRST_NAMES)} {w.more.choice(names.LAST_NAMES)}"
        candidate = modules.make(w.hr, "candidate", name)
        steps = ("added", "stage_changed", "hired") if n == 0 else ("added", "rejected")
        w.at(soon(w, at, 3, 14), _applying(candidate, vacancy, steps))


def _applying(candidate: Thing, vacancy: Thing, steps: tuple[str, ...]) -> Do:
    def do(w: World, at: datetime) -> None:
        act = w.by(names.HR_ADVISOR, at, mobile=False)
        modules.happen(act, f"candidate.{steps[0]}", candidate, job=vacancy.item)
        if steps[0] == "stage_changed":
            offer = modules.make(w.hr, "offer", person=candidate.id)
            sent = act.but(at=at + timedelta(minutes=12))
            modules.happen(sent, "offer.sent", offer, candidate=candidate.item, job=vacancy.item)
        if steps[1:]:
            w.at(soon(w, at, 4, 12), _applying(candidate, vacancy, steps[1:]))

    return do


def ask_everybody(w: World, at: datetime) -> None:
    """A survey: made, sent out, reminded of, closed, and its results shared; never an entry for an answer."""
    survey = modules.make(w.hr, "survey", f"Pulse {at:%B %Y}")
    for n, what in enumerate(("created", "launched", "reminder_sent", "closed", "results_shared")):
        w.at(at if n == 0 else soon(w, at, 4 * n, 4 * n + 3), _surveying(survey, what))


def _surveying(survey: Thing, what: str) -> Do:
    return lambda w, at: _happening(w, at, f"survey.{what}", survey)


def report(w: World, at: datetime) -> None:
    """The month's report is run, and shared with who asked for it; a list goes out as a file."""
    thing = w.more.choice(w.things["report"])
    _happening(w, at, "report.run", thing)
    lead = w.people[names.CEO].item
    act = w.by(names.HR_LEAD, at + timedelta(minutes=11), mobile=False)
    modules.happen(act, "report.shared", thing, recipient=lead)
    export = modules.make(w.hr, "export_job", f"Staff list {at:%B %Y}")
    for n, what in enumerate(("requested", "completed", "downloaded")):
        _happening(w, at + timedelta(minutes=14 + n), f"export.{what}", export)


def review_year(w: World, at: datetime) -> None:
    """Each January a review cycle begins."""
    if at.month == 1:
        cycle = modules.make(w.hr, "review_cycle", f"Performance review {at.year}")
        _happening(w, at, "review_cycle.created", cycle)
        _happening(w, at + timedelta(minutes=9), "review_cycle.launched", cycle)


def read_handbook(w: World, at: datetime) -> None:
    """A page of the handbook is put right, and somebody confirms that they read it."""
    page = w.more.choice(w.things["handbook_page"])
    _happening(w, at, "handbook_page.updated", page)
    reader = w.more.choice(w.staff)
    w.at(
        soon(w, at),
        lambda w, at: modules.happen(w.by(reader, at, mobile=False), "handbook_page.acknowledged", page),
    )


def _happening(w: World, at: datetime, action: str, thing: Thing) -> None:
    modules.happen(w.by(names.HR_LEAD, at, mobile=False), action, thing)


# --- once ---


def case(w: World, at: datetime) -> None:
    """A report of wrongdoing: a case that moves on, about nobody."""
    thing = modules.make(w.hr, "case")
    for n, what in enumerate(("opened", "assigned", "status_changed", "closed")):
        w.at(at if n == 0 else soon(w, at, 5 * n, 5 * n + 4), _moving_on(thing, what))


def _moving_on(thing: Thing, what: str) -> Do:
    return lambda w, at: _happening(w, at, f"case.{what}", thing)


def asks_for_own_record(w: World, at: datetime) -> None:
    """Somebody asks what is kept about them, and HR answers."""
    person = w.more.choice(w.staff)
    request = modules.make(w.hr, "subject_request", person=person.id)
    modules.happen(w.by(person, at, mobile=False), "subject_request.opened", request, subject=person.item)
    w.at(soon(w, at), lambda w, at: modules.happen(
        w.by(names.HR_ADVISOR, at, mobile=False), "subject_request.fulfilled", request, subject=person.item,
    ))  # fmt: skip


_SETTINGS = (
    "setting.updated",
    "workflow.updated",
    "notification_rule.updated",
    "module.enabled",
    "field_visibility",
)


def _setting(action: str) -> Do:
    def do(w: World, at: datetime) -> None:
        act = w.by(names.IT_LEAD, at, mobile=False)
        if action == "field_visibility":
            role = w.roles["line-lead"].item
            modules.happen(act, "field_visibility.changed", w.things["user_field"][0], role=role)
        else:
            modules.happen(act, action, w.more.choice(w.things[action.partition(".")[0]]))

    return do


def reorganise(w: World, at: datetime) -> None:
    """A team moves to another department."""
    team, department = w.things["team"][0], w.things["department"][0]
    modules.happen(w.by(names.HR_LEAD, at, mobile=False), "team.moved", team, parent=department.item)


def late_absence(w: World, at: datetime) -> None:
    """On a Sunday evening somebody registers an absence, and almost an hour later HR changes its days."""
    person = w.people["u-1013"]
    absence = new_absence(w, person, "vacation", first=at.date(), length=2, status="registered")
    absences.enter(w.by(person, at, mobile=True), absence)
    absences.step(w.by(names.HR_ADVISOR, at + timedelta(minutes=52), mobile=True), absence, "updated")


def account_at_night(w: World, at: datetime) -> None:
    """In the night to a Wednesday somebody's pay is sent to another account, by the payroll specialist."""
    salaries.change_account(w.by(names.PAYROLL, at, mobile=True), w.accounts["u-1014"], w.digits(11))
    w.changed["u-1014"] = None


_ROUND: tuple[tuple[int, Do], ...] = (
    (5, report),
    (8, review_year),
    (9, read_handbook),
    (11, recruit),
    (23, ask_everybody),
)
