"""What a deployment does to all of its logs: keys rotated, refusals recorded, loops in the health."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from trailbook import Deployment, Item, Query, Viewer, operator
from trailbook.administration import suspend_organisation
from trailbook.deployment import deployment as module
from trailbook.errors import ConfigurationError, NotFoundError, StoreError, SuspendedError
from trailbook.proofs import open_keyring
from trailbook.query import from_line
from trailbook.testing import FrozenClock
from trailbook.testing.small import ORG, grow, opened


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def deployment(tmp_path: Path, clock: FrozenClock) -> Iterator[Deployment]:
    """Two organisations, the first with some entries, signed."""
    made = opened(tmp_path, clock)
    grow(made.create(ORG), clock, 5)
    made.create("other")
    made.signer().sign(ORG)
    yield made
    made.close()


def actions(deployment: Deployment, org: str, line: str) -> list[str]:
    """The actions of the entries that a filter finds."""
    log = deployment.log(org)
    return [shown.action for shown in log.rows(from_line(line), viewer=operator(org))]


def test_rotated_keys_sign_from_then_on_and_every_log_says_so(deployment: Deployment, tmp_path: Path) -> None:
    """What the old ones signed still verifies, for their public halves stay."""
    before = deployment.verifier_keys(ORG)
    ring = deployment.rotate_keys(tmp_path / "log.db.signing")
    assert open_keyring(tmp_path / "log.db.signing") == ring == deployment.signing.keyring
    assert set(before) < set(deployment.verifier_keys(ORG))
    for org in deployment.orgs():
        assert actions(deployment, org, "action:activity_log.key_rotated") == ["activity_log.key_rotated"]
    deployment.signer().sign(ORG)
    assert deployment.verify(ORG).findings == ()


def test_keys_are_rotated_only_where_there_are_some(deployment: Deployment, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        deployment.rotate_keys(tmp_path / "elsewhere")
    assert actions(deployment, ORG, "action:activity_log.key_rotated") == []


def test_a_refusal_is_an_entry_of_whose_log_the_viewer_is(deployment: Deployment) -> None:
    """Wherever they asked, and in no other log."""
    nobody = Viewer(org="other", item=Item(type="user", id="u-9", name="Kari Lie"))
    deployment.refused(nobody)
    assert actions(deployment, "other", "outcome:denied") == ["activity_log.viewed"]
    assert actions(deployment, ORG, "outcome:denied") == []


def test_a_suspended_log_is_open_to_whoever_keeps_its_files_alone(deployment: Deployment) -> None:
    """Others are told that it is suspended; one that is not there is not found by either."""
    suspend_organisation(deployment, "other")
    with pytest.raises(SuspendedError):
        deployment.log("other")
    assert deployment.kept_log("other").org == "other"
    assert deployment.log(ORG).org == ORG
    with pytest.raises(NotFoundError):
        deployment.log("none")
    with pytest.raises(NotFoundError):
        deployment.kept_log("none")


def test_logs_beyond_the_most_are_let_go_of_and_opened_again(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that was used longest ago; whoever holds it goes on with it."""
    monkeypatch.setattr(module, "MOST_LOGS", 1)
    held = deployment.log(ORG)
    deployment.log("other")
    again = deployment.log(ORG)
    assert again is not held
    assert held.count(Query(), viewer=operator(ORG))[0] == again.count(Query(), viewer=operator(ORG))[0]


def test_what_runs_beside_is_in_the_health(deployment: Deployment) -> None:
    """The loops of signing while they run; whoever drains here for as long as something waits."""
    names = [loop.name for loop in deployment.loops]
    with deployment.signing_beside():
        assert [loop.name for loop in deployment.loops] == [*names, "signing", "stamping"]
    assert [loop.name for loop in deployment.loops] == names
    guest = deployment.beside("draining")
    assert not [ailment for ailment in deployment.ailments() if ailment.part == "draining"]
    guest.tell({ORG: StoreError("the log is down")})
    guest.tell({ORG: StoreError("the log is down")})
    ailing = [ailment for ailment in deployment.ailments() if ailment.part == "draining"]
    assert [(ailment.org, ailment.fails) for ailment in ailing] == [(ORG, False)]
    assert "2 times by now: the log is down" in ailing[0].says
    guest.tell({})
    assert not [ailment for ailment in deployment.ailments() if ailment.part == "draining"]


def test_what_the_outside_file_knows_of_each_log(
    deployment: Deployment, clock: FrozenClock, tmp_path: Path
) -> None:
    """One that was never signed is unwitnessed once it has entries; none is behind that was not taken back."""
    outside = tmp_path / "outside.txt"
    assert deployment.unwitnessed(outside) == []
    grow(deployment.log("other"), clock, 2)
    assert deployment.unwitnessed(outside) == ["other"]
    deployment.signer().sign("other")
    assert deployment.unwitnessed(outside) == []
    assert deployment.behind(outside) == {}
