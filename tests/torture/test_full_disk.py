"""A disk that is full under a running server: people sign in and out, and nothing is read unrecorded."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.cli.conftest import Folder, Serving, serving, sign_in
from tests.web.conftest import ORG, wire

pytestmark = pytest.mark.needs_root
PAGE = f"/orgs/{ORG}/activity?category=roles&date=past-12-months"
SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def folder(small_disk: Path) -> Folder:
    """A log on a disk of its own."""
    folder = Folder(
        small_disk, before="from trailbook.web.http import readiness; readiness._EVERY_SECONDS = 0.0"
    )
    folder.good("init", "--org", ORG)
    return folder


def link(folder: Folder, address: str, *words: str) -> str:
    """A link that signs somebody in once."""
    return str(folder.good("sign-in", "--base-url", address, *words, "--json").json["link"])


def filled(server: Serving, folder: Folder, key: str) -> None:
    """The disk takes nothing more: the last of it went to entries."""
    ballast = (folder.path / "ballast").open("wb")
    with ballast, httpx.Client(base_url=server.address, headers={"Authorization": f"Bearer {key}"}) as client:
        assert client.post(f"/api/v1/orgs/{ORG}/entries", json=wire()).status_code == 201
        try:
            for _ in range(1024):
                ballast.write(bytes(8192))
                ballast.flush()
        except OSError:
            pass
        for _ in range(10_000):
            answer = client.post(f"/api/v1/orgs/{ORG}/entries", json=wire())
            if answer.status_code == 503:
                assert answer.json()["code"] == "storage-full"
                return
    raise AssertionError("the disk is not full")


def waits_for(holds: Callable[[], bool]) -> bool:
    """Whether something holds soon."""
    for _ in range(600):
        if holds():
            return True
        time.sleep(0.1)
    return False


def test_people_sign_in_and_nothing_is_read_unrecorded(folder: Folder) -> None:
    """What cannot be recorded is told in `/readyz` and by `doctor`, and recorded once there is room again."""
    key = folder.good("api-keys", "new", "--name", "x", "--scope", "record", "--scope", "read", "--json")
    with serving(folder) as server, httpx.Client(base_url=server.address) as client:
        before = sign_in(link(folder, server.address, "--as", "user/u-1=Before"), server.address)
        links = [link(folder, server.address, "--as", f"user/u-{at}=Reader {at}") for at in (2, 3)]
        filled(server, folder, key.json["secret"])
        assert "recording" not in client.get("/readyz").json()["warning"]
        begun = sign_in(links[0], server.address)
        assert begun
        for cookie in (before, begun):
            page = client.get(PAGE, headers={"Cookie": cookie})
            assert (page.status_code, "Anna Berg" in page.text) == (503, False)
        assert sign_in(links[0], server.address) == ""  # it worked once
        out = client.post("/sign-out", headers={"Cookie": begun, **SAME})
        assert out.status_code == 303
        assert client.get(PAGE, headers={"Cookie": begun}).status_code == 401
        read = client.get(
            f"/api/v1/orgs/{ORG}/entries", headers={"Authorization": f"Bearer {key.json['secret']}"}
        )
        assert (read.status_code, read.json()["code"]) == (503, "storage-full")
        assert waits_for(lambda: "recording" in client.get("/readyz").json()["warning"])
        assert "The running server says that recording does not go on" in folder.run("doctor").out
        (folder.path / "ballast").unlink()
        assert waits_for(lambda: "recording" not in client.get("/readyz").json()["warning"])
        assert sign_in(links[1], server.address)
        assert client.get(PAGE, headers={"Cookie": begun}).status_code == 401
        assert client.get(PAGE, headers={"Cookie": before}).status_code == 200
    text = folder.good("search", "category:security", "--json").out
    assert text.count('"user.signed_in"') == 3
    assert text.count('"user.signed_out"') == 1
    assert '"u-2"' in text
    folder.good("verify")
