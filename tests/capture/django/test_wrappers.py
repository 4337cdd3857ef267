"""Wrappers of the host's that come after capture: what they make of a statement is what is captured, or refused."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from tests.capture.django.company.models import Person, Setting
from tests.capture.django.outbox import captured, forget

from trailbook.errors import UncapturedWriteError

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
UPDATE = "UPDATE company_setting SET value = 'x'"


def rewriting(text: str) -> Callable[..., Any]:
    """A wrapper that makes this text of a write to the settings."""

    def wrapper(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        return execute(text if sql == UPDATE else sql, params, many, context)

    return wrapper


def update() -> None:
    with connection.cursor() as cursor:
        cursor.execute(UPDATE)


@pytest.fixture
def bob(host: None) -> Person:
    """Somebody whose beginning is forgotten."""
    person = Person.objects.create(name="Bob")
    forget()
    return person


def test_what_a_later_wrapper_makes_of_a_statement_is_captured(bob: Person) -> None:
    """It is what the driver gets; the control: without the wrapper nothing of it is recorded."""
    update()
    assert captured() == []
    with connection.execute_wrapper(rewriting("UPDATE app_user SET name = 'Eve'")):
        update()
    assert captured() == [("user.profile_updated", f"user/{bob.pk}")]


def test_what_a_later_wrapper_makes_of_a_statement_is_refused(bob: Person) -> None:
    """Where it is not understood, between other wrappers too."""
    plain = rewriting(UPDATE)
    text = "WITH x AS (SELECT 1) UPDATE app_user SET name = 'Eve'"
    with (
        connection.execute_wrapper(plain),
        connection.execute_wrapper(rewriting(text)),
        connection.execute_wrapper(plain),
        pytest.raises(UncapturedWriteError, match="recorded_as"),
    ):
        update()
    assert (Person.objects.get().name, captured()) == ("Bob", [])


def test_a_later_wrapper_sees_each_statement_once(bob: Person) -> None:
    """As the host wrote it, many sets of parameters as one statement; capture's own it does not see."""
    seen: list[tuple[str, bool]] = []

    def wrapper(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        seen.append((sql.split()[0], many))
        return execute(sql, params, many, context)

    with transaction.atomic(), connection.execute_wrapper(wrapper):
        Person.objects.update(name="Eve")
        Setting.objects.create(value="x")
        with connection.cursor() as cursor:
            cursor.executemany("UPDATE app_user SET email = %s WHERE id = %s", [("a", bob.pk), ("b", bob.pk)])
            assert cursor.rowcount == 2
    assert seen == [("UPDATE", False), ("INSERT", False), ("UPDATE", True)]
    assert captured() == [("user.profile_updated", f"user/{bob.pk}")] * 3
