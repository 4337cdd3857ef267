"""Cards: what the HR system shows of an item, whose it is, and who changed it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from trailbook.demo import tables as t
from trailbook.demo.cards import CARDS, doer, history

AT = datetime(2026, 11, 2, 8, 15, tzinfo=UTC)


def account_with_changes(rows: Session, count: int) -> None:
    """A bank account and its changes, a day apart; the last is an integration's."""
    rows.add(t.BankAccount(id="acc-1", person_id="u-1", number="86011117947"))
    rows.add(t.Integration(id="visma", name="Visma Payroll", endpoint="", secret="", enabled=True))
    for n in range(count):
        by = "integration/visma" if n == count - 1 else "system/leave-accrual"
        at = AT + timedelta(days=n)
        rows.add(t.BankAccountChange(bank_account_id="acc-1", what="changed_by_hand", at=at, by=by))
    rows.flush()


def test_an_account_shows_no_more_than_its_end(rows: Session) -> None:
    """Of a number the last five digits; the card knows whose it is, and an account that never was has none."""
    account_with_changes(rows, 1)
    card = CARDS["accounts"](rows, "acc-1")
    assert (card.type, card.person) == ("bank_account", "u-1")
    assert card.facts == (("Number", "•••• •• 17947"),)
    with pytest.raises(NoResultFound):
        CARDS["accounts"](rows, "acc-2")


def test_a_history_is_the_newest_changes_in_words(rows: Session) -> None:
    """Newest first, no more than asked for, in words, by whoever made them."""
    account_with_changes(rows, 3)
    own = t.BankAccountChange.bank_account_id == "acc-1"
    changes = history(rows, t.BankAccountChange, own, limit=2)
    assert [(change.at, change.what, change.by) for change in changes] == [
        (AT + timedelta(days=2), "changed by hand", "Visma Payroll"),
        (AT + timedelta(days=1), "changed by hand", "Leave accrual"),
    ]
    assert len(history(rows, t.BankAccountChange, own)) == 3
    assert history(rows, t.BankAccountChange, t.BankAccountChange.bank_account_id == "acc-2") == []


def test_a_doer_has_a_name(rows: Session) -> None:
    """An integration by its name, a rule of the system by its own; somebody who never was is an error."""
    rows.add(t.Integration(id="visma", name="Visma Payroll", endpoint="", secret="", enabled=True))
    rows.flush()
    assert doer(rows, "integration/visma") == "Visma Payroll"
    assert doer(rows, "system/account-guard") == "Account guard"
    with pytest.raises(NoResultFound):
        doer(rows, "user/u-9")
