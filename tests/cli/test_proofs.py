"""Keeping: a restore says what it knows, a lost log is not begun again in silence, and erasing asks first."""

import json

import pytest
from tests.cli.conftest import Folder, begin_signed

from trailbook import Item, Viewer, open_deployment
from trailbook.export import ExportRequest, Runner
from trailbook.query import Query


def lose(folder: Folder) -> None:
    for name in ("trailbook.db", "trailbook.db-wal", "trailbook.db-shm"):
        (folder.path / name).unlink(missing_ok=True)


def test_a_whole_backup_restores(empty: Folder) -> None:
    """The control of the refusals below: with the right outside file a whole backup restores at once."""
    begin_signed(empty)
    lose(empty)
    assert "nothing signed was lost" in empty.good("restore", "backup.db").out
    assert "Everything holds" in empty.good("verify").out


def test_an_outside_file_that_knows_nothing_is_refused(empty: Folder) -> None:
    """A mistyped or empty outside file is no witness; nothing is put in place."""
    begin_signed(empty)
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
    begin_signed(empty)
    lose(empty)
    (empty.path / "e.db").write_bytes(b"")
    (empty.path / "text.db").write_bytes(b"SQLite format 3\0" + bytes(200))
    for wrong in ("e.db", "text.db", "missing.db"):
        ended = empty.run("restore", wrong)
        assert ended.code == 2
        assert f"{wrong}: is not there, or is no backup" in ended.err
    assert not (empty.path / "trailbook.db").exists()


def test_without_an_outside_file_a_restore_is_a_declared_restart(empty: Folder) -> None:
    """Refused with the way on; taken, the log goes on under a new origin, visibly."""
    begin_signed(empty, outside=None)
    lose(empty)
    refused = empty.run("restore", "backup.db")
    assert refused.code == 2
    assert "--without-outside-file" in refused.err
    text = empty.good("restore", "backup.db", "--without-outside-file").out
    assert "goes on as localhost/main/1" in text
    assert "activity_log.restarted" in empty.good("search", "--json").out
    assert "Everything holds" in empty.good("verify").out


def test_init_does_not_begin_a_lost_log_again(empty: Folder) -> None:
    """Under the secrets of a log that is gone an empty one would pass for it: refused, with what to do."""
    begin_signed(empty)
    lose(empty)
    ended = empty.run("init")
    assert ended.code == 2
    assert "restore a backup" in ended.err
    assert "restore" in empty.run("search").err
    for kept in ("trailbook.db.keys", "trailbook.db.signing"):
        (empty.path / kept).rename(empty.path / f"old-{kept}")
    assert "has begun" in empty.good("init").out


def test_the_log_and_its_backups_are_private(empty: Folder) -> None:
    """Names stand in them: nobody but the owner reads the database, its journals or a backup."""
    begin_signed(empty)
    lose(empty)
    empty.good("restore", "backup.db")
    for name in ("trailbook.db", "backup.db"):
        assert (empty.path / name).stat().st_mode & 0o077 == 0


def test_a_backup_that_was_never_signed_restarts_too(empty: Folder) -> None:
    """What came after it may have been signed, so it too goes on under a new origin."""
    empty.good("init")
    empty.good(*empty.given)
    empty.good("backup", "backup.db")
    empty.good("checkpoint", "publish")
    lose(empty)
    ended = empty.good("restore", "backup.db", "--without-outside-file")
    assert "goes on as localhost/main/1" in ended.out
    assert "erase them again" in ended.err
    assert "Everything holds" in empty.good("verify").out


def test_a_backup_from_before_a_restart_is_refused(empty: Folder) -> None:
    """It reaches the last head of its own origin, and yet all that the restarted log signed would be lost."""
    begin_signed(empty)
    lose(empty)
    empty.good("restore", "backup.db", "--without-outside-file")
    empty.good(*empty.given)
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
    """A backup of another log of the same name is none of this one, whatever its size."""
    begin_signed(empty)
    other = Folder(tmp_path_factory.mktemp("other"))
    begin_signed(other)
    (empty.path / "foreign.db").write_bytes((other.path / "backup.db").read_bytes())
    lose(empty)
    assert empty.run("restore", "foreign.db").code == 1
    assert not (empty.path / "trailbook.db").exists()
    assert "nothing signed was lost" in empty.good("restore", "backup.db").out


def test_erasing_asks_whoever_sits_there(entry_folder: Folder) -> None:
    """On a terminal nothing is erased before a yes; a script says --yes or is none."""
    assert entry_folder.at_terminal(b"n\n", "erase", "user/u-42")[0] != 0
    assert "Bob Li" in entry_folder.good("search").out
    assert entry_folder.at_terminal(b"y\n", "erase", "user/u-42")[0] == 0
    assert "Bob Li" not in entry_folder.good("search").out
    warning = entry_folder.good("erase", "user/u-17", "--yes").err
    assert "backups taken before" in warning
    assert "remove the old ones" in warning


def test_erasing_a_member_says_what_went_and_what_remains(entry_folder: Folder) -> None:
    """The last administrator is refused before anything is done; with another one they go as well."""
    entry_folder.good("members", "set", "user/u-17=Anna Berg", "--role", "system-administrator")
    refused = entry_folder.run("erase", "user/u-17", "--yes")
    assert (refused.code, "somebody must be left who may manage access" in refused.err) == (5, True)
    entry_folder.good("members", "set", "user/u-42=Bob Li", "--role", "system-administrator")
    entry_folder.good("members", "invite", "user/u-17", "--login", "anna")
    erased = entry_folder.good("erase", "user/u-17", "--yes")
    assert (
        "Gone: what named them in the log; their membership; their account; sessions and links: 1."
        in erased.out
    )
    assert "What remains: entries; they stay under a pseudonym" in erased.err
    entry_folder.good("members", "set", "user/u-9=Eva Moe", "--role", "hr")
    answer = json.loads(entry_folder.good("erase", "user/u-9", "--yes", "--json").out)
    assert answer["went"] == {"membership": True, "account": False, "sessions": 0, "views": 0, "exports": 0}
    assert answer["remains"][0]["what"] == "entries"
    assert "u-17" not in entry_folder.good("members", "list").out


def test_erasing_lets_go_of_exports_that_name_them(entry_folder: Folder) -> None:
    """No server has to run for that; until somebody is erased the file stays, whatever else is asked."""
    entry_folder.good("members", "set", "user/u-9=Eva Moe", "--role", "hr")
    folder = entry_folder.path / "trailbook.db.exports"
    deployment = open_deployment(f"sqlite:///{entry_folder.path}/trailbook.db")
    viewer = Viewer(org="acme", item=Item(type="user", id="u-9"), activity_log="full", manage_exports="full")
    runner = Runner(deployment, folder)
    job = runner.order(ExportRequest(query=Query(), format="csv", manifest=False), viewer)
    assert runner.step()
    done = runner.orders.find(viewer, job.id)
    assert done.state == "ready", done
    file = runner.path(done, viewer)
    deployment.close()
    entry_folder.good("search")
    assert b"Bob Li" in file.read_bytes()
    entry_folder.good("erase", "user/u-42", "--yes")
    assert not file.exists()
