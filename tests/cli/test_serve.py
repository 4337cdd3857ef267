"""`serve` and `sign-in`: limits and lives hold as they are set, heads are signed, links work."""

import json
import socket
import subprocess
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
from tests.cli.conftest import Folder, ask, serving, sign_in

from trailbook import Item, open_deployment
from trailbook.cli.serve import limits_of, settle
from trailbook.deployment.settings import read_settings
from trailbook.errors import UnauthenticatedError
from trailbook.testing.steady import FrozenClock
from trailbook.web.http.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from tests.cli.conftest import Folder


def test_limits_that_are_set_are_kept(empty: Folder) -> None:
    """A rate and the patience with a slow head, from the file and the environment, in a real server."""
    (empty.path / "trailbook.toml").write_text("[limits]\nreading = 2\nheader_seconds = 1\n", "utf-8")
    empty.env["TRAILBOOK_LIMITS_RECORDING"] = "3"
    empty.good("init")
    words = ("api-keys", "new", "--name", "x", "--scope", "read", "--scope", "record", "--json")
    bearer = {"Authorization": f"Bearer {json.loads(empty.good(*words).out)['secret']}"}
    with serving(empty) as server:
        address = server.address
        api = f"{address}/api/v1/orgs/main/entries"
        assert httpx.get(api, headers=bearer).headers["ratelimit-policy"] == '"reading";q=2;w=1'
        four = httpx.post(f"{api}/batch", json=[{}] * 4, headers=bearer)
        assert four.headers["ratelimit-policy"] == '"recording";q=3;w=1'
        with socket.create_connection((urlsplit(address).hostname, urlsplit(address).port), 60) as slow:
            slow.sendall(b"GET /healthz HTTP/1.1\r\n")
            assert slow.recv(65536).startswith(b"HTTP/1.1 408 ")


def test_without_settings_the_limits_are_those_of_the_contract(tmp_path: Path) -> None:
    """What the configuration says by default is what the application does by default."""
    settings = read_settings({}, file=None, environ={}, folder=tmp_path)
    assert limits_of(settings) == DEFAULT_LIMITS == Limits()
    assert (settings.limits_reading, settings.limits_recording, settings.limits_failures) == (
        "50",
        "20000",
        "10",
    )


def test_every_limit_that_is_set_arrives(tmp_path: Path) -> None:
    """Each a number of its own: none is left at its default, or taken for another."""
    numbers = {name: at for at, name in enumerate(Limits.__struct_fields__, 1)}
    environ = {f"TRAILBOOK_LIMITS_{name.upper()}": str(number) for name, number in numbers.items()}
    settings = read_settings({}, file=None, environ=environ, folder=tmp_path)
    assert limits_of(settings) == Limits(**numbers)


def test_a_session_that_nobody_uses_ends_when_it_is_set_to(tmp_path: Path) -> None:
    """`session_minutes` without being used, and it is over; used in time, it lives on."""
    clock = FrozenClock()
    deployment = open_deployment("memory:", create=True, clock=clock)
    deployment.create("acme")
    settings = read_settings({}, file=None, environ={"TRAILBOOK_SESSION_MINUTES": "5"}, folder=tmp_path)
    settle(deployment, settings)
    credentials = deployment.credentials
    text = credentials.sign_in(credentials.new_link("acme", Item(type="user", id="u-17"), "full"))
    for _ in range(3):
        clock.move(timedelta(minutes=4))
        assert credentials.viewer(text).item.id == "u-17"
    clock.move(timedelta(minutes=6))
    with pytest.raises(UnauthenticatedError):
        credentials.viewer(text)
    deployment.close()


def test_serve_signs_within_seconds(empty: Folder) -> None:
    """What is recorded while a server runs, through it or beside it, comes under a signed checkpoint."""
    empty.good("init")
    key = json.loads(empty.good("api-keys", "new", "--name", "x", "--scope", "prove", "--json").out)["secret"]
    with serving(empty) as server:
        empty.good(*empty.given)
        size, until = -1, time.monotonic() + 60
        while size < 1 and time.monotonic() < until:
            answer = httpx.get(
                f"{server.address}/log/main/checkpoint", headers={"Authorization": f"Bearer {key}"}
            )
            size = int(answer.text.splitlines()[1]) if answer.status_code == 200 else -1
            time.sleep(0.1)
        assert size >= 1
        beside = ("trailbook.db-wal", "trailbook.db-shm", "trailbook.db.serving")
        assert [name for name in beside if (empty.path / name).stat().st_mode & 0o077] == []


# Between what it says first and the moment from which uvicorn listens for signals.
EARLY = """
import os, signal, uvicorn
run = uvicorn.Server.run
def early(self, sockets=None):
    os.kill(os.getpid(), signal.SIGTERM)
    run(self, sockets=sockets)
uvicorn.Server.run = early
"""


def test_a_server_that_is_ended_as_it_begins_ends(empty: Folder) -> None:
    """Nobody would hear the signal later; the log is let go of, so that the next server begins."""
    empty.good("init", "--org", "acme")
    folder = type(empty)(empty.path, f"exec({EARLY!r})")
    ended = subprocess.run(
        folder.command("serve", "--listen", "127.0.0.1:0"),
        cwd=folder.path,
        env=folder.environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout[:7], ended.stderr) == (0, b"http://", b"")
    with serving(empty) as server:
        assert ask(f"{server.address}/healthz")[0] == 200


def test_serve_signs_the_operator_in_and_so_does_sign_in(entry_folder: "Folder") -> None:
    with serving(entry_folder, "serve", "--sign-in") as server:
        address = server.address
        page = f"{address}/orgs/acme/activity?category.not=activity_log"
        status, _, text = ask(page, Cookie=sign_in(server.answer["sign_in"], address))
        assert (status, "Bob Li" in text) == (200, True)
        made = entry_folder.good(
            "sign-in", "--base-url", address, "--as", "user/u-17=Anna Berg", "--json"
        ).json
        assert made["as"] == "user/u-17"
        assert ask(page, Cookie=sign_in(made["link"], address))[0] == 200
        refused = entry_folder.good("sign-in", "--base-url", address, "--no-access", "--json").json
        assert ask(page, Cookie=sign_in(refused["link"], address))[0] == 403
    assert server.process.returncode == 0


def test_a_link_into_a_log_that_is_not_there_is_not_made(entry_folder: "Folder") -> None:
    assert entry_folder.run("--org", "other", "sign-in").code == 4
    assert entry_folder.run("sign-in", "--as", "nobody").code == 2
    assert entry_folder.run("sign-in", "--as", "user/\x1b").code == 2
    assert entry_folder.run("sign-in").code == 0


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_nobody_says_for_somebody_else_where_they_are(empty: Folder, header: str) -> None:
    """The address of an entry is the connection's: from the machine itself another was believed."""
    empty.good("init")
    value = "for=203.0.113.9" if header == "Forwarded" else "203.0.113.9"
    with serving(empty, "serve", "--sign-in") as server:
        link = server.answer["sign_in"].partition("link=")[2]
        headers = {"Origin": server.address, header: value}
        assert (
            httpx.post(f"{server.address}/sign-in", data={"link": link}, headers=headers).status_code == 303
        )
    entries = json.loads(empty.good("search", "--action", "user.signed_in", "--json").out)["entries"]
    assert [entry["origin"]["ip"] for entry in entries] == ["127.0.0.1"]
