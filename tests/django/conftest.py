"""The Django example as a project whose log a test reads, by itself and served."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from msgspec import Struct
from tests.examples.processes import SERVERS, Project, begun, free_port

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
ANNA, BOB = "1", "2"
API = "/activity/api/v1/orgs/acme"


class Visitor(Struct, frozen=True):
    """Somebody's way through the pages, by plain HTTP."""

    client: httpx.Client

    def post(self, path: str, **sent: str) -> httpx.Response:
        """Send a form of the host's own, with its token."""
        token = _TOKEN.search(self.client.get("/").text)
        assert token
        return self.client.post(path, data={"csrfmiddlewaretoken": token[1], **sent})


@contextmanager
def visiting(project: Project, who: str | None = None) -> Iterator[Visitor]:
    """Somebody who is signed in to the host, or nobody."""
    with httpx.Client(base_url=project.address, follow_redirects=True, timeout=30, trust_env=False) as client:
        visitor = Visitor(client)
        if who is not None:
            visitor.post("/sign-in", id=who)
        yield visitor


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that is begun and never changed: each test has a copy."""
    return begun(tmp_path_factory.mktemp("fresh"))


@pytest.fixture
def project(fresh: Project, tmp_path: Path) -> Project:
    """A project of its own, which nobody serves."""
    return _copied(fresh, tmp_path / "project")


@pytest.fixture(scope="session", params=SERVERS)
def served(
    request: pytest.FixtureRequest, fresh: Project, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """A project that is served in each of the two ways."""
    with _copied(fresh, tmp_path_factory.mktemp("served") / "project").served(request.param) as project:
        yield project


def _copied(fresh: Project, folder: Path) -> Project:
    shutil.copytree(fresh.folder, folder)
    return Project(folder, free_port())
