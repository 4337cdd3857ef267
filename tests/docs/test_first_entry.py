"""From the README alone to the first captured entry, in each framework: as it is printed, in an empty folder."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.docs.test_examples import ROOT
from tests.examples.processes import free_port, wait_for

_SECTION = re.compile(r"^### (\w+)\n(.*?)(?=^##)", re.M | re.S)
_BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```", re.M | re.S)
SECTIONS = dict(_SECTION.findall((ROOT / "README.md").read_text("utf-8")))
FRAMEWORKS = ("SQLAlchemy", "FastAPI", "Django")
SERVER, MARK = "uvicorn hr:app", "# From here on: "
SENTENCE = {
    "SQLAlchemy": "Anna Berg added Bob Li as a user",
    "FastAPI": "Anna Berg added Bob Li as a user",
    "Django": "added Bob Li as a user",
}


class Reader:
    """Somebody who does what the page says, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = str(free_port())
        self.answer = ""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("TRAILBOOK_", "DJANGO_"))}
        self.environ = {**clean, "PATH": path}

    def python(self, text: str) -> None:
        """Save a block in the file that its first line names, at the end of it where it says so; else run it."""
        match = re.match(r"# ([\w/]+\.py)(, at its end)?\n", text)
        if match is None:
            self.run(sys.executable, "-W", "error", "-c", text)
            return
        file = self.folder / match[1]
        before = file.read_text("utf-8") if match[2] else ""
        file.write_text(before + text, "utf-8")

    def shell(self, lines: str) -> None:
        """Run commands one after the other; what is served is there until the last of them has run."""
        with self._server(lines):
            for line in lines.splitlines():
                if line != SERVER:
                    self.run("sh", "-c", line.replace("8000", self.port))

    @contextmanager
    def _server(self, lines: str) -> Iterator[None]:
        if SERVER not in lines:
            yield
            return
        command = [*SERVER.split(), "--port", self.port, "--log-level", "warning"]
        with subprocess.Popen(command, cwd=self.folder, env=self.environ) as process:
            wait_for(f"http://127.0.0.1:{self.port}/docs")
            try:
                yield
            finally:
                process.terminate()

    def run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        self.answer = done.stdout


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_first_entry_is_captured_from_the_readme_alone(framework: str, tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    if framework == "SQLAlchemy":  # whose log the README makes further up
        begin = (
            "from trailbook import open_deployment as o; o('sqlite:///log.db', create=True).create('acme')"
        )
        reader.run(sys.executable, "-c", begin)
    for kind, text in _BLOCK.findall(SECTIONS[framework]):
        reader.python(text) if kind == "python" else reader.shell(text)
    if framework == "SQLAlchemy":
        reader.run("trailbook", "--store", "sqlite:///log.db", "search")
    assert SENTENCE[framework] in reader.answer


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_ten_lines_are_ours(framework: str) -> None:
    blocks = [text for kind, text in _BLOCK.findall(SECTIONS[framework]) if kind == "python"]
    ours = "\n".join(text.partition(MARK)[2].partition("\n")[2] for text in blocks)
    if framework == "Django":  # of its files, all but the models
        ours = "\n".join(text.partition("\n")[2] for text in blocks if "models.Model" not in text)
    lines = [line for line in ours.splitlines() if line.strip()]
    assert 0 < len(lines) <= 10, lines
