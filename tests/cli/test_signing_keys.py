"""`keys rotate` and `keys list`: the running server takes new keys; without one the command signs."""

from pathlib import Path

import pytest
from tests.cli.conftest import Folder, serving

from trailbook.cli import proofs as module
from trailbook.cli.server_lock import alone
from trailbook.deployment import Deployment
from trailbook.errors import ConfigurationError
from trailbook.proofs import new_keys
from trailbook.testing import FrozenClock, Steady
from trailbook.testing.small import ORG, grow, opened
from trailbook.tree import parse_range


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    made = opened(tmp_path, FrozenClock())
    grow(made.create(ORG), FrozenClock(), 3)
    made.signer().sign(ORG)
    new_keys(tmp_path / "log.db.signing", Steady(7), rotate=True)
    return made


def test_the_running_server_goes_on_with_the_new_keys_at_once(entry_folder: Folder) -> None:
    """What it signs afterwards is in range, and so the log, a proof and a bundle hold by the list with sizes."""
    with serving(entry_folder):
        assert entry_folder.good("keys", "rotate", "--json").json == {"rotated": ["acme"]}
        lines = entry_folder.good("keys", "list").out.splitlines()
        id_ = entry_folder.record("r-4", "2026-11-02T08:20:00Z")
        for _ in range(200):  # it is signed within a second
            if entry_folder.run("prove", id_, "--output", "p").code == 0:
                break
    ranges = [parse_range(line) for line in lines]
    assert [(r.first, r.after) for r in ranges] == [(0, 3), (2, None)] * 2
    (entry_folder.path / "keys").write_text("\n".join(lines))
    assert "Everything holds" in entry_folder.good("verify").out
    entry_folder.good("verify", "p", "--key", "keys")
    old = [line.rpartition(" ")[0] + " 3" for line in lines if line.endswith(" 3")]
    new = [line.rpartition(" ")[0] + " 9" for line in lines if line.endswith(" 2")]
    (entry_folder.path / "keys").write_text("\n".join([*old, *new]))
    assert "does not sign heads" in entry_folder.run("verify", "p", "--key", "keys").err


def test_only_the_server_records_and_signs_where_there_is_one(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that does not is named; the control: without a server the command does it."""
    monkeypatch.setattr(module, "_SERVER_SECONDS", 0.0)
    lock = tmp_path / "lock"
    with (
        alone(lock, "http://here"),
        pytest.raises(ConfigurationError, match=f"server at http://here has not signed .*: {ORG};"),
    ):
        module._take_keys(deployment, lock)
    assert deployment.behind_keys() == [ORG]
    module._take_keys(deployment, lock)
    assert deployment.behind_keys() == []
    with alone(lock, "http://here"):
        module._take_keys(deployment, lock)  # nothing is left to wait for
    deployment.close()
