"""API keys by hand: issued, rotated and revoked by who may, each step an entry, a secret shown once."""

from datetime import timedelta

import pytest

from trailbook import Deployment, Item, open_deployment
from trailbook.access import NewKey, Viewer, operator
from trailbook.administration.access import By
from trailbook.administration.api_keys import (
    find_key,
    issue_key,
    list_keys,
    restrict_key,
    revoke_key,
    rotate_key,
)
from trailbook.errors import InvalidError, NotFoundError, NotPermittedError, UnauthenticatedError
from trailbook.query import Query
from trailbook.testing import FrozenClock, Steady

ORG = "acme"
HR = NewKey(name="HR", scopes=("record",), categories=("roles",), only_itself=True)


@pytest.fixture
def opened() -> tuple[Deployment, FrozenClock]:
    """A deployment in memory, and its clock."""
    clock = FrozenClock()
    deployment = open_deployment("memory:", clock=clock, entropy=Steady(3))
    deployment.create(ORG)
    return deployment, clock


@pytest.fixture
def by(opened: tuple[Deployment, FrozenClock]) -> By:
    """The operator of a deployment whose clock stands."""
    return By(opened[0], operator(ORG))


def actions(by: By) -> list[tuple[str, str]]:
    page = by.deployment.log(ORG).search(Query(), viewer=operator(ORG), order="seq", limit=200)
    return [(e.action, e.target.id) for e in page.entries if e.action != "activity_log.searched"]


def test_a_key_is_issued_once_and_listed_without_its_secret(by: By) -> None:
    """What it may record is kept with it; a category that nobody declared is refused before anything is kept."""
    key, secret = issue_key(by, HR)
    assert [each.id for each in list_keys(by)] == [key.id]
    assert secret.rpartition("_")[2] not in str(list_keys(by))
    source = by.deployment.credentials.credential(secret).source
    assert (source.categories, source.only_itself) == (("roles",), True)
    with pytest.raises(InvalidError) as refused:
        issue_key(by, NewKey(name="HR", scopes=("record",), categories=("wages",)))
    assert [fault.pointer for fault in refused.value.faults] == ["/categories"]
    assert actions(by) == [("api_key.created", key.id)]


def test_a_rotated_key_has_two_secrets_for_a_day(by: By, opened: tuple[Deployment, FrozenClock]) -> None:
    """The source stays the same; the old secret ends after the overlap, at the latest after 24 hours."""
    key, old = issue_key(by, HR)
    again, new = rotate_key(by, key.id, timedelta(hours=24))
    credentials = by.deployment.credentials
    assert credentials.credential(old) == credentials.credential(new)
    assert again.id == key.id
    with pytest.raises(InvalidError):
        rotate_key(by, key.id, timedelta(hours=25))
    opened[1].move(timedelta(hours=24))
    assert credentials.credential(new).source.id == key.id
    with pytest.raises(UnauthenticatedError):
        credentials.credential(old)
    assert revoke_key(by, key.id)
    assert not revoke_key(by, key.id)
    with pytest.raises(UnauthenticatedError):
        credentials.credential(new)
    with pytest.raises(NotFoundError):
        rotate_key(by, key.id)
    assert [a for a, _ in actions(by)] == [
        "api_key.created",
        "api_key.rotated",
        "api_key.revoked",
    ]


def test_a_key_that_does_not_work_is_not_rotated(by: By, opened: tuple[Deployment, FrozenClock]) -> None:
    """One that has expired, one of another organisation and one that never was are alike; revoking needs no life."""
    key, _ = issue_key(by, HR)
    by.deployment.create("other")
    elsewhere = By(by.deployment, operator("other"))
    for wrong, id_ in ((elsewhere, key.id), (by, "never")):
        with pytest.raises(NotFoundError):
            rotate_key(wrong, id_)
        with pytest.raises(NotFoundError):
            revoke_key(wrong, id_)
    with pytest.raises(InvalidError):
        rotate_key(by, key.id, life=timedelta(0))
    assert find_key(by, key.id) == key
    opened[1].move(timedelta(days=365))
    with pytest.raises(NotFoundError):
        rotate_key(by, key.id)
    assert revoke_key(by, key.id)


def test_a_key_reads_the_restricted_categories_it_is_named_for(by: By) -> None:
    """Given and taken by whoever manages access, each an entry, from the next request on; of nothing else a name."""
    key, text = issue_key(by, NewKey(name="Cases", scopes=("read",), restricted=("whistleblowing",)))
    credential = by.deployment.credentials.credential
    assert credential(text).viewer().restricted == key.restricted == ("whistleblowing",)
    assert restrict_key(by, key.id, ()).restricted == credential(text).viewer().restricted == ()
    assert restrict_key(by, key.id, ()).restricted == ()  # as it was: no entry
    assert restrict_key(by, key.id, ["whistleblowing"] * 2).restricted == ("whistleblowing",)
    for wrong in ("salary", "wages", "*"):
        with pytest.raises(InvalidError) as refused:
            restrict_key(by, key.id, [wrong])
        assert [f.pointer for f in refused.value.faults] == ["/restricted"]
        with pytest.raises(InvalidError):
            issue_key(by, NewKey(name="Cases", scopes=("read",), restricted=(wrong,)))
    reader = By(by.deployment, Viewer(org=ORG, item=Item(type="user", id="u-1"), activity_log="full"))
    with pytest.raises(NotPermittedError):
        restrict_key(reader, key.id, ())
    changed = "api_key.categories_changed"
    assert [a for a, _ in actions(by)] == ["api_key.created", changed, changed]


def test_who_may_not_manage_access_touches_no_key(by: By) -> None:
    """Refused before anything is looked up; nothing is recorded and the key goes on working."""
    key, secret = issue_key(by, HR)
    reader = By(by.deployment, Viewer(org=ORG, item=Item(type="user", id="u-1"), activity_log="full"))
    for tried in (
        lambda: issue_key(reader, HR),
        lambda: list_keys(reader),
        lambda: rotate_key(reader, key.id),
        lambda: rotate_key(reader, "never"),
        lambda: revoke_key(reader, key.id),
    ):
        with pytest.raises(NotPermittedError, match="Manage access"):
            tried()
    assert actions(by) == [("api_key.created", key.id)]
    assert by.deployment.credentials.credential(secret).source.id == key.id
