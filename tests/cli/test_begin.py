"""The command line where its extra is not installed: one sentence says so, whatever else is missing is raised."""

import subprocess
import sys

# As if a module were not installed.
_WITHOUT = "import sys; sys.modules[{module!r}] = None; from trailbook.__main__ import main; sys.exit(main())"


def begun_without(module: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-c", _WITHOUT.format(module=module), "version"]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_without_its_extra_one_sentence_says_what_to_install() -> None:
    done = begun_without("typer")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: the command line needs the extra `cli`: pip install trailbook[cli]\n"


def test_whatever_else_is_missing_is_raised() -> None:
    """The controls: another module, and none."""
    done = begun_without("msgspec")
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr
    assert begun_without("no_such_module").returncode == 0
