"""The three drills of docs/operate.md, done with the commands that stand there."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from trailbook.export import trailbook_verify
from trailbook.proofs import open_keyring
from trailbook.tree import Checkpoint, format_note, sign_checkpoint

ORIGIN, VERIFIER = "log.example", Path(trailbook_verify.__file__)


class Operator:
    """Somebody at a terminal, in a folder with a log and an outside file elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "here"
        self.outside = folder / "elsewhere" / "checkpoints.txt"
        self.folder.mkdir()
        self.outside.parent.mkdir()
        self.run("init", "--org", "acme")

    def run(self, *words: str, exits: int = 0) -> str:
        """One command; what it printed."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("TRAILBOOK_")}
        own = {"TRAILBOOK_OUTSIDE_FILE": str(self.outside), "TRAILBOOK_ORIGIN": ORIGIN}
        done = subprocess.run(
            [sys.executable, "-m", "trailbook", *words],
            cwd=self.folder,
            env={**clean, **own},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == exits, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def check(self, *words: str, exits: int = 0) -> str:
        """What the single file says, run as an auditor runs it."""
        done = subprocess.run(
            [sys.executable, "-I", str(VERIFIER), *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == exits, (words, done.stdout, done.stderr)
        return done.stdout

    def record(self, person: int) -> None:
        """One entry about a person, signed and copied outside."""
        actor, target = "person:user/u-1=Anna Berg", f"user/u-{person}=Quixote {person}"
        self.run("record", "--action", "user.created", "--actor", actor, "--target", target)
        self.run("checkpoint", "publish")

    def lose_the_database(self) -> None:
        for file in self.folder.glob("trailbook.db*"):
            if file.is_file() and file.suffix != ".keys":
                file.unlink()


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    administrator = Operator(tmp_path)
    for person in (2, 3):
        administrator.record(person)
    return administrator


def test_drill_1_restore_a_backup(operator: Operator) -> None:
    operator.run("backup", "backup.db")
    operator.record(4)
    operator.run("erase", "user/u-2")
    operator.run("checkpoint", "publish")
    operator.lose_the_database()
    refused = operator.run("restore", "backup.db", exits=2)
    assert "lost entries" in refused
    assert not (operator.folder / "trailbook.db").exists()
    output = operator.run("restore", "backup.db", "--declare-restart")
    assert "seq 2 to 3 are lost" in output
    assert f"{ORIGIN}/acme/1" in output
    assert "1 person was erased again" in output
    assert "Everything holds" in operator.run("verify")
    listing = operator.run("search")
    assert "restarted the activity log from a backup" in listing
    assert "Quixote 2" not in listing
    assert "Quixote 3" in listing


def test_drill_1_a_whole_backup_needs_no_declaration(operator: Operator) -> None:
    """The control: nothing was lost, so nothing is declared."""
    operator.run("backup", "backup.db")
    operator.lose_the_database()
    assert "nothing signed was lost" in operator.run("restore", "backup.db")
    assert "Everything holds" in operator.run("verify")


def test_drill_2_a_key_is_rotated(operator: Operator) -> None:
    before = operator.run("keys", "list").splitlines()
    operator.run("keys", "rotate")
    operator.record(4)
    after = operator.run("keys", "list").splitlines()
    assert len(before) == 2
    assert {line + " 0 4" for line in before} < set(after)
    assert "Everything holds" in operator.run("verify")
    assert "signing key" in operator.run("search", "--category", "activity_log")


def test_drill_2_a_thief_has_the_old_key(operator: Operator) -> None:
    """Beyond its sizes whoever has the list refuses the key; within them a head of the new key tells."""
    stolen = open_keyring(operator.folder / "trailbook.db.signing")
    old, _ = operator.run("keys", "list").splitlines()
    operator.run("keys", "rotate")
    operator.record(4)
    (operator.folder / "keys").write_text(operator.run("keys", "list"))
    operator.run("export", "--format", "bundle", "--output", "bundle.zip")
    operator.run("checkpoint", "publish")

    def forged(size: int, root: bytes) -> str:
        head, file = Checkpoint(f"{ORIGIN}/acme", size, root), operator.folder / f"forged-{size}"
        file.write_bytes(format_note(sign_checkpoint(head, stolen.signers(head.origin), 1_800_000_000)))
        return file.name

    beyond, fork = forged(40, bytes(32)), forged(2, bytes(32))
    # The log itself, and the single file by the list with sizes.
    assert "unsigned" in operator.run("verify", "--checkpoint", beyond, exits=1)
    assert "does not sign heads of size 40" in operator.check(beyond, "--key", "keys", exits=1)
    # Within its sizes the key is right and the tree is not: both compare it with what the new key signed.
    assert "changed" in operator.run("verify", "--checkpoint", fork, exits=1)
    operator.check(fork, "--key", "keys")
    answer = operator.check("bundle.zip", "--key", "keys", "--since", fork, exits=1)
    assert "not of one history" in answer
    # Who knows the old key alone cannot tell; and the list refuses nothing that was signed as it should be.
    operator.check(beyond, "--key", old)
    assert "Everything holds" in operator.run("verify")
    operator.check("bundle.zip", "--key", "keys")


def test_drill_2_the_keys_are_gone(operator: Operator) -> None:
    for file in (operator.folder / "trailbook.db.signing").glob("*.key"):
        file.unlink()
    operator.run("keys", "rotate", exits=4)
    operator.run("keys", "replace", exits=2)
    output = operator.run("keys", "replace", "--declare-restart")
    assert f"{ORIGIN}/acme/1" in output
    operator.record(4)
    assert "Everything holds" in operator.run("verify")


def test_drill_3_verification_found_something(operator: Operator) -> None:
    operator.run("backup", "backup.db")
    assert "Everything holds" in operator.run("verify")
    database = sqlite3.connect(operator.folder / "trailbook.db")
    with database:
        body = database.execute("SELECT body FROM entry WHERE place & 1099511627775 = 1").fetchone()[0]
        changed = body.replace(b'"success"', b'"failure"')
        database.execute("UPDATE entry SET body = ? WHERE place & 1099511627775 = 1", (changed,))
    database.close()
    findings = json.loads(operator.run("verify", "--json", exits=1).splitlines()[0])["findings"]
    assert {(finding["verdict"], finding["seq"]) for finding in findings} == {("changed", 1)}
    for ending in (".keys", ".signing"):
        own = operator.folder / f"trailbook.db{ending}"
        copy = operator.folder / f"backup.db{ending}"
        shutil.copytree(own, copy) if own.is_dir() else shutil.copy(own, copy)
    assert "Everything holds" in operator.run("--store", "sqlite:///backup.db", "verify")
