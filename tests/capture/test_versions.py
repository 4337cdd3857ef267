"""SQLAlchemy 2.0 and 2.1: the matrix of write paths holds with both (other tests run with the pinned, newer one)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy
from tests.amounts import RUN

ROOT = Path(__file__).parents[2]
OLDER = Path(sys.prefix) / "sqlalchemy-2.0"  # made by `make setup`


def test_the_pinned_one_is_newer() -> None:
    """This run's own SQLAlchemy is not the older one."""
    assert not sqlalchemy.__version__.startswith("2.0.")


@pytest.mark.timeout(1200)  # a hundred tests in one
def test_the_older_one() -> None:
    """The matrix on both databases with SQLAlchemy 2.0 in place of 2.1: by hooks, and in `make full` by triggers."""
    assert OLDER.is_dir(), f"{OLDER.name} is missing: make setup"
    environ = {**os.environ, "PYTHONPATH": str(OLDER), "PYTHONHASHSEED": "0"}
    asked = [sys.executable, "-c", "import sqlalchemy; print(sqlalchemy.__version__)"]
    version = subprocess.run(asked, env=environ, capture_output=True, text=True, check=True).stdout
    assert version.startswith("2.0."), version
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    paths = "test_every_write_path" if RUN == "full" else "test_every_write_path and not triggers"
    command += ["-k", paths, str(Path(__file__).with_name("test_matrix.py"))]
    done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
