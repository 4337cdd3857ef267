"""`verify`: timestamps that a log keeps, each over its own note, proofs, and what is not there."""

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cli.conftest import Folder, begin_signed

from trailbook.deployment.opening import open_deployment
from trailbook.deployment.settings import Signs
from trailbook.testing.authority import new_authority, serving
from trailbook.testing.small import ORG, grow
from trailbook.testing.steady import FrozenClock
from trailbook.tree import COSIGNATURE, ED25519, SignerKey, format_vkey, verifier_of


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
    assert [timestamp["size"] for timestamp in ended.json["timestamps"]] == [2, 4]
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


VERIFIER = Path(__file__).parents[2] / "src" / "trailbook" / "export" / "trailbook_verify.py"


def single_file(folder: Folder, *words: str) -> int:
    """The exit status of the verifier that comes with every bundle, run by itself."""
    command = [sys.executable, "-I", str(VERIFIER), *words]
    return subprocess.run(command, cwd=folder.path, capture_output=True, check=False, timeout=60).returncode


def test_a_proof_is_checked_by_one_command(empty: Folder) -> None:
    """`prove` writes what `verify` checks, beside the log and by a key alone; a changed byte is found."""
    begin_signed(empty)
    entry = empty.good("search", "--json").json["entries"][0]["id"]
    empty.good("prove", entry, "--output", "p.txt")
    assert "stands at seq 0" in empty.good("verify", "p.txt").out
    (empty.path / "key").write_text(empty.good("keys", "list").out, "utf-8")
    away = empty.path / "away"
    away.mkdir()
    for name in ("p.txt", "p.txt.leaf", "key"):
        (away / name).write_bytes((empty.path / name).read_bytes())
    other = Folder(away)
    assert other.good("verify", "p.txt", "--key", "key", "--json").json["holds"] is True
    assert single_file(other, "p.txt", "--key", "key") == 0
    leaf = bytearray((away / "p.txt.leaf").read_bytes())
    leaf[20] ^= 1
    (away / "p.txt.leaf").write_bytes(leaf)
    assert other.run("verify", "p.txt", "--key", "key").code == 1
    assert single_file(other, "p.txt", "--key", "key") == 1


def test_what_is_not_there_is_said(empty: Folder) -> None:
    """A missing or empty file to verify, a folder that is not there: usage, said in words."""
    begin_signed(empty)
    (empty.path / "nothing.zip").write_bytes(b"")
    for words, problem in (
        (("verify", "nothing.zip"), "nothing.zip: is empty"),
        (("verify", "missing.zip"), "missing.zip: there is no such file"),
        (("backup", "nowhere/b.db"), "its folder does not exist"),
    ):
        ended = empty.run(*words)
        assert (ended.code, problem in ended.err) == (2, True), ended.err


def test_a_verification_is_remembered_where_that_is_asked(entry_folder: Folder) -> None:
    """`verify --remember` is an entry; without it nothing is, and a part or a file cannot be remembered."""
    entry_folder.good("checkpoint", "publish")  # an entry that was long without a signature is a finding
    entry_folder.good("verify")
    assert entry_folder.good("search", "action:activity_log.verified", "--json").json["entries"] == []
    entry_folder.good("verify", "--remember")
    entries = entry_folder.good("search", "action:activity_log.verified", "--json").json["entries"]
    assert [each["target"]["type"] for each in entries] == ["checkpoint"]
    (entry_folder.path / "some.zip").write_bytes(b"x")
    for words in (("verify", "--remember", "some.zip"), ("verify", "--remember", "--start", "1")):
        refused = entry_folder.run(*words)
        assert refused.code == 2
        assert "remember" in refused.err


def test_a_head_is_asked_for_witnesses_and_for_its_age(empty: Folder) -> None:
    """Of a proof, a checkpoint and the log itself."""
    begin_signed(empty)
    entry = empty.good("search", "--json").json["entries"][0]["id"]
    empty.good("prove", entry, "--output", "p.txt")
    (empty.path / "head").write_text(empty.good("checkpoint", "show").out, "utf-8")
    keys = empty.good("keys", "list").out.splitlines()
    (empty.path / "key").write_text("\n".join(keys), "utf-8")
    logs = "".join(f"log {key.split()[0]}\n" for key in keys)
    witness = format_vkey(verifier_of(SignerKey("witness.example/w1", COSIGNATURE, b"w" * 32)))
    (empty.path / "logs").write_text(f"{logs}quorum none\n", "utf-8")
    (empty.path / "w1").write_text(f"witness w1 {witness}\nquorum w1\n", "utf-8")
    other = format_vkey(verifier_of(SignerKey("log.example/other", ED25519, b"o" * 32)))
    (empty.path / "other").write_text(f"log {other}\nquorum none\n", "utf-8")
    empty.good("verify", "p.txt", "--policy", "logs", "--max-age", "1h")
    empty.good("verify", "--policy", "logs", "--max-age", "1h")
    for file, words, why in (
        (["p.txt"], ["--policy", "w1"], "witnesses: the policy asks for w1, and nobody cosigned"),
        (["head", "--key", "key"], ["--not-after", "2001-09-09"], "later than 2001-09-09 00:00:00 UTC"),
        ([], ["--policy", "w1"], "witnesses: the policy asks for w1, and nobody cosigned"),
        ([], ["--policy", "other"], "policy: names no key of"),
    ):
        ended = empty.run("verify", *file, *words)
        assert (ended.code, why in ended.out + ended.err) == (1, True), (file, words)
    both = empty.run("verify", "p.txt", "--policy", "logs", "--key", "key")
    assert (both.code, "key: the policy names" in both.err) == (2, True)


def test_a_changed_entry_is_one_finding_with_what_follows(stamped: Folder) -> None:
    """In words and in JSON, with exit status 1; the untouched log has none and exits with 0."""
    assert stamped.run("verify").code == 0
    db = sqlite3.connect(stamped.path / "trailbook.db")
    bodies = db.execute("SELECT place, body FROM entry WHERE body IS NOT NULL ORDER BY place").fetchall()
    db.execute("UPDATE entry SET body = ? WHERE place = ?", (bodies[1][1], bodies[0][0]))
    db.commit()
    db.close()
    ended = stamped.run("verify", "--json")
    (finding,) = ended.json["findings"]
    assert (ended.code, finding["verdict"], finding["count"]) == (1, "changed", 1)
    assert {follows["verdict"] for follows in finding["follows"]} >= {"index"}
    lines = stamped.run("verify").out.splitlines()
    assert lines[0].startswith("changed")
    assert lines[1].startswith("- ")
    assert lines[-1] == "1 finding"
