"""Erasing a member: with their name in the log goes all that the registry has of them, or nothing does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.retention.canary import GONE, SECRETS, about

from trailbook import Deployment, Item, Query, Viewer, operator
from trailbook.access import Change
from trailbook.access.roles import ADMINISTRATOR, HR
from trailbook.administration.access import By, put_member
from trailbook.administration.accounts import invite
from trailbook.administration.erasure import REMAINS, Went, erase_person
from trailbook.administration.views import NewView, add_view, choose_view
from trailbook.errors import (
    EntryInvalidError,
    InvalidError,
    LastAdministratorError,
    NotFoundError,
    NotPermittedError,
    UnauthenticatedError,
)
from trailbook.query import from_params
from trailbook.stores import JobLimits
from trailbook.testing import FrozenClock
from trailbook.testing.registries import a_job
from trailbook.testing.small import ANNA, ORG, WEB, opened

BOSS = Item(type="user", id="u-17", name="Anna Berg")
TEXTS = [*SECRETS, b"canary-login", b"user/canary-id-4711"]
DENIED = from_params([("outcome", "denied")])


def readable(folder: Path) -> list[bytes]:
    written = b"".join(file.read_bytes() for file in folder.glob("log.db*") if file.is_file())
    return [text for text in TEXTS if text in written]


def by(deployment: Deployment) -> By:
    return By(deployment, operator(ORG))


def furnish(folder: Path) -> Deployment:
    """A member with an account, a link, two sessions, views, choices and an order; the boss is one too."""
    clock = FrozenClock()
    deployment = opened(folder, clock)
    log = deployment.create(ORG)
    log.record_many(about(clock))
    put_member(by(deployment), BOSS, [ADMINISTRATOR])
    put_member(by(deployment), GONE, [HR])
    invite(by(deployment), GONE.type, GONE.id, "canary-login")
    for _ in range(2):
        deployment.credentials.new_session(ORG, GONE)
    mine = By(deployment, Viewer(org=ORG, item=GONE, activity_log="full"))
    theirs = By(deployment, Viewer(org=ORG, item=BOSS, activity_log="full"))
    view = add_view(mine, NewView(name="Refused", query=DENIED, shared=True, default=True))
    choose_view(theirs, view.id, default=True, alert=True)
    add_view(theirs, NewView(name="Boss", query=DENIED, shared=True))
    deployment.jobs.add(a_job(1, f"user/{GONE.id}", org=ORG), JobLimits())
    return deployment


def test_whoever_is_erased_is_no_member_any_more(tmp_path: Path) -> None:
    """Nothing of them can be read, and what went and what remains is said; of others everything stays."""
    deployment = furnish(tmp_path)
    session = deployment.credentials.new_session(ORG, GONE)
    assert set(readable(tmp_path)) == set(TEXTS)  # the control: all of it was there
    erased = erase_person(by(deployment), GONE, purpose="data_subject_request")
    assert erased.went == Went(membership=True, account=True, sessions=4, views=1, exports=1)
    assert erased.remains == REMAINS
    deployment.jobs.forget(ORG)  # which whoever runs exports does at the next look, with their files
    assert readable(tmp_path) == []
    assert [member.id for member in deployment.access.members(ORG)] == [BOSS.id]
    assert [view.name for view in deployment.views.every(ORG)] == ["Boss"]
    assert deployment.views.choices(ORG, f"user/{BOSS.id}") == []
    with pytest.raises(UnauthenticatedError):
        deployment.credentials.viewer(session)
    deployment.signer().sign(ORG)
    assert deployment.verify(ORG).findings == ()
    deployment.close()


def test_whoever_records_in_the_host_erases_the_member_too(tmp_path: Path) -> None:
    """The log's own door takes the registry along, and refuses the last administrator alike."""
    deployment = furnish(tmp_path)
    log = deployment.log(ORG)
    with pytest.raises(LastAdministratorError):
        log.erase(BOSS, actor=ANNA, origin=WEB)
    log.erase(GONE, actor=ANNA, origin=WEB)
    deployment.jobs.forget(ORG)
    assert readable(tmp_path) == []
    assert [member.id for member in deployment.access.members(ORG)] == [BOSS.id]
    deployment.close()


def state(deployment: Deployment) -> tuple[object, ...]:
    """What an erasure would change."""
    return (
        deployment.log(ORG).size(viewer=operator(ORG)),
        deployment.access.members(ORG),
        deployment.views.every(ORG),
        deployment.views.choices(ORG, f"user/{BOSS.id}"),
    )


def test_the_last_administrator_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    """With a second one the first may go."""
    deployment = furnish(tmp_path)
    session, before = deployment.credentials.new_session(ORG, BOSS), state(deployment)
    with pytest.raises(LastAdministratorError, match="somebody must be left"):
        erase_person(by(deployment), BOSS)
    assert state(deployment) == before
    assert deployment.credentials.viewer(session).item == BOSS
    put_member(by(deployment), GONE, [ADMINISTRATOR])
    assert erase_person(by(deployment), BOSS).went.membership
    assert [member.id for member in deployment.access.members(ORG)] == [GONE.id]
    deployment.close()


def test_what_cannot_be_erased_loses_nothing(tmp_path: Path) -> None:
    """No person, nobody whom anybody knows, for no declared purpose, by whoever may not: all is as it was."""
    deployment = furnish(tmp_path)
    unknown = Item(type="user", id="u-unknown")
    links = [deployment.credentials.new_link(ORG, item) for item in (unknown, GONE)]
    before = state(deployment)
    with pytest.raises(InvalidError, match="only persons"):
        erase_person(by(deployment), Item(type="role", id="r-3"))
    with pytest.raises(NotFoundError):
        erase_person(by(deployment), unknown)
    for item in (GONE, unknown):
        with pytest.raises((EntryInvalidError, NotFoundError)):
            erase_person(by(deployment), item, purpose="whim")
    with pytest.raises(EntryInvalidError, match="purpose"):
        deployment.log(ORG).erase(GONE, actor=ANNA, origin=WEB, purpose="whim")
    reader = Viewer(org=ORG, item=BOSS, activity_log="full", manage_access="full")
    with pytest.raises(NotPermittedError):
        erase_person(By(deployment, reader), GONE)
    assert state(deployment) == before
    assert [bool(deployment.credentials.sign_in(link)) for link in links] == [True, True]
    deployment.close()


def test_a_member_whom_the_log_has_lost_sight_of_is_erased_too(tmp_path: Path) -> None:
    """By the entry of the membership that ends the log knows them again, and then forgets them."""
    deployment = furnish(tmp_path)
    other = deployment.create("other")
    there = By(deployment, operator("other"))
    access, member = deployment.access, deployment.access.member(ORG, GONE.type, GONE.id)
    now = access.organisation("other")
    assert member is not None
    access.change_access(now, Change(organisation=now, put_members=[member]))
    erased = erase_person(there, GONE)
    assert erased.went.membership
    assert access.members("other") == []
    assert other.count(Query(), viewer=operator("other"))[0] == 2
    assert access.member(ORG, GONE.type, GONE.id) == member  # another organisation's is its own
    deployment.close()


KILLED = """
import os, sys
from pathlib import Path
from tests.administration.test_erasure import GONE, by, erase_person
from trailbook.testing import FrozenClock
from trailbook.testing.small import ORG, opened
deployment = opened(Path(sys.argv[1]), FrozenClock(), create=False)
deployment.log(ORG).recorder.change = lambda plan: os.kill(os.getpid(), 9)
erase_person(by(deployment), GONE)
"""


def test_whoever_is_killed_between_erases_once_more(tmp_path: Path) -> None:
    """The registry has let go of them, the log has not: they are still there to be named, and the log verifies."""
    furnish(tmp_path).close()
    child = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert child.returncode == -9
    deployment = opened(tmp_path, FrozenClock(), create=False)
    assert deployment.access.member(ORG, GONE.type, GONE.id) is None
    assert deployment.log(ORG).item(GONE.type, GONE.id, viewer=operator(ORG)) is not None
    deployment.signer().sign(ORG)
    assert deployment.verify(ORG).findings == ()
    erased = erase_person(by(deployment), GONE)
    assert erased.went == Went(membership=False, account=False, sessions=0, views=0, exports=1)
    deployment.jobs.forget(ORG)
    assert readable(tmp_path) == []
    with pytest.raises(NotFoundError):
        erase_person(by(deployment), GONE)
    deployment.close()


def test_a_restored_backup_has_no_member_who_was_erased(tmp_path: Path) -> None:
    """Even where they were the only administrator when it was taken: nobody is let in again by a restore."""
    deployment = furnish(tmp_path)
    deployment.signer().sign(ORG)
    deployment.backup(tmp_path / "backup.db")
    put_member(by(deployment), GONE, [ADMINISTRATOR])
    erase_person(by(deployment), BOSS)
    deployment.signer().sign(ORG)
    deployment.close()
    for name in ("log.db", "log.db-wal", "log.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "backup.db").rename(tmp_path / "log.db")
    restored = opened(tmp_path, FrozenClock(), create=False)
    assert [member.id for member in restored.access.members(ORG)] == [GONE.id, BOSS.id]
    (done,) = restored.restart(tmp_path / "outside.txt")
    assert done.erased_again == 1
    assert [member.id for member in restored.access.members(ORG)] == [GONE.id]
    assert [view.name for view in restored.views.every(ORG)] == ["Refused"]
    restored.close()
