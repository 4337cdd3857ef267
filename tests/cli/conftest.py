"""The real command in a process of its own, on real files in a folder of its own."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

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

    def at_terminal(self, typed: bytes, *arguments: str) -> tuple[int, str]:
        """How a command ends on a terminal where this is typed, and what it said there and on both ways out."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.path,
            env=self.environment,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        os.close(theirs)
        os.write(ours, typed)
        out, _ = process.communicate(timeout=120)
        os.close(ours)
        return process.returncode, out.decode()

    def good(self, *arguments: str, stdin: bytes = b"") -> Ended:
        """Run one command that must succeed."""
        ended = self.run(*arguments, stdin=stdin)
        assert ended.code == 0, ended.err
        return ended

    def record(self, role: str, at: str, *more: str) -> str:
        """Record that Anna gave Bob a role then; the entry's id."""
        words = [word.replace("r-3", role) for word in self.given]
        return str(self.good(*words, "--at", at, "--json", *more).json["id"])


class Serving(Struct, frozen=True):
    """A server of a folder's log: what it said with --json when it began, and its process."""

    answer: dict[str, str]
    process: subprocess.Popen[str]

    @property
    def address(self) -> str:
        """Where it is reached."""
        return self.answer["address"]


@contextmanager
def serving(folder: Folder, *words: str, listen: str = "127.0.0.1:0") -> Iterator[Serving]:
    """A server of the folder's log, `serve` or what these words begin, until the block ends."""
    command = folder.command(*(words or ("serve",)), "--listen", listen, "--json")
    with subprocess.Popen(
        command, cwd=folder.path, env=folder.environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield Serving(json.loads(process.stdout.readline()), process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


class _Stay(urllib.request.HTTPRedirectHandler):
    """Redirects are answers here."""

    def redirect_request(self, *_: Any) -> None:
        return None


def ask(url: str, body: dict[str, str] | None = None, **headers: str) -> tuple[int, dict[str, str], str]:
    """One request: status, headers, text."""
    form = None if body is None else urlencode(body).encode()
    request = urllib.request.Request(url, form, headers)
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def sign_in(link: str, address: str) -> str:
    """Use a link as the browser does; the session cookie, or nothing."""
    assert ask(link)[0] == 200
    token = parse_qs(urlsplit(link).query)["link"][0]
    _, headers, _ = ask(
        f"{address}/sign-in", {"link": token}, Origin=address, **{"Sec-Fetch-Site": "same-origin"}
    )
    return headers.get("set-cookie", headers.get("Set-Cookie", "")).partition(";")[0]


def begin_signed(folder: Folder, *, outside: str | None = "outside.txt") -> None:
    """Begin a log with two entries in a folder, sign it, and take a backup of it."""
    if outside is not None:
        (folder.path / "trailbook.toml").write_text(f'outside_file = "{outside}"\n', "utf-8")
    folder.good("init")
    folder.good(*folder.given)
    folder.good("checkpoint", "publish")
    folder.good("backup", "backup.db")


@pytest.fixture
def empty(tmp_path: Path) -> Folder:
    """A folder with nothing in it."""
    return Folder(tmp_path)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Folder]:
    """A folder with an empty log of the organisation acme, and one with a log of one entry: tests get copies."""
    empty, filled = (Folder(tmp_path_factory.mktemp(name)) for name in ("made", "recorded"))
    empty.good("init", "--org", "acme")
    copy(empty, filled)
    filled.good(*filled.given)
    return {"begun": empty, "filled": filled}


def copy(made: Folder, to: Folder) -> Folder:
    """A folder with all that another one has."""
    shutil.copytree(made.path, to.path, dirs_exist_ok=True)
    return to


@pytest.fixture
def begun(empty: Folder, made: dict[str, Folder]) -> Folder:
    """A folder with an empty log of the organisation acme."""
    return copy(made["begun"], empty)


@pytest.fixture
def entry_folder(empty: Folder, made: dict[str, Folder]) -> Folder:
    """A folder with a log of one entry."""
    return copy(made["filled"], empty)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, made: dict[str, Folder]) -> Folder:
    """A folder with a log of one entry, for tests that record nothing."""
    return copy(made["filled"], Folder(tmp_path_factory.mktemp("shared")))


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Path]:
    """A folder on another disk than the log: memory."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, elsewhere: Path) -> Path:
    """A well log: three entries, signed, with an outside file on another disk."""
    folder = Folder(tmp_path_factory.mktemp("well"))
    (folder.path / "trailbook.toml").write_text(f'outside_file = "{elsewhere}/outside.txt"\n', "utf-8")
    folder.good("init", "--org", "acme")
    for _ in range(3):
        folder.good(*folder.given)
    folder.good("checkpoint", "publish")
    return folder.path


@pytest.fixture
def well(template: Path, tmp_path: Path) -> Folder:
    """A copy of the well log."""
    return Folder(Path(shutil.copytree(template, tmp_path / "log")))
