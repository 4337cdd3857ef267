"""Serving signs; a restore says what it knows; a log that is gone is not begun again in silence."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.cli.conftest import Folder

VERIFIER = Path(__file__).parents[2] / "src" / "trailbook" / "export" / "trailbook_verify.py"
ENTRY = [
    *("record", "--action", "role.assigned", "--actor", "person:user/u-17=Anna Berg"),
    *("--target", "role/r-3=Manager", "--concerns", "member:user/u-42=Bob Li"),
]


def lose(folder: Folder) -> None:
    for name in ("trailbook.db", "trailbook.db-wal", "trailbook.db-shm"):
        (folder.path / name).unlink(missing_ok=True)


def begun(folder: Folder, *, outside: str | None = "outside.txt") -> None:
    """A log with two entries, signed, and a backup of it."""
    if outside is not None:
        (folder.path / "trailbook.toml").write_text(f'outside_file = "{outside}"\n', "utf-8")
    folder.good("init")
    folder.good(*ENTRY)
    folder.good("checkpoint", "publish")
    folder.good("backup", "backup.db")


def single_file(folder: Folder, *words: str) -> int:
    """The exit status of the verifier that comes with every bundle, run by itself."""
    command = [sys.executable, "-I", str(VERIFIER), *words]
    return subprocess.run(command, cwd=folder.path, capture_output=True, check=False, timeout=60).returncode


@contextmanager
def serving(folder: Folder) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server of the folder's log: its address, and the process."""
    words = folder.command("serve", "--listen", "127.0.0.1:0", "--json")
    with subprocess.Popen(
        words, cwd=folder.path, env=folder.environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["address"], process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def test_serve_signs_within_seconds(empty: Folder) -> None:
    """R7: what is recorded while a server runs, through it or beside it, comes under a signed checkpoint."""
    empty.good("init")
    key = json.loads(empty.good("api-keys", "new", "--name", "x", "--scope", "prove", "--json").out)["secret"]
    with serving(empty) as (address, _):
        empty.good(*ENTRY)
        size, until = -1, time.monotonic() + 60
        while size < 1 and time.monotonic() < until:
            answer = httpx.get(f"{address}/log/main/checkpoint", headers={"Authorization": f"Bearer {key}"})
            size = int(answer.text.splitlines()[1]) if answer.status_code == 200 else -1
            time.sleep(0.1)
        assert size >= 1
        beside = ("trailbook.db-wal", "trailbook.db-shm", "trailbook.db.serving")
        assert [name for name in beside if (empty.path / name).stat().st_mode & 0o077] == []


def test_a_log_has_one_server(empty: Folder) -> None:
    """A second server is told where the first is; the command line goes on, and links lead to the server that runs."""
    empty.good("init")
    assert empty.good("sign-in").out.startswith("http://127.0.0.1:8750/sign-in")
    with serving(empty) as (address, process):
        second = empty.run("serve", "--listen", "127.0.0.1:0")
        assert second.code == 2
        assert f"another server serves this log, at {address}" in second.err
        empty.good(*ENTRY)
        assert empty.good("sign-in").out.startswith(f"{address}/sign-in")
        process.kill()
        process.wait(30)
        # The control: a dead process holds nothing, whatever its file still says.
        with serving(empty) as (again, _):
            assert empty.good("sign-in").out.startswith(f"{again}/sign-in")
    assert empty.good("sign-in").out.startswith("http://127.0.0.1:8750/sign-in")


def test_a_whole_backup_restores(empty: Folder) -> None:
    """The control of the refusals below: with the right outside file a whole backup restores at once."""
    begun(empty)
    lose(empty)
    assert "nothing signed was lost" in empty.good("restore", "backup.db").out
    assert "Everything holds" in empty.good("verify").out


def test_an_outside_file_that_knows_nothing_is_refused(empty: Folder) -> None:
    """F22: a mistyped or empty outside file is no witness; nothing is put in place."""
    begun(empty)
    lose(empty)
    (empty.path / "none.txt").write_text("", "utf-8")
    for wrong in ("typo.txt", "none.txt"):
        (empty.path / "trailbook.toml").write_text(f'outside_file = "{wrong}"\n', "utf-8")
        ended = empty.run("restore", "backup.db")
        assert ended.code == 2
        assert f"{wrong} holds no signed head of main" in ended.err
        assert not (empty.path / "trailbook.db").exists()


def test_what_is_no_backup_is_refused(empty: Folder) -> None:
    """An empty file, another program's database and a missing file are refused by name."""
    begun(empty)
    lose(empty)
    (empty.path / "e.db").write_bytes(b"")
    (empty.path / "text.db").write_bytes(b"SQLite format 3\0" + bytes(200))
    for wrong in ("e.db", "text.db", "missing.db"):
        ended = empty.run("restore", wrong)
        assert ended.code == 2
        assert f"{wrong}: is not there, or is no backup" in ended.err
    assert not (empty.path / "trailbook.db").exists()


def test_without_an_outside_file_a_restore_is_a_declared_restart(empty: Folder) -> None:
    """F22: refused with the way on; taken, the log goes on under a new origin, visibly."""
    begun(empty, outside=None)
    lose(empty)
    refused = empty.run("restore", "backup.db")
    assert refused.code == 2
    assert "--without-outside-file" in refused.err
    told = empty.good("restore", "backup.db", "--without-outside-file").out
    assert "goes on as localhost/main/1" in told
    assert "activity_log.restarted" in empty.good("search", "--json").out
    assert "Everything holds" in empty.good("verify").out


def test_init_does_not_begin_a_lost_log_again(empty: Folder) -> None:
    """Under the secrets of a log that is gone an empty one would pass for it: refused, with what to do."""
    begun(empty)
    lose(empty)
    ended = empty.run("init")
    assert ended.code == 2
    assert "restore a backup" in ended.err
    assert "restore" in empty.run("search").err
    for kept in ("trailbook.db.keys", "trailbook.db.signing"):
        (empty.path / kept).rename(empty.path / f"old-{kept}")
    assert "has begun" in empty.good("init").out


def test_a_proof_is_checked_by_one_command(empty: Folder) -> None:
    """`prove` writes what `verify` checks, beside the log and by a key alone; a changed byte is found."""
    begun(empty)
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
    begun(empty)
    (empty.path / "nothing.zip").write_bytes(b"")
    for words, said in (
        (("verify", "nothing.zip"), "nothing.zip: is empty"),
        (("verify", "missing.zip"), "missing.zip: there is no such file"),
        (("backup", "nowhere/b.db"), "its folder does not exist"),
    ):
        ended = empty.run(*words)
        assert (ended.code, said in ended.err) == (2, True), ended.err


def test_a_damaged_index_is_built_anew(empty: Folder) -> None:
    """F5: the index says that it is damaged and what to do; built anew, the same search finds the same."""
    begun(empty)
    before = empty.good("search", "category:roles").out
    with sqlite3.connect(empty.path / "trailbook.db") as db:
        db.execute("INSERT INTO blob (org, kind, key, content) VALUES (1, 'index', 'segments', x'00')")
    refused = empty.run("search")
    assert (refused.code, "trailbook reindex" in refused.err) == (6, True)
    assert "1 fault found before" in empty.good("reindex").out
    assert empty.good("search", "category:roles").out == before
    assert "Everything holds" in empty.good("verify").out


def test_the_log_and_its_backups_are_private(empty: Folder) -> None:
    """Names stand in them: nobody but the owner reads the database, its journals or a backup."""
    begun(empty)
    lose(empty)
    empty.good("restore", "backup.db")
    for name in ("trailbook.db", "backup.db"):
        assert (empty.path / name).stat().st_mode & 0o077 == 0


def test_a_backup_that_was_never_signed_restarts_too(empty: Folder) -> None:
    """F22: what came after it may have been signed, so it too goes on under a new origin."""
    empty.good("init")
    empty.good(*ENTRY)
    empty.good("backup", "backup.db")
    empty.good("checkpoint", "publish")
    lose(empty)
    ended = empty.good("restore", "backup.db", "--without-outside-file")
    assert "goes on as localhost/main/1" in ended.out
    assert "erase them again" in ended.err
    assert "Everything holds" in empty.good("verify").out


def test_a_backup_from_before_a_restart_is_refused(empty: Folder) -> None:
    """F22: it reaches the last head of its own origin, and yet all that the restarted log signed would be lost."""
    begun(empty)
    lose(empty)
    empty.good("restore", "backup.db", "--without-outside-file")
    empty.good(*ENTRY)
    empty.good("checkpoint", "publish")
    empty.good("backup", "later.db")
    lose(empty)
    ended = empty.run("restore", "backup.db")
    assert ended.code == 2
    assert "went on as localhost/main/1" in ended.err
    assert not (empty.path / "trailbook.db").exists()
    assert "nothing signed was lost" in empty.good("restore", "later.db").out
    assert "Everything holds" in empty.good("verify").out


def test_the_log_of_somebody_else_does_not_restore(
    empty: Folder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """F22: a backup of another log of the same name is none of this one, whatever its size."""
    begun(empty)
    other = Folder(tmp_path_factory.mktemp("other"))
    begun(other)
    (empty.path / "foreign.db").write_bytes((other.path / "backup.db").read_bytes())
    lose(empty)
    assert empty.run("restore", "foreign.db").code == 1
    assert not (empty.path / "trailbook.db").exists()
    assert "nothing signed was lost" in empty.good("restore", "backup.db").out


def test_a_verification_is_remembered_where_that_is_asked(one: Folder) -> None:
    """`verify --remember` is an entry; without it nothing is, and a part or a file cannot be remembered."""
    one.good("verify")
    assert one.good("search", "action:activity_log.verified", "--json").json["entries"] == []
    one.good("verify", "--remember")
    found = one.good("search", "action:activity_log.verified", "--json").json["entries"]
    assert [each["target"]["type"] for each in found] == ["checkpoint"]
    (one.path / "some.zip").write_bytes(b"x")
    for words in (("verify", "--remember", "some.zip"), ("verify", "--remember", "--start", "1")):
        refused = one.run(*words)
        assert refused.code == 2
        assert "remember" in refused.err
