"""The real command in a process of its own, on real files in a folder of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from tests.cli import starter


class Ended(Struct, frozen=True):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it answered with --json."""
        return json.loads(self.out)

    @property
    def problem(self) -> Any:
        """The error it ended with under --json: exactly one line."""
        assert self.err.count("\n") == 1
        return json.loads(self.err)


class Folder:
    """A folder in which commands run; `env` is added to their environment.

    `before` is Python that their process runs first, where a test hands in a smaller limit.
    """

    given = (
        *("record", "--action", "role.assigned", "--actor", "person:user/u-17=Anna Berg"),
        *("--target", "role/r-3=Manager", "--concerns", "member:user/u-42=Bob Li"),
    )

    def __init__(self, path: Path, before: str = "") -> None:
        self.path = path
        self.before = before
        self.env: dict[str, str] = {}

    def command(self, *arguments: str) -> list[str]:
        """The words that start the command."""
        if self.before:
            code = f"{self.before}; import sys; from trailbook.cli import main; sys.exit(main(sys.argv[1:]))"
            return [sys.executable, "-c", code, *arguments]
        return [sys.executable, "-m", "trailbook", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """The environment without settings of whoever runs the tests."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TRAILBOOK_")}
        return kept | self.env

    def run(self, *arguments: str, stdin: bytes = b"") -> Ended:
        """Run one command to its end."""
        if not self.before and all(name.startswith("TRAILBOOK_") for name in self.env):
            command = starter.command(arguments, self.path, self.environment)
            if len(command) < starter.MOST:
                code, out, err = starter.started(command, stdin)
                return Ended(code, out.decode(), err.decode())
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.path,
            env=self.environment,
            input=stdin,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    def good(self, *arguments: str, stdin: bytes = b"") -> Ended:
        """Run one command that must succeed."""
        ended = self.run(*arguments, stdin=stdin)
        assert ended.code == 0, ended.err
        return ended


@pytest.fixture
def empty(tmp_path: Path) -> Folder:
    """A folder with nothing in it."""
    return Folder(tmp_path)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Folder]:
    """A folder with an empty log of the organisation acme, and one with a log of one entry: tests get copies."""
    empty, one = (Folder(tmp_path_factory.mktemp(name)) for name in ("made", "recorded"))
    empty.good("init", "--org", "acme")
    copy(empty, one)
    one.good(*one.given)
    return {"begun": empty, "one": one}


def copy(made: Folder, to: Folder) -> Folder:
    """A folder with all that another one has."""
    shutil.copytree(made.path, to.path, dirs_exist_ok=True)
    return to


@pytest.fixture
def begun(empty: Folder, made: dict[str, Folder]) -> Folder:
    """A folder with an empty log of the organisation acme."""
    return copy(made["begun"], empty)


@pytest.fixture
def one(empty: Folder, made: dict[str, Folder]) -> Folder:
    """A folder with a log of one entry."""
    return copy(made["one"], empty)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, made: dict[str, Folder]) -> Folder:
    """A folder with a log of one entry, for tests that record nothing."""
    return copy(made["one"], Folder(tmp_path_factory.mktemp("shared")))
