"""Organisations: begun, suspended and resumed, each once and each an entry."""

from collections.abc import Iterator

import pytest

from trailbook import Deployment, Query, open_deployment, operator
from trailbook.administration.organisations import (
    add_organisation,
    list_organisations,
    resume_organisation,
    suspend_organisation,
)
from trailbook.errors import InvalidError, NotFoundError, SuspendedError
from trailbook.model import written
from trailbook.testing import FrozenClock
from trailbook.testing.steady import START


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    """One without any organisation, whose clock stands."""
    deployment = open_deployment("memory:", clock=FrozenClock())
    yield deployment
    deployment.close()


def test_each_step_is_taken_once_and_is_an_entry(deployment: Deployment) -> None:
    """A step that was taken says so, and is no entry again."""
    assert [add_organisation(deployment, "acme") for _ in range(2)] == [True, False]
    assert not resume_organisation(deployment, "acme")
    assert [suspend_organisation(deployment, "acme") for _ in range(2)] == [True, False]
    with pytest.raises(SuspendedError):
        deployment.log("acme")
    assert [resume_organisation(deployment, "acme") for _ in range(2)] == [True, False]
    entries = list(deployment.log("acme").rows(Query(), viewer=operator("acme"), order="seq"))
    assert [(entry.action, entry.actor.id, entry.target.id) for entry in entries] == [
        ("activity_log.begun", "operator", "acme"),
        ("activity_log.suspended", "operator", "acme"),
        ("activity_log.resumed", "operator", "acme"),
    ]


def test_they_are_listed_with_since_when_one_is_suspended(deployment: Deployment) -> None:
    """By name; the other goes on."""
    for org in ("zeta", "acme"):
        add_organisation(deployment, org)
    suspend_organisation(deployment, "zeta")
    assert [(listed.org, listed.suspended_at) for listed in list_organisations(deployment)] == [
        ("acme", None),
        ("zeta", written(START)),
    ]
    assert deployment.log("acme").org == "acme"


def test_what_is_no_organisation(deployment: Deployment) -> None:
    """A name that cannot be is refused; one that nobody has is not found, and not begun by asking."""
    with pytest.raises(InvalidError):
        add_organisation(deployment, "A B")
    for step in (suspend_organisation, resume_organisation):
        with pytest.raises(NotFoundError, match="acme"):
            step(deployment, "acme")
    assert list_organisations(deployment) == []
