"""Help: there for every command, without the modules that only the work needs, and one with the table."""

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from trailbook.cli import COMMANDS
from trailbook.cli.reference import walk

if TYPE_CHECKING:
    from tests.cli.conftest import Folder

HEAVY = ("apsw", "cryptography", "litestar", "numpy", "rich", "sqlalchemy", "uvicorn", "zstandard")
EVERY = [path for path, _ in walk()]


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_help_imports_nothing_that_only_the_work_needs(path: tuple[str, ...]) -> None:
    """--help within 300 ms is held by what it imports, not by a stopwatch."""
    ask = f"import sys; from trailbook.cli import main; main({[*path, '--help']!r})"
    code = f"{ask}; sys.stderr.write(' '.join(sorted(m for m in {HEAVY!r} if m in sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"Usage: {' '.join(('trailbook', *path))} ")


def test_work_does_import_what_help_does_not(shared: "Folder") -> None:
    """The control: the same look at a command that works finds them."""
    code = "import sys; from trailbook.cli import main; main(['count']); sys.stderr.write(str('numpy' in sys.modules))"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=shared.path,
        env=shared.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stderr == "True"


def test_the_table_says_what_each_command_says_of_itself() -> None:
    own = {path[0]: command.help.partition("\n")[0] for path, command in walk() if len(path) == 1}
    assert own == {name: command.summary for name, command in COMMANDS.items()}


@pytest.mark.parametrize(
    "path", [path for path, command in walk() if not hasattr(command, "commands")], ids=" ".join
)
def test_every_command_answers_in_json(path: tuple[str, ...]) -> None:
    command = dict(walk())[path]
    assert any("--json" in getattr(parameter, "opts", ()) for parameter in command.params)


def test_nothing_but_the_name_says_what_one_can_do(shared: "Folder") -> None:
    """Each command that it tells of is there, and so is the way to all of them."""
    answer = shared.good()
    commands = [line.split()[1] for line in answer.out.splitlines() if line.startswith("  trailbook ")]
    assert len(commands) > 5
    assert set(commands) <= set(COMMANDS)
    assert "trailbook --help" in answer.out
    assert shared.run("nothing").code == 2


@pytest.mark.parametrize(
    ("words", "ours"),
    [
        (("serve", "--port", "8080"), "--listen"),
        (("demo", "--host", "::1"), "--listen"),
        (("count", "--since", "x"), "--from"),
    ],
)
def test_a_name_that_others_give_an_option_leads_to_ours(
    words: tuple[str, ...], ours: str, shared: "Folder"
) -> None:
    refused = shared.run(*words)
    assert (refused.code, refused.out) == (2, "")
    assert f"Write {ours} " in refused.err


def test_no_option_is_named_that_the_command_does_not_have(shared: "Folder") -> None:
    """The control: a search listens nowhere."""
    refused = shared.run("search", "--port", "8080")
    assert refused.code == 2
    assert "--listen" not in refused.err
