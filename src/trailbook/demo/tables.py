"""The HR system's own tables (hr.db): people, access, integrations, competence, absence and pay.

Owns the real columns, those that must never reach the log among them: amounts, national ids, notes, secrets.
Refuses to know the log: nothing here stores an entry or its id, so counts made here are counts of their own.
Who did something is written `type/id` ("user/u-1002", "system/access-expiry"); `behalf` is a person's id.
"""

from datetime import date, datetime

from sqlalchemy import ForeignKey, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, object_session

from trailbook.demo.instant import Instant
from trailbook.model import Item


class Base(DeclarativeBase):
    """All tables of hr.db."""

    metadata = MetaData()
    type_annotation_map = {datetime: Instant()}  # noqa: RUF012 - SQLAlchemy reads it as declared


class Step:
    """A row of a history: what was done to a thing, when, by whom and in whose name."""

    id: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)
    by: Mapped[str]
    behalf: Mapped[str | None]


class Named:
    """Something with an id of its own and a name."""

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class Company(Named, Base):
    """Whose HR system this is, and until when its months were simulated."""

    __tablename__ = "company"
    lived_until: Mapped[datetime]


# --- people ---


class Department(Named, Base):
    """A department."""

    __tablename__ = "department"


class Team(Named, Base):
    """A team of a department."""

    __tablename__ = "team"
    department_id: Mapped[str] = mapped_column(ForeignKey("department.id"))


class Person(Base):
    """Somebody who works, will work or worked here."""

    __tablename__ = "person"
    id: Mapped[str] = mapped_column(primary_key=True)
    first_name: Mapped[str]
    last_name: Mapped[str]
    email: Mapped[str]
    phone: Mapped[str]
    address: Mapped[str]
    birth_date: Mapped[date]
    national_id: Mapped[str]
    notes: Mapped[str]
    job_title: Mapped[str]
    department_id: Mapped[str] = mapped_column(ForeignKey("department.id"))
    team_id: Mapped[str] = mapped_column(ForeignKey("team.id"))
    location: Mapped[str]
    supervisor_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    employment_type: Mapped[str]
    start_date: Mapped[date]
    end_date: Mapped[date | None]
    status: Mapped[str]  # invited, active, left, merged
    photo: Mapped[str | None]

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"

    @property
    def item(self) -> Item:
        """The person as the log names them."""
        return Item(type="user", id=self.id, name=self.name, hint=self.hint)

    @property
    def hint(self) -> str:
        """What tells people of one name apart, as things are today."""
        session = object_session(self)
        team = None if session is None else session.get(Team, self.team_id)
        return self.job_title if team is None else f"{self.job_title}, {team.name}"


class PersonChange(Step, Base):
    """Employment history: each change to a person's record, with the values before and after."""

    __tablename__ = "person_change"
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    supervisor_id: Mapped[str | None]
    previous_supervisor_id: Mapped[str | None]
    before: Mapped[str | None]
    after: Mapped[str | None]


class AccountEvent(Step, Base):
    """Signing in and what guards it."""

    __tablename__ = "account_event"
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    ip: Mapped[str | None]


class SecondFactor(Base):
    """What a person signs in with besides the password."""

    __tablename__ = "second_factor"
    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    method: Mapped[str]


class EmergencyContact(Named, Base):
    """Whom to call; `phone` is nobody else's business."""

    __tablename__ = "emergency_contact"
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    phone: Mapped[str]
    added_at: Mapped[datetime]
    added_by: Mapped[str]


class EmergencyContactChange(Step, Base):
    """History of an emergency contact; the number before."""

    __tablename__ = "emergency_contact_change"
    contact_id: Mapped[str] = mapped_column(ForeignKey("emergency_contact.id"))
    before: Mapped[str]


class UserField(Named, Base):
    """A field of the profile that the company defined itself."""

    __tablename__ = "user_field"
    created_at: Mapped[datetime]
    created_by: Mapped[str]


# --- roles and permissions ---


class Role(Named, Base):
    """A role with its description."""

    __tablename__ = "role"
    description: Mapped[str]

    @property
    def item(self) -> Item:
        """The role as the log names it."""
        return Item(type="role", id=self.id, name=self.name)


class RoleChange(Step, Base):
    """History of a role's definition."""

    __tablename__ = "role_change"
    role_id: Mapped[str] = mapped_column(ForeignKey("role.id"), index=True)


class RoleAssignment(Base):
    """A role given to a person, and when it ended."""

    __tablename__ = "role_assignment"
    id: Mapped[str] = mapped_column(primary_key=True)
    role_id: Mapped[str] = mapped_column(ForeignKey("role.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    given_at: Mapped[datetime]
    given_by: Mapped[str]
    given_behalf: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]


class RoleRequest(Base):
    """Somebody asks for a role, for themselves; `reason` is free text."""

    __tablename__ = "role_request"
    id: Mapped[str] = mapped_column(primary_key=True)
    role_id: Mapped[str] = mapped_column(ForeignKey("role.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    reason: Mapped[str]
    submitted_at: Mapped[datetime]
    submitted_by: Mapped[str]
    decision: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]


class Permission(Named, Base):
    """Something a role may allow."""

    __tablename__ = "permission"

    @property
    def item(self) -> Item:
        """The permission as the log names it."""
        return Item(type="permission", id=self.id, name=self.name)


class RolePermission(Base):
    """A permission that a role holds or held, at a level."""

    __tablename__ = "role_permission"
    id: Mapped[str] = mapped_column(primary_key=True)
    role_id: Mapped[str] = mapped_column(ForeignKey("role.id"), index=True)
    permission_id: Mapped[str] = mapped_column(ForeignKey("permission.id"))
    level: Mapped[str]
    given_at: Mapped[datetime]
    given_by: Mapped[str]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]


class LevelChange(Step, Base):
    """A permission of a role moved to another level."""

    __tablename__ = "level_change"
    role_id: Mapped[str] = mapped_column(ForeignKey("role.id"), index=True)
    permission_id: Mapped[str] = mapped_column(ForeignKey("permission.id"))
    level: Mapped[str]


class PermissionSet(Named, Base):
    """Permissions that are given together."""

    __tablename__ = "permission_set"
    members: Mapped[str]


class PermissionSetChange(Step, Base):
    """History of a permission set."""

    __tablename__ = "permission_set_change"
    permission_set_id: Mapped[str] = mapped_column(ForeignKey("permission_set.id"))


class PermissionGrant(Base):
    """A permission given to one person directly."""

    __tablename__ = "permission_grant"
    id: Mapped[str] = mapped_column(primary_key=True)
    permission_id: Mapped[str] = mapped_column(ForeignKey("permission.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    given_at: Mapped[datetime]
    given_by: Mapped[str]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]


class AccessRefusal(Base):
    """Somebody tried what they may not do."""

    __tablename__ = "access_refusal"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    role_id: Mapped[str] = mapped_column(ForeignKey("role.id"))
    at: Mapped[datetime]


# --- integrations ---


class Integration(Named, Base):
    """Another system; `secret` opens it."""

    __tablename__ = "integration"
    endpoint: Mapped[str]
    secret: Mapped[str]
    enabled: Mapped[bool]

    @property
    def item(self) -> Item:
        """The integration as the log names it."""
        return Item(type="integration", id=self.id, name=self.name)


class IntegrationChange(Step, Base):
    """History of an integration's settings and health."""

    __tablename__ = "integration_change"
    integration_id: Mapped[str] = mapped_column(ForeignKey("integration.id"), index=True)


class SyncRun(Base):
    """One run of an integration."""

    __tablename__ = "sync_run"
    id: Mapped[str] = mapped_column(primary_key=True)
    integration_id: Mapped[str] = mapped_column(ForeignKey("integration.id"), index=True)
    started_at: Mapped[datetime] = mapped_column(index=True)
    finished_at: Mapped[datetime]
    ok: Mapped[bool]
    people: Mapped[int]


class Delivery(Base):
    """One person sent to or received from an integration; `payload` is what was exchanged."""

    __tablename__ = "delivery"
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("sync_run.id"))
    integration_id: Mapped[str] = mapped_column(ForeignKey("integration.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    direction: Mapped[str]  # sent, received
    payload: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)


# --- competence ---


class CompetenceType(Named, Base):
    """A kind of skill or certificate, and for how many months it holds."""

    __tablename__ = "competence_type"
    months: Mapped[int | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class Competence(Base):
    """A skill or certificate that a person holds; `certificate` is its number."""

    __tablename__ = "competence"
    id: Mapped[str] = mapped_column(primary_key=True)
    type_id: Mapped[str] = mapped_column(ForeignKey("competence_type.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    certificate: Mapped[str]
    expires_on: Mapped[date | None]
    status: Mapped[str]


class CompetenceStep(Step, Base):
    """History of one competence."""

    __tablename__ = "competence_step"
    competence_id: Mapped[str] = mapped_column(ForeignKey("competence.id"), index=True)


# --- absence ---


class AbsenceType(Named, Base):
    """A kind of absence."""

    __tablename__ = "absence_type"


class Absence(Base):
    """Days away; `note` may hold a diagnosis."""

    __tablename__ = "absence"
    id: Mapped[str] = mapped_column(primary_key=True)
    type_id: Mapped[str] = mapped_column(ForeignKey("absence_type.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    first_day: Mapped[date]
    last_day: Mapped[date]
    grade: Mapped[int]
    note: Mapped[str]
    status: Mapped[str]


class AbsenceStep(Step, Base):
    """History of one absence."""

    __tablename__ = "absence_step"
    absence_id: Mapped[str] = mapped_column(ForeignKey("absence.id"), index=True)


class FollowUp(Base):
    """What the law asks for in a long sick leave."""

    __tablename__ = "follow_up"
    id: Mapped[str] = mapped_column(primary_key=True)
    absence_id: Mapped[str] = mapped_column(ForeignKey("absence.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    plan: Mapped[str]


class FollowUpStep(Step, Base):
    """History of one follow-up."""

    __tablename__ = "follow_up_step"
    follow_up_id: Mapped[str] = mapped_column(ForeignKey("follow_up.id"), index=True)


class AbsenceBalance(Base):
    """Days of vacation left in a year."""

    __tablename__ = "absence_balance"
    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    days: Mapped[int]


class BalanceStep(Step, Base):
    """History of one balance."""

    __tablename__ = "balance_step"
    balance_id: Mapped[str] = mapped_column(ForeignKey("absence_balance.id"), index=True)
    days: Mapped[int]


# --- salary ---


class Salary(Base):
    """What a person earns in a year."""

    __tablename__ = "salary"
    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    amount: Mapped[str]
    currency: Mapped[str]
    valid_from: Mapped[date]


class SalaryStep(Step, Base):
    """History of a salary, with the amount it had from then on."""

    __tablename__ = "salary_step"
    salary_id: Mapped[str] = mapped_column(ForeignKey("salary.id"), index=True)
    amount: Mapped[str]


class PayrollRun(Named, Base):
    """A month's payroll."""

    __tablename__ = "payroll_run"


class PayrollStep(Step, Base):
    """History of a payroll run."""

    __tablename__ = "payroll_step"
    payroll_run_id: Mapped[str] = mapped_column(ForeignKey("payroll_run.id"), index=True)


class Payslip(Base):
    """What one person was paid in one month."""

    __tablename__ = "payslip"
    id: Mapped[str] = mapped_column(primary_key=True)
    payroll_run_id: Mapped[str] = mapped_column(ForeignKey("payroll_run.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    net: Mapped[str]
    published_at: Mapped[datetime] = mapped_column(index=True)
    published_by: Mapped[str]


class BankAccount(Base):
    """Where the pay goes."""

    __tablename__ = "bank_account"
    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    number: Mapped[str]


class BankAccountChange(Step, Base):
    """History of a bank account; the number before."""

    __tablename__ = "bank_account_change"
    bank_account_id: Mapped[str] = mapped_column(ForeignKey("bank_account.id"))
    before: Mapped[str | None]
