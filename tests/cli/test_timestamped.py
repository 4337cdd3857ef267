"""`verify --root` checks the timestamps that a log keeps, each over its own note (F25)."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cli.conftest import Folder

from trailbook.deployment.opening import open_deployment
from trailbook.deployment.settings import Signs
from trailbook.testing.authority import new_authority, serving
from trailbook.testing.small import ORG, grow
from trailbook.testing.steady import FrozenClock


@pytest.fixture
def stamped(tmp_path: Path) -> Folder:
    """A log with two timestamped checkpoints, and the roots of its authority and of another."""
    folder = tmp_path / "log"
    folder.mkdir()
    for name in ("own", "other"):
        new_authority(tmp_path / name)
        (folder / f"{name}.pem").write_bytes((tmp_path / name / "root.pem").read_bytes())
    with serving(tmp_path / "own") as server:
        signs = Signs(outside=folder / "outside.txt", timestamp_urls=(server.url,))
        clock = FrozenClock(datetime.now(UTC))
        deployment = open_deployment(
            f"sqlite:///{folder}/trailbook.db", create=True, signs=signs, clock=clock
        )
        deployment.create(ORG)
        for _ in range(2):
            grow(deployment.log(ORG), clock, 2)
            signer = deployment.signer()
            signer.sign(ORG)
            signer.stamp(ORG)
        deployment.close()
    return Folder(folder)


def change(folder: Folder, sql: str) -> None:
    with sqlite3.connect(folder.path / "trailbook.db") as db:
        assert db.execute(sql).rowcount == 1
    db.close()


def test_the_tokens_are_checked(stamped: Folder) -> None:
    """With the authority's root each token holds and its time is said; without it nothing is claimed."""
    ended = stamped.good("verify", "--root", "own.pem", "--json")
    assert [one["size"] for one in ended.json["timestamps"]] == [2, 4]
    assert "Of 2 timestamps 2 hold" in stamped.good("verify", "--root", "own.pem").out
    silent = stamped.good("verify")
    assert "hold;" not in silent.out
    assert "2 timestamps kept, not checked" in silent.err


def test_what_does_not_hold_is_found(stamped: Folder) -> None:
    """Another root, another note and a note of another tree are findings, each by the size it is about."""
    other = stamped.run("verify", "--root", "other.pem", "--json")
    assert (other.code, other.json["timestamps"]) == (1, [])
    assert [f["place"] for f in other.json["findings"]] == ["timestamp of size 2", "timestamp of size 4"]
    take = "(SELECT content FROM blob WHERE kind = 'timestamped' AND key LIKE '%2')"
    change(stamped, f"UPDATE blob SET content = {take} WHERE kind = 'timestamped' AND key LIKE '%4'")
    swapped = stamped.run("verify", "--root", "own.pem", "--json")
    assert (swapped.code, [f["place"] for f in swapped.json["findings"]]) == (1, ["timestamp of size 4"])
    change(stamped, "DELETE FROM blob WHERE kind = 'timestamped' AND key LIKE '%2'")
    assert stamped.run("verify", "--root", "own.pem", "--json").code == 1


def test_roots_that_are_none(stamped: Folder) -> None:
    """A missing root, one that is none, and a root for a file that carries no timestamp: usage."""
    (stamped.path / "text.pem").write_text("no certificate", "ascii")
    for words in (("--root", "away.pem"), ("--root", "text.pem"), ("outside.txt", "--root", "own.pem")):
        assert stamped.run("verify", *words).code == 2
