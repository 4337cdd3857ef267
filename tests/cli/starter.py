"""Starts commands from a process that has loaded libraries, Trailbook and its catalogue; each command is a fork of it.

Most of a short command's time is loading. Owns that process and the way to it. Refuses what would have to be known when
an interpreter starts, such as its encoding: `Folder` starts those commands by themselves. What a command imports by
itself is asked of new interpreters, in `test_help.py`.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

LIBRARIES = (
    *(
        "apsw",
        "msgspec.json",
        "msgspec.toml",
        "numpy",
        "rich.console",
        "rich.markup",
        "rich.table",
        "sqlalchemy",
    ),
    *("typer", "typer.core", "zstandard", "cryptography.hazmat.primitives.asymmetric.ed25519"),
    *("cryptography.hazmat.primitives.kdf.argon2", "zoneinfo", "sqlite3", "email.message", "logging.config"),
)
# What commands import of Trailbook; a room that is missing here costs time and nothing else.
ROOMS = (
    *("adapters.files", "administration.access", "administration.organisations", "administration.views"),
    *("catalogue.check", "deployment.deployment", "deployment.opening", "deployment.verification"),
    *(
        "export.bundle",
        "export.runner",
        "finding.reader",
        "finding.embedded.finder",
        "log.log",
        "stores.sqlite.store",
    ),
)
MOST = 100_000  # bytes of a command with its environment


class Starter:
    """A process that makes others: each a fork of it, with streams, a folder and an environment of its own."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        self._line.settimeout(120)
        atexit.register(self.close)

    def run(self, command: bytes, stdin: bytes) -> tuple[int, bytes, bytes]:
        """Run a command to its end: its exit status, and what it wrote on both streams."""
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(stdin)
            given.seek(0)
            socket.send_fds(self._line, [command], [given.fileno(), out.fileno(), err.fileno()])
            code = int(self._line.recv(100))
            out.seek(0)
            err.seek(0)
            return code, out.read(), err.read()

    def close(self) -> None:
        """End the process."""
        self._line.close()
        self._process.wait(20)


_running: list[Starter] = []


def command(arguments: Sequence[str], folder: Path, environ: Mapping[str, str]) -> bytes:
    """A command as the starter takes it."""
    return json.dumps([arguments, str(folder), dict(environ)]).encode()


def started(command: bytes, stdin: bytes) -> tuple[int, bytes, bytes]:
    """Run a command in the one starter of this process of tests."""
    if not _running:
        _running.append(Starter())
    return _running[0].run(command, stdin)


def _become(asked: bytes, streams: list[int]) -> None:
    """Be the process of a command, as `python -m trailbook` would be."""
    arguments, folder, environ = json.loads(asked)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["trailbook", *arguments]
    sys.path[0] = folder
    runpy.run_module("trailbook", run_name="__main__", alter_sys=True)


def _serve(line: socket.socket) -> None:
    """Start what is asked for, one after the other, until nobody asks any more."""
    for library in LIBRARIES:
        importlib.import_module(library)
    for room in ROOMS:
        importlib.import_module(f"trailbook.{room}")
    importlib.import_module("trailbook.catalogue").load()
    gc.freeze()
    while True:
        asked, streams, _, _ = socket.recv_fds(line, MOST + 1, 3)
        if not asked:
            return
        child = os.fork()
        if not child:
            line.close()
            _become(asked, streams)
        for stream in streams:
            os.close(stream)
        line.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as ours:
        _serve(ours)
