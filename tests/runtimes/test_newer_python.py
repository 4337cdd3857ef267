"""What needs a Python newer than this one has it: `make newer` made it, and Trailbook records there as it does here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from requirements.newer_python import on_path, runs

HERE = Path(__file__).parent
NEWER = Path(sys.prefix) / "newer"


def recorded(python: Path | str) -> dict[str, Any]:
    """What a Python says of the log that it made; a warning ends it."""
    environ = {**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, "-W", "error", HERE / "recording.py"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_trailbook_records_the_same_under_a_newer_python() -> None:
    """The same entries have the same root under both, are found under both, and hold; each has its own packages."""
    assert (NEWER / "bin/python").exists(), "there is no newer Python: make newer"
    here, there = recorded(sys.executable), recorded(NEWER / "bin/python")
    assert tuple(there.pop("python")) >= (3, 12)
    assert Path(there.pop("place")).is_relative_to(NEWER)
    assert tuple(here.pop("python")) == sys.version_info[:2]
    assert not Path(here.pop("place")).is_relative_to(NEWER)
    assert there == here
    assert (here["found"], here["findings"]) == (["Åse 299"], [])


def test_a_newer_python_is_one_that_starts_itself_again() -> None:
    """What runs there and starts its own Python gets the same one, also where it was taken out of packages."""
    inner = "import sys; print(sys.prefix)"
    asked = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}], check=True)"
    done = subprocess.run([NEWER / "bin/python", "-c", asked], capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == NEWER


@pytest.mark.parametrize("says", ["exit 127", "echo False", "echo Python 3.14.0"])
def test_a_name_on_the_path_is_not_believed(says: str, tmp_path: Path) -> None:
    """A command that does not run, an older Python and something else are passed over for the next folder's."""
    wrong, good = tmp_path / "wrong", tmp_path / "good"
    for folder in (wrong, good):
        folder.mkdir()
    (wrong / "python3.12").write_text(f"#!/bin/sh\n{says}\n", "utf-8")
    (wrong / "python3.12").chmod(0o755)
    (good / "python3.12").symlink_to(NEWER / "bin/python")
    assert on_path(f"{wrong}:{tmp_path / 'absent'}:{good}", ["python3.12"]) == good / "python3.12"
    assert on_path(str(wrong), ["python3.12"]) is None
    assert not runs(tmp_path / "absent")
