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
