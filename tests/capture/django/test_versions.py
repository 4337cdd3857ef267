"""Django 5.2 and 6: every write path holds with both (other tests run with the pinned, older one)."""

import os
import subprocess
import sys
from pathlib import Path

import django
import pytest
from tests.capture.django.conftest import SERVER

from trailbook.testing.postgres import Server

ROOT = Path(__file__).parents[3]
NEWER = Path(sys.prefix) / "newer"  # a Python that Django 6 takes, made by `make newer`


@pytest.mark.timeout(1200)  # all of the matrix in one
def test_the_newer_one(server: Server) -> None:
    """The matrix with Django 6, in a Python that has neither SQLAlchemy nor anything else of the tests."""
    assert django.VERSION[0] == 5
    folder = NEWER / "django-6"
    assert folder.is_dir(), f"{folder} is missing: make newer"
    environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{folder}", "PYTHONHASHSEED": "0"}
    environ[SERVER] = server.url().rpartition("host=")[2]
    run = [str(NEWER / "bin" / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    here = Path(__file__).parent
    run += [
        "--confcutdir",
        str(here),
        "-k",
        "not control",
        str(here / "test_matrix.py"),
        str(here / "test_tasks.py"),
    ]
    done = subprocess.run(run, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert " passed" in done.stdout
