"""Pay: salaries, payroll runs, payslips and bank accounts.

Owns the tables of pay. Amounts and account numbers stay here; the log hears that a salary changed, and whose.
"""

from datetime import date
from uuid import UUID

from trailbook.demo.acting import Act
from trailbook.demo.tables import (
    BankAccount,
    BankAccountChange,
    PayrollRun,
    PayrollStep,
    Payslip,
    Person,
    Salary,
    SalaryStep,
)
from trailbook.model import Item


def add(act: Act, person: Person, amount: str) -> Salary:
    """A person's first salary."""
    salary = Salary(
        id=act.hr.key("sal"), person_id=person.id, amount=amount, currency="NOK", valid_from=person.start_date
    )
    act.hr.add(salary)
    _tell(act, salary, "added", amount=amount)
    return salary


def schedule(act: Act, salary: Salary, *, amount: str, day: date) -> None:
    """Propose another salary from a day on."""
    _tell(act, salary, "scheduled", amount=amount, day=day)


def decide(act: Act, salary: Salary, *, amount: str, approved: bool) -> UUID:
    """Approve or reject a proposed salary."""
    return _tell(act, salary, "approved" if approved else "rejected", amount=amount)


def update(act: Act, salary: Salary, *, amount: str, day: date) -> None:
    """A salary is another from a day on."""
    salary.amount, salary.valid_from = amount, day
    _tell(act, salary, "updated", amount=amount, day=day)


def step_run(act: Act, run: PayrollRun, what: str) -> UUID:
    """Start, approve, export or pay a month's payroll."""
    if what == "started":
        act.hr.add(run)
    act.write(PayrollStep, payroll_run_id=run.id, what=what)
    return act.tell(f"payroll_run.{what}", Item(type="payroll_run", id=run.id, name=run.name))


def publish_payslip(act: Act, run: PayrollRun, person: Person, *, net: str) -> None:
    """Put a payslip where its owner sees it."""
    key = act.hr.key("slip")
    act.hr.write(
        Payslip,
        id=key,
        payroll_run_id=run.id,
        person_id=person.id,
        net=net,
        published_at=act.at,
        published_by=act.by,
    )
    act.tell("payslip.published", Item(type="payslip", id=key), parts={"owner": person.item})


def change_account(act: Act, account: BankAccount, number: str) -> None:
    """A person wants the pay on another account."""
    act.write(BankAccountChange, bank_account_id=account.id, before=account.number, what="changed")
    account.number = number
    act.hr.add(account)
    target, parts = (
        Item(type="bank_account", id=account.id),
        {"owner": act.hr.get(Person, account.person_id).item},
    )
    act.tell("bank_account.changed", target, parts=parts, fields=("account",))


def _tell(act: Act, salary: Salary, what: str, *, amount: str, day: date | None = None) -> UUID:
    act.write(SalaryStep, salary_id=salary.id, what=what, amount=amount)
    fields = () if what in ("added", "approved", "rejected") else ("amount", "start_date")
    target, parts = Item(type="salary", id=salary.id), {"owner": act.hr.get(Person, salary.person_id).item}
    effective = day.isoformat() if day else None
    return act.tell(f"salary.{what}", target, parts=parts, fields=fields, effective_at=effective)
