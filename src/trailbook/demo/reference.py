"""The ten questions, each with the log's filter and with the answer counted in the HR system's own tables.

Owns the reading of hr.db as a history: which columns say that something happened, when, by whom and about whom.
Refuses to look at the log: a count that came from there would prove nothing.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, Subquery, and_, func, literal, null, or_, select, union_all
from sqlalchemy.orm import Session

from trailbook.demo import names
from trailbook.demo import tables as t
from trailbook.demo.simulation.calendar import ZONE, first_week, local, odd_night, same_day

Params = tuple[tuple[str, str], ...]
_TZ = ("tz", "Europe/Oslo")
_NOT_LOG = ("category.not", "activity_log")


class Question(Struct, frozen=True, kw_only=True):
    """A question of product.md: its number, its words, the log's filter and the count of hr.db."""

    number: int
    text: str
    params: Params
    count: Callable[[Session], int]


def lived_until(session: Session) -> datetime:
    """When the simulated months of this hr.db end."""
    return session.scalars(select(t.Company)).one().lived_until


def ten(until: datetime) -> tuple[Question, ...]:
    """The ten questions as they are asked at `until`, the end of the simulated months."""
    today = until.astimezone(ZONE).date()
    month, quarter = date(today.year, today.month, 1), date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    last_month = _between(_months(month, -1), month)
    last_quarter = _between(_months(quarter, -3), quarter)
    half_year = _between(_months(today, -6), today + timedelta(days=1))
    last_year = _between(date(today.year - 1, 1, 1), date(today.year, 1, 1))
    monday, sunday = first_week(until)
    saturday = odd_night(until).astimezone(ZONE).date()
    weekend = _between(saturday, saturday + timedelta(days=2))
    first_days = _between(monday, sunday + timedelta(days=1))
    reviewed, newcomer, it_lead = names.REVIEWED, names.NEW_HIRE, f"user/{names.IT_LEAD}"
    access = _in("roles", "permissions")
    asked: tuple[tuple[str, Params, tuple[ColumnElement[bool], ...]], ...] = (
        (
            "Who updated their own profile last month?",
            (("date", "last-month"), ("category", "users"), ("self", "true")),
            (last_month, _in("users"), _self()),
        ),
        (
            "What was sent to integrations last quarter?",
            (("date", "last-quarter"), ("category", "integrations")),
            (last_quarter, _in("integrations")),
        ),
        (
            "Which permissions were given to Jonas Lindström?",
            (("category", "roles"), ("category", "permissions"), ("concerns", f"user/{reviewed}")),
            (access, _about(reviewed)),
        ),
        (
            "Which roles and permissions changed in the past 6 months?",
            (("date", "past-6-months"), ("category", "roles"), ("category", "permissions")),
            (half_year, access),
        ),
        (
            "What happened to Live Sørbø in her first week?",
            (("from", f"{monday}"), ("to", f"{sunday}"), ("concerns", f"user/{newcomer}"), _NOT_LOG),
            (first_days, _about(newcomer)),
        ),
        (
            "What did automation do last month?",
            (("date", "last-month"), ("actor_kind", "system"), ("actor_kind", "integration"), _NOT_LOG),
            (last_month, h.by.not_like("user/%")),
        ),
        (
            "Who gained or updated skills?",
            (("category", "competence"),),
            (_in("competence"),),
        ),
        (
            "Any unexpected change to absence or salary that weekend?",
            (
                ("from", f"{saturday}"),
                ("to", f"{saturday + timedelta(days=1)}"),
                ("category", "absence"),
                ("category", "salary"),
            ),
            (weekend, _in("absence", "salary")),
        ),
        (
            "What did Mikael Nyström do with roles last quarter?",
            (("actor", it_lead), ("category", "roles"), ("date", "last-quarter")),
            (last_quarter, h.by == it_lead, _in("roles")),
        ),
        (
            "Give me last year as a file that an auditor can verify.",
            (("date", "last-year"), _NOT_LOG),
            (last_year,),
        ),
    )
    return tuple(
        Question(number=n, text=text, params=(*params, _TZ), count=_counting(where))
        for n, (text, params, where) in enumerate(asked, 1)
    )


def _counting(where: tuple[ColumnElement[bool], ...]) -> Callable[[Session], int]:
    asked = select(func.count()).select_from(_HAPPENED).where(and_(*where))
    return lambda session: session.scalar(asked) or 0


def _months(day: date, months: int) -> date:
    at = day.year * 12 + day.month - 1 + months
    return same_day(at // 12, at % 12 + 1, day.day)


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


def _happened(category: str, at: Any, by: Any, **who: Any) -> Select[Any]:
    """Rows of one table: `who` has `what`, `about` and, where there are such, `behalf`, `also` and `before`."""
    return select(
        literal(category).label("category"),
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


def _of_steps(category: str, step: Any, key: Any, thing: Any) -> Select[Any]:
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


def _history() -> Subquery:
    integration = "integration/" + t.SyncRun.integration_id
    change = t.PersonChange
    parts = (
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
        _of_steps("users", t.EmergencyContactChange, t.EmergencyContactChange.contact_id, t.EmergencyContact),
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
        _steps("integrations", t.IntegrationChange),
        _happened("integrations", t.SyncRun.started_at, integration),
        _happened("integrations", t.SyncRun.finished_at, integration),
        _happened(
            "integrations",
            t.Delivery.at,
            "integration/" + t.Delivery.integration_id,
            about=t.Delivery.person_id,
        ),
        _happened("competence", t.CompetenceType.created_at, t.CompetenceType.created_by),
        _of_steps("competence", t.CompetenceStep, t.CompetenceStep.competence_id, t.Competence),
        _of_steps("absence", t.AbsenceStep, t.AbsenceStep.absence_id, t.Absence),
        _of_steps("absence", t.FollowUpStep, t.FollowUpStep.follow_up_id, t.FollowUp),
        _of_steps("absence", t.BalanceStep, t.BalanceStep.balance_id, t.AbsenceBalance),
        _of_steps("salary", t.SalaryStep, t.SalaryStep.salary_id, t.Salary),
        _steps("salary", t.PayrollStep),
        _happened("salary", t.Payslip.published_at, t.Payslip.published_by, about=t.Payslip.person_id),
        _of_steps("salary", t.BankAccountChange, t.BankAccountChange.bank_account_id, t.BankAccount),
    )
    return union_all(*parts).subquery("happened")


_HAPPENED = _history()
h = _HAPPENED.c
