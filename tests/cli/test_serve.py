"""`serve` keeps the limits and lives that are set (contracts.md 8 and 12)."""

import json
import socket
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tests.cli.conftest import Folder
from tests.cli.test_keeping import serving

from trailbook import Item, open_deployment
from trailbook.cli.serve import limits_of, settle
from trailbook.deployment.settings import read_settings
from trailbook.errors import UnauthenticatedError
from trailbook.testing.steady import FrozenClock
from trailbook.web.http.limits import DEFAULT_LIMITS, Limits


def test_limits_that_are_set_are_kept(empty: Folder) -> None:
    """R24: a rate and the patience with a slow head, from the file and the environment, in a real server."""
    (empty.path / "trailbook.toml").write_text("[limits]\nreading = 2\nheader_seconds = 1\n", "utf-8")
    empty.env["TRAILBOOK_LIMITS_RECORDING"] = "3"
    empty.good("init")
    words = ("api-keys", "new", "--name", "x", "--scope", "read", "--scope", "record", "--json")
    bearer = {"Authorization": f"Bearer {json.loads(empty.good(*words).out)['secret']}"}
    with serving(empty) as (address, _):
        api = f"{address}/api/v1/orgs/main/entries"
        assert httpx.get(api, headers=bearer).headers["ratelimit-policy"] == '"reading";q=2;w=1'
        four = httpx.post(f"{api}/batch", json=[{}] * 4, headers=bearer)
        assert four.headers["ratelimit-policy"] == '"recording";q=3;w=1'
        with socket.create_connection((urlsplit(address).hostname, urlsplit(address).port), 60) as slow:
            slow.sendall(b"GET /healthz HTTP/1.1\r\n")
            assert slow.recv(65536).startswith(b"HTTP/1.1 408 ")


def test_without_settings_the_limits_are_those_of_the_contract(tmp_path: Path) -> None:
    """What the configuration says by default is what the application does by default."""
    found = read_settings({}, file=None, environ={}, folder=tmp_path)
    assert limits_of(found) == DEFAULT_LIMITS == Limits()
    assert (found.limits_reading, found.limits_recording, found.limits_failures) == ("50", "20000", "10")


def test_a_session_that_nobody_uses_ends_when_it_is_set_to(tmp_path: Path) -> None:
    """R25: `session_minutes` without being used, and it is over; used in time, it lives on."""
    clock = FrozenClock()
    deployment = open_deployment("memory:", create=True, clock=clock)
    deployment.create("acme")
    found = read_settings({}, file=None, environ={"TRAILBOOK_SESSION_MINUTES": "5"}, folder=tmp_path)
    settle(deployment, found)
    credentials = deployment.credentials
    text = credentials.sign_in(credentials.new_link("acme", Item(type="user", id="u-17"), "full"))
    for _ in range(3):
        clock.move(timedelta(minutes=4))
        assert credentials.viewer(text).item.id == "u-17"
    clock.move(timedelta(minutes=6))
    with pytest.raises(UnauthenticatedError):
        credentials.viewer(text)
    deployment.close()
