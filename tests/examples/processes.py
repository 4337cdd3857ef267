"""The examples as their pages say to start them: processes of their own, in an empty folder."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
from msgspec import Struct

ROOT = Path(__file__).parents[2]
DJANGO = ("-m", "django")
SERVERS = {
    "wsgi": (*DJANGO, "runserver", "--noreload", "127.0.0.1:{port}"),
    "asgi": ("-m", "uvicorn", "--factory", "django.core.asgi:get_asgi_application", "--port", "{port}"),
}
READER, ADDRESS = "user/1=Anna Berg", "http://127.0.0.1:{port}"
_LOOKS, _PAUSE = 600, 0.1  # until a server answers


class Project(Struct, frozen=True):
    """The Django example in a folder, with its log and its tables, to be served at a port."""

    folder: Path
    port: int

    @property
    def address(self) -> str:
        return ADDRESS.format(port=self.port)

    @property
    def environ(self) -> dict[str, str]:
        path = f"{ROOT / 'src'}:{ROOT}"
        own = {"PYTHONPATH": path, "HR_ADDRESS": self.address, "PYTHONWARNINGS": "default"}
        return {**os.environ, **own, "DJANGO_SETTINGS_MODULE": "examples.django_hr.settings"}

    def run(self, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command of Python's in the folder, to its end."""
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    @contextmanager
    def beside(self, *command: str, **environ: str) -> Iterator[None]:
        """Run a command in the folder, for as long as the block lasts."""
        line, quiet = [sys.executable, *command], subprocess.DEVNULL
        with subprocess.Popen(
            line, cwd=self.folder, env={**self.environ, **environ}, stdout=quiet, stderr=quiet
        ) as process:
            try:
                yield
            finally:
                process.terminate()

    @contextmanager
    def served(self, server: str, **environ: str) -> Iterator["Project"]:
        """Serve it, and drain its outbox beside."""
        command = [part.format(port=self.port) for part in SERVERS[server]]
        with ExitStack() as stack:
            stack.enter_context(self.beside(*command, **environ))
            stack.enter_context(self.beside(*DJANGO, "trailbook", "drain", "--follow"))
            wait_for(self.address)
            yield self


def begun(folder: Path) -> Project:
    """A new project with its log, of which Anna is a reader."""
    project = Project(folder, free_port())
    for command in (
        ("-m", "trailbook", "init", "--org", "acme"),
        ("-m", "trailbook", "members", "set", READER, "--role", "auditor"),
        (*DJANGO, "migrate", "--run-syncdb"),
    ):
        done = project.run(*command)
        assert done.returncode == 0, (command, done.stderr)
    return project


def free_port() -> int:
    """A port that nobody listens at."""
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def wait_for(address: str) -> None:
    """Wait until a server answers there."""
    for _ in range(_LOOKS):
        try:
            if httpx.get(address, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(_PAUSE)
    raise AssertionError(f"nobody answers at {address}")
