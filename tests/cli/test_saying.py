"""What the commands say to whoever is new: what is next, what is meant, and what went wrong in words."""

import os
import pty
import subprocess
from pathlib import Path

import apsw
import pytest
from tests.cli.conftest import Folder

from trailbook import __version__
from trailbook.errors import StoreError
from trailbook.stores.sqlite.connection import our_errors


def test_what_init_says_is_next_names_the_store_given(empty: Folder) -> None:
    """R1: the commands work as they are printed; without a store of one's own nothing is added to them."""
    assert "  trailbook search\n" in empty.good("init").out
    said = empty.good("--store", "sqlite:///other.db", "init").out
    assert "  trailbook --store sqlite:///other.db search\n" in said
    assert "outside_file" in said


@pytest.mark.parametrize(
    ("action", "said", "unsaid"),
    [
        ("role.given", "role.assigned", "nearest"),
        ("user.updated", "nearest declared one is user.profile_updated", "user.created"),
        ("rolle.assigned", "nearest declared one is role.assigned", "role.created"),
    ],
)
def test_an_unknown_action_is_answered_with_what_there_is(
    begun: Folder, action: str, said: str, unsaid: str
) -> None:
    """R1: the nearest when it is near, else all of the entity: a wrong guess sends people the wrong way."""
    ended = begun.run("record", "--action", action, *begun.given[3:])
    assert ended.code == 2
    assert said in ended.err
    assert unsaid not in ended.err


def test_a_kind_that_is_none_is_answered_with_those_there_are(begun: Folder) -> None:
    """R1: the refusal names the member and what it may be."""
    given = [word.replace("person:", "robot:") for word in begun.given]
    assert "/actor/kind: is not one of person, integration, system" in begun.run(*given).err
    begun.good(*begun.given)


def test_an_export_that_cannot_be_is_refused_in_words(one: Folder) -> None:
    """R6: a folder that is not there, and a form for a bundle, which has its own."""
    missing = one.run("export", "--output", "nowhere/y.csv")
    assert (missing.code, missing.err) == (2, "error: output: the folder nowhere does not exist\n")
    both = one.run("export", "--format", "csv", "--bundle", "closed", "--output", "y.zip")
    assert both.code == 2
    assert "format: " in both.err
    assert not (one.path / "y.zip").exists()
    one.good("export", "--bundle", "closed", "--output", "y.zip")
    unknown = one.run("verify", "y.zip", "--key", "nosuchkey")
    assert (unknown.code, unknown.err) == (2, "error: nosuchkey: there is no such file\n")
    one.good("verify", "y.zip")


def test_numbers_have_their_words(one: Folder) -> None:
    """One entry is not 1 entries."""
    assert "1 of 1 entry\n" in one.good("search", "category:roles").err
    one.good(*one.given)
    assert "2 of 2 entries\n" in one.good("search", "category:roles").err


def test_the_version_is_told_either_way(empty: Folder) -> None:
    assert empty.good("--version").out == empty.good("version").out == f"trailbook {__version__}\n"


def test_an_import_says_a_score_of_refusals_and_counts_the_rest(begun: Folder) -> None:
    """A wrong file does not fill the terminal; all refusals are in the JSON."""
    (begun.path / "no.jsonl").write_text("nothing\n" * 132)
    ended = begun.run("import", "jsonl", "no.jsonl")
    assert ended.code == 1
    assert ended.err.count("\n") == 21
    assert "and 112 more" in ended.err
    assert len(begun.run("import", "jsonl", "no.jsonl", "--json").json["refused"]) == 132


def answered(folder: Folder, answer: bytes, *words: str) -> int:
    """The exit code of a command on a terminal whose question gets this answer."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        folder.command(*words),
        cwd=folder.path,
        env=folder.environment,
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    os.write(ours, answer)
    code = process.wait(60)
    os.close(ours)
    return code


def test_erasing_asks_whoever_sits_there(one: Folder) -> None:
    """R12: on a terminal nothing is erased before a yes; a script says --yes or is none."""
    assert answered(one, b"n\n", "erase", "user/u-42") != 0
    assert "Bob Li" in one.good("search").out
    assert answered(one, b"y\n", "erase", "user/u-42") == 0
    assert "Bob Li" not in one.good("search").out
    said = one.good("erase", "user/u-17", "--yes").err
    assert "backups taken before" in said
    assert "remove the old ones" in said


def test_a_store_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    """F9: read-only and not to be opened are told apart, and from everything else."""
    file = f"{tmp_path}/a.db"
    apsw.Connection(file).close(True)
    reader = apsw.Connection(file, flags=apsw.SQLITE_OPEN_READONLY)
    with pytest.raises(StoreError, match="read-only"), our_errors():
        reader.execute("CREATE TABLE t(a)")
    reader.close(True)
    with pytest.raises(StoreError, match="cannot be opened"), our_errors():
        apsw.Connection(f"{tmp_path}/no/a.db")
