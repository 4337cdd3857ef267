"""Publishing a log as files: what it says, and that a kill at any moment leaves a folder that still holds."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import Folder

VERIFIER = Path(__file__).parents[2] / "examples" / "check_it_yourself.py"
# Kills the process when it is about to give a file its name for the n-th time, and when it has.
KILLED = (
    "import os, signal; names = iter(range({at})); named = os.replace\n"
    "def replace(*given): next(names, None) is None and os.kill(os.getpid(), signal.SIGKILL); named(*given)\n"
    "os.replace = replace"
)


def holds(folder: Folder) -> bool:
    """Whether what is published holds before a verifier that shares no code with us."""
    public = folder.path / "public"
    command = [sys.executable, "-I", str(VERIFIER), str(public), "--key", str(public / "key"), "--entries"]
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


def test_the_log_is_published_as_files(well: Folder) -> None:
    """Hashes, keys and the head; entries only where they are asked for, and then it is said what they hold."""
    ended = well.good("tiles", "publish", "public")
    assert ended.out == "localhost/acme is published up to size 3; tiles written: 1.\n"
    assert ended.err == ""
    files = {str(path.relative_to(well.path)) for path in (well.path / "public").rglob("*") if path.is_file()}
    assert files == {"public/checkpoint", "public/key", "public/tile/0/000.p/3"}
    assert holds(well)
    ended = well.good("tiles", "publish", "public", "--entries", "--json")
    assert ended.json == {"origin": "localhost/acme", "size": 3, "written": 2, "holes": 0}
    assert "They hold no name and no address" in ended.err
    held = (well.path / "public/tile/entries/000.p/3").read_bytes()
    assert b"role.assigned" in held
    assert b"Anna" not in held
    assert holds(well)


def test_that_entries_were_published_is_an_entry(well: Folder) -> None:
    well.good("tiles", "publish", "public")
    assert "proof_downloaded" not in well.good("search", "--json").out
    well.good("tiles", "publish", "public", "--entries")
    assert "activity_log.proof_downloaded" in well.good("search", "--json").out


def test_a_folder_with_something_else_in_it_is_refused(well: Folder) -> None:
    ended = well.run("tiles", "publish", ".")
    assert (ended.code, ".: has outside" in ended.err or "in it; name an empty folder" in ended.err) == (
        2,
        True,
    )
    well.path.joinpath("public").write_text("a file", "utf-8")
    assert well.run("tiles", "publish", "public").code == 2


def test_a_kill_leaves_nothing_torn(entry_folder: Folder) -> None:
    """Before each file gets its name, the head last: what was published before holds, and the next run goes on."""
    entry_folder.good("checkpoint", "publish")
    entry_folder.good("tiles", "publish", "public", "--entries")
    entry_folder.good(*entry_folder.given)
    entry_folder.good("checkpoint", "publish")
    head = entry_folder.path / "public" / "checkpoint"
    published = head.read_bytes()
    for at in range(4):  # a tile, a bundle, the keys, the head
        killed = Folder(entry_folder.path, KILLED.format(at=at)).run(
            "tiles", "publish", "public", "--entries"
        )
        assert (killed.code, head.read_bytes() == published) == (-signal.SIGKILL, True)
        assert holds(entry_folder)
    entry_folder.good("tiles", "publish", "public", "--entries")
    assert head.read_bytes() != published
    assert holds(entry_folder)
    assert not (entry_folder.path / "public" / ".part").exists()
