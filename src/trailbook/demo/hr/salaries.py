"""Pay: salaries, payroll runs, payslips and bank accounts.

Owns the tables of pay. Amounts and account numbers stay here; the log hears that a salary changed, and whose.
"""

from datetime import date

from trailbook.demo.acting import HR, Act
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


def add(hr: HR, act: Act, person: Person, amount: str) -> Salary:
    """A person's first salary."""
    salary = Salary(
        id=hr.key("sal"), person_id=person.id, amount=amount, currency="NOK", valid_from=person.start_date
    )
    hr.session.add(salary)
    _tell(hr, act, salary, person, what="added", amount=amount)
    return salary


def schedule(hr: HR, act: Act, salary: Salary, person: Person, *, amount: str, day: date) -> None:
    """Propose another salary from a day on."""
    _tell(hr, act, salary, person, what="scheduled", amount=amount, day=day)


def decide(hr: HR, act: Act, salary: Salary, person: Person, *, amount: str, approved: bool) -> None:
    """Approve or reject a proposed salary."""
    _tell(hr, act, salary, person, what="approved" if approved else "rejected", amount=amount)


def update(hr: HR, act: Act, salary: Salary, person: Person, *, amount: str, day: date) -> None:
    """A salary is another from a day on."""
    salary.amount, salary.valid_from = amount, day
    _tell(hr, act, salary, person, what="updated", amount=amount, day=day)


def step_run(hr: HR, act: Act, run: PayrollRun, what: str) -> None:
    """Start, approve, export or pay a month's payroll."""
    if what == "started":
        hr.session.add(run)
    hr.write(PayrollStep, payroll_run_id=run.id, what=what, **act.done)
    hr.tell(act, f"payroll_run.{what}", Item(type="payroll_run", id=run.id, name=run.name))


def publish_payslip(hr: HR, act: Act, run: PayrollRun, person: Person, net: str) -> None:
    """Put a payslip where its owner sees it."""
    key = hr.key("slip")
    hr.write(
        Payslip,
        id=key,
        payroll_run_id=run.id,
        person_id=person.id,
        net=net,
        published_at=act.at,
        published_by=act.by,
    )
    hr.tell(act, "payslip.published", Item(type="payslip", id=key), parts={"owner": person.item})


def change_account(hr: HR, act: Act, account: BankAccount, person: Person, number: str) -> None:
    """A person wants the pay on another account."""
    hr.write(BankAccountChange, bank_account_id=account.id, before=account.number, what="changed", **act.done)
    account.number = number
    hr.session.add(account)
    target, parts = Item(type="bank_account", id=account.id), {"owner": person.item}
    hr.tell(act, "bank_account.changed", target, parts=parts, fields=("account",))


def _tell(hr: HR, act: Act, salary: Salary, person: Person, **how: object) -> None:
    day = how.get("day")
    hr.write(SalaryStep, salary_id=salary.id, what=how["what"], amount=how["amount"], **act.done)
    fields = () if how["what"] in ("added", "approved", "rejected") else ("amount", "start_date")
    effective = day.isoformat() if isinstance(day, date) else None
    target, parts = Item(type="salary", id=salary.id), {"owner": person.item}
    hr.tell(act, f"salary.{how['what']}", target, parts=parts, fields=fields, effective_at=effective)
