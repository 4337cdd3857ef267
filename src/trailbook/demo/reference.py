"""The ten questions, each with the log's filter and with the answer counted in the HR system's own tables.

Owns the reading of hr.db as a history: which columns say that something happened, when, by whom and about whom.
Refuses to look at the log: a count that came from there would prove nothing.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, and_, func, literal, null, or_, select, union_all
from sqlalchemy.orm import Session

from trailbook.demo import names, tables as t
from trailbook.demo.hr.modules import ThingStep
from trailbook.demo.simulation.calendar import ZONE, first_week, local, odd_night, same_day

Params = tuple[tuple[str, str], ...]
_TZ = ("tz", "Europe/Oslo")
_NOT_LOG = ("category.not", "activity_log")


class Question(Struct, frozen=True, kw_only=True):
    """One of the ten questions: its number, its words, the log's filter and the count of hr.db."""

    number: int
    text: str
    params: Params
    count: Callable[[Session], int]


def lived_until(session: Session) -> datetime:
    """When the simulated months of this hr.db end."""
    return session.scalars(select(t.Company)).one().lived_until


class _When(Struct, frozen=True):
    """The ranges of days that the questions are about, seen from the end of the simulated months."""

    until: datetime

    @property
    def today(self) -> date:
        """The day on which the simulated months end, in the company's zone."""
        return self.until.astimezone(ZONE).date()

    def months(self, first: int, end: int) -> ColumnElement[bool]:
        """Whole months, counted from this one (0)."""
        month = self.today.replace(day=1)
        return _between(_months(month, first), _months(month, end))

    @property
    def last_quarter(self) -> ColumnElement[bool]:
        """The whole quarter before this one."""
        into = (self.today.month - 1) % 3
        return self.months(-3 - into, -into)

    @property
    def half_year(self) -> ColumnElement[bool]:
        """Six months back and today."""
        return _between(_months(self.today, -6), self.today + timedelta(days=1))

    @property
    def last_year(self) -> ColumnElement[bool]:
        """The whole year before this one."""
        return _between(date(self.today.year - 1, 1, 1), date(self.today.year, 1, 1))

    @property
    def weekend(self) -> tuple[date, date]:
        """Saturday and Sunday of the odd night."""
        saturday = odd_night(self.until).astimezone(ZONE).date()
        return saturday, saturday + timedelta(days=1)

    @property
    def week(self) -> tuple[date, date]:
        """Monday and Sunday of the newcomer's first week."""
        return first_week(self.until)


class _Draft(Struct, frozen=True):
    """A question before it is known when it is asked: its words, and the log's filter and hr.db's conditions then."""

    text: str
    params: Callable[[_When], Params]
    where: Callable[[_When], tuple[ColumnElement[bool], ...]]


def ten(until: datetime) -> tuple[Question, ...]:
    """The ten questions as they are asked at `until`, the end of the simulated months."""
    when = _When(until)
    return tuple(
        Question(
            number=n, text=draft.text, params=(*draft.params(when), _TZ), count=_counting(draft.where(when))
        )
        for n, draft in enumerate(_DRAFTS, 1)
    )


def _counting(where: tuple[ColumnElement[bool], ...]) -> Callable[[Session], int]:
    count = select(func.count()).select_from(_HAPPENED).where(and_(*where))
    return lambda session: session.scalar(count) or 0


def _months(day: date, months: int) -> date:
    at = day.year * 12 + day.month - 1 + months
    return same_day(at // 12, at % 12 + 1, day.day)


def _days(days: tuple[date, date]) -> ColumnElement[bool]:
    return _between(days[0], days[1] + timedelta(days=1))


def _from_to(days: tuple[date, date]) -> Params:
    return (("from", f"{days[0]}"), ("to", f"{days[1]}"))


def _between(first: date, end: date) -> ColumnElement[bool]:
    return and_(h.at >= local(first, 0), h.at < local(end, 0))


def _in(*categories: str) -> ColumnElement[bool]:
    return h.category.in_(categories)


def _self() -> ColumnElement[bool]:
    """The doer is whom it is about, in whatever part, and did it in nobody's name."""
    return and_(h.by.in_(["user/" + h.about, "user/" + h.also, "user/" + h.before]), h.behalf.is_(None))


def _about(person: str) -> ColumnElement[bool]:
    return or_(h.about == person, h.also == person, h.before == person, h.behalf == person)


# --- hr.db as a history: one select for each column that says when something happened ---


def _happened(category: Any, at: Any, by: Any, **who: Any) -> Select[Any]:
    """Rows of one table: `who` has `what`, `about` and, where there are such, `behalf`, `also` and `before`."""
    return select(
        (literal(category) if isinstance(category, str) else category).label("category"),
        who.get("what", null()).label("what"),
        at.label("at"),
        by.label("by"),
        who.get("behalf", null()).label("behalf"),
        who.get("about", null()).label("about"),
        who.get("also", null()).label("also"),
        who.get("before", null()).label("before"),
    ).where(at.is_not(None))


def _steps(category: str, step: Any, about: Any = None) -> Select[Any]:
    """A history table; `about` is the column of the person, if the thing belongs to one."""
    who = {} if about is None else {"about": about}
    return _happened(category, step.at, step.by, what=step.what, behalf=step.behalf, **who)


def _of_steps(category: str, step: Any, key: Any, *, thing: Any) -> Select[Any]:
    """A history table of things that belong to a person."""
    return _steps(category, step, thing.person_id).join(thing, key == thing.id)


def _spans(category: str, row: Any, about: Any = None) -> tuple[Select[Any], Select[Any]]:
    """A table whose rows were given and perhaps ended."""
    who = {} if about is None else {"about": about}
    behalf = {"behalf": row.given_behalf} if hasattr(row, "given_behalf") else {}
    return (
        _happened(category, row.given_at, row.given_by, **who, **behalf),
        _happened(category, row.ended_at, row.ended_by, **who),
    )


def _of_people() -> tuple[Select[Any], ...]:
    change = t.PersonChange
    return (
        _happened(
            "users",
            change.at,
            change.by,
            what=change.what,
            behalf=change.behalf,
            about=change.person_id,
            also=change.supervisor_id,
            before=change.previous_supervisor_id,
        ),
        _happened(
            "users",
            t.EmergencyContact.added_at,
            t.EmergencyContact.added_by,
            about=t.EmergencyContact.person_id,
        ),
        _of_steps(
            "users", t.EmergencyContactChange, t.EmergencyContactChange.contact_id, thing=t.EmergencyContact
        ),
        _happened("users", t.UserField.created_at, t.UserField.created_by),
        _steps("security", t.AccountEvent, t.AccountEvent.person_id),
        _steps("roles", t.RoleChange),
        *_spans("roles", t.RoleAssignment, t.RoleAssignment.person_id),
        _happened(
            "roles", t.RoleRequest.submitted_at, t.RoleRequest.submitted_by, about=t.RoleRequest.person_id
        ),
        _happened("roles", t.RoleRequest.decided_at, t.RoleRequest.decided_by, about=t.RoleRequest.person_id),
        *_spans("permissions", t.RolePermission),
        _steps("permissions", t.LevelChange),
        _steps("permissions", t.PermissionSetChange),
        *_spans("permissions", t.PermissionGrant, t.PermissionGrant.person_id),
        _happened("permissions", t.AccessRefusal.at, "user/" + t.AccessRefusal.person_id),
    )


def _of_the_rest() -> tuple[Select[Any], ...]:
    integration = "integration/" + t.SyncRun.integration_id
    return (
        _steps("integrations", t.IntegrationChange),
        _happened("integrations", t.SyncRun.started_at, integration),
        _happened("integrations", t.SyncRun.finished_at, integration),
        _happened(
            "integrations",
            t.Delivery.at,
            "integration/" + t.Delivery.integration_id,
            about=t.Delivery.person_id,
        ),
        _happened(
            *(ThingStep.category, ThingStep.at, ThingStep.by),
            what=ThingStep.what,
            about=ThingStep.about,
            also=ThingStep.also,
        ),
        _happened("competence", t.CompetenceType.created_at, t.CompetenceType.created_by),
        _of_steps("competence", t.CompetenceStep, t.CompetenceStep.competence_id, thing=t.Competence),
        _of_steps("absence", t.AbsenceStep, t.AbsenceStep.absence_id, thing=t.Absence),
        _of_steps("absence", t.FollowUpStep, t.FollowUpStep.follow_up_id, thing=t.FollowUp),
        _of_steps("absence", t.BalanceStep, t.BalanceStep.balance_id, thing=t.AbsenceBalance),
        _of_steps("salary", t.SalaryStep, t.SalaryStep.salary_id, thing=t.Salary),
        _steps("salary", t.PayrollStep),
        _happened("salary", t.Payslip.published_at, t.Payslip.published_by, about=t.Payslip.person_id),
        _of_steps("salary", t.BankAccountChange, t.BankAccountChange.bank_account_id, thing=t.BankAccount),
    )


_HAPPENED = union_all(*_of_people(), *_of_the_rest()).subquery("happened")
h = _HAPPENED.c

_ROLES: Params = (("category", "roles"), ("category", "permissions"))
_DRAFTS = (
    _Draft(
        "Who updated their own profile last month?",
        lambda w: (("date", "last-month"), ("category", "users"), ("self", "true")),
        lambda w: (w.months(-1, 0), _in("users"), _self()),
    ),
    _Draft(
        "What was sent to integrations last quarter?",
        lambda w: (("date", "last-quarter"), ("category", "integrations")),
        lambda w: (w.last_quarter, _in("integrations")),
    ),
    _Draft(
        "Which permissions were given to Jonas Lindström?",
        lambda w: (*_ROLES, ("concerns", f"user/{names.REVIEWED}")),
        lambda w: (_in("roles", "permissions"), _about(names.REVIEWED)),
    ),
    _Draft(
        "Which roles and permissions changed in the past 6 months?",
        lambda w: (("date", "past-6-months"), *_ROLES),
        lambda w: (w.half_year, _in("roles", "permissions")),
    ),
    _Draft(
        "What happened to Live Sørbø in her first week?",
        lambda w: (*_from_to(w.week), ("concerns", f"user/{names.NEW_HIRE}"), _NOT_LOG),
        lambda w: (_days(w.week), _about(names.NEW_HIRE)),
    ),
    _Draft(
        "What did automation do last month?",
        lambda w: (("date", "last-month"), ("actor_kind", "system"), ("actor_kind", "integration"), _NOT_LOG),
        lambda w: (w.months(-1, 0), h.by.not_like("user/%")),
    ),
    _Draft(
        "Who gained or updated skills?",
        lambda w: (("category", "competence"),),
        lambda w: (_in("competence"),),
    ),
    _Draft(
        "Any unexpected change to absence or salary that weekend?",
        lambda w: (*_from_to(w.weekend), ("category", "absence"), ("category", "salary")),
        lambda w: (_days(w.weekend), _in("absence", "salary")),
    ),
    _Draft(
        "What did Mikael Nyström do with roles last quarter?",
        lambda w: (("actor", f"user/{names.IT_LEAD}"), ("category", "roles"), ("date", "last-quarter")),
        lambda w: (w.last_quarter, h.by == f"user/{names.IT_LEAD}", _in("roles")),
    ),
    _Draft(
        "Give me last year as a file that an auditor can verify.",
        lambda w: (("date", "last-year"), _NOT_LOG),
        lambda w: (w.last_year,),
    ),
)
