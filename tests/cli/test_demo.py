"""`demo` and `serve`: built once and whole, served with links that sign in once, in real processes."""

import json
import os
import signal
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Folder


class _Stay(urllib.request.HTTPRedirectHandler):
    """Redirects are answers here."""

    def redirect_request(self, *_: Any) -> None:
        return None


def ask(url: str, body: dict[str, str] | None = None, **headers: str) -> tuple[int, dict[str, str], str]:
    """One request: status, headers, text."""
    sent = None if body is None else urlencode(body).encode()
    request = urllib.request.Request(url, sent, headers)
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


@contextmanager
def serving(folder: "Folder", *arguments: str) -> Iterator[dict[str, str]]:
    """A serving command; what it printed under --json."""
    served = subprocess.Popen(
        folder.command(*arguments, "--listen", "127.0.0.1:0", "--json"),
        cwd=folder.path,
        env=folder.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert served.stdout is not None
    with served.stdout:
        try:
            yield json.loads(served.stdout.readline())
        finally:
            served.send_signal(signal.SIGTERM)
            assert served.wait(timeout=30) == 0


def sign_in(link: str, address: str) -> str:
    """Use a link as the browser does; the session cookie, or nothing."""
    assert ask(link)[0] == 200
    token = parse_qs(urlsplit(link).query)["link"][0]
    _, headers, _ = ask(
        f"{address}/sign-in", {"link": token}, Origin=address, **{"Sec-Fetch-Site": "same-origin"}
    )
    return headers.get("set-cookie", headers.get("Set-Cookie", "")).partition(";")[0]


@pytest.fixture(scope="module")
def nordlys(tmp_path_factory: pytest.TempPathFactory, shared: "Folder") -> "Folder":
    """A folder with the demo company, built by the command."""
    folder = type(shared)(tmp_path_factory.mktemp("nordlys"))
    told = folder.good("demo", "--no-serve", "--dir", "company")
    assert "TRAILBOOK_STORE=sqlite:///company/log.db" in told.out
    return folder


def test_it_is_built_where_it_says_and_nothing_else_stays(nordlys: "Folder") -> None:
    assert [each.name for each in nordlys.path.iterdir()] == ["company"]
    assert {"log.db", "hr.db"} <= {each.name for each in (nordlys.path / "company").iterdir()}
    nordlys.env["TRAILBOOK_STORE"] = "sqlite:///company/log.db"
    assert int(nordlys.good("--org", "nordlys", "count").out) >= 30_000
    del nordlys.env["TRAILBOOK_STORE"]


def test_again_it_is_left_as_it_is(nordlys: "Folder") -> None:
    before = (nordlys.path / "company" / "hr.db").stat().st_mtime_ns
    assert nordlys.good("demo", "--no-serve", "--dir", "company").err == ""
    assert (nordlys.path / "company" / "hr.db").stat().st_mtime_ns == before


def test_its_secrets_do_not_come_from_the_seed(
    nordlys: "Folder", tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = type(nordlys)(tmp_path_factory.mktemp("twin"))
    other.good("demo", "--no-serve", "--dir", "company")
    for folder in (nordlys, other):
        assert (folder.path / "company" / "log.db.keys").stat().st_mode & 0o077 == 0
    secrets = [
        {file.name: file.read_bytes() for file in (folder.path / "company").rglob("*") if _is_secret(file)}
        for folder in (nordlys, other)
    ]
    assert len(secrets[0]) == 3  # cursors and correlations, and a signing key of each use
    assert all(secrets[0].get(name) != content for name, content in secrets[1].items())


def _is_secret(file: Any) -> bool:
    return file.suffix in (".keys", ".key")


def test_a_killed_build_is_never_taken_for_a_whole_one(empty: "Folder") -> None:
    building = subprocess.Popen(
        empty.command("demo", "--no-serve", "--dir", "company"),
        cwd=empty.path,
        env=empty.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while building.poll() is None and not list(empty.path.glob(".company.*.part/hr.db")):
        time.sleep(0.01)
    building.kill()
    assert building.wait(timeout=30) == -signal.SIGKILL
    assert not (empty.path / "company").exists()
    empty.good("demo", "--no-serve", "--dir", "company")  # the control: built anew
    assert int(empty.good("--store", "sqlite:///company/log.db", "count").out) >= 30_000


def test_a_folder_with_something_else_is_refused_untouched(empty: "Folder") -> None:
    (empty.path / "mine").mkdir()
    (empty.path / "mine" / "hr.db").write_text("precious")
    ended = empty.run("demo", "--no-serve", "--dir", "mine")
    assert (ended.code, ended.err) == (2, "error: dir: mine holds something else; name another with --dir\n")
    assert os.listdir(empty.path / "mine") == ["hr.db"]
    assert (empty.path / "mine" / "hr.db").read_text() == "precious"


def test_the_links_open_the_log_once_or_the_refusal(nordlys: "Folder") -> None:
    """The HR lead reads; an employee gets a plain refusal (S4, R10); a link works once (R25)."""
    with serving(nordlys, "demo", "--dir", "company") as told:
        address = told["address"]
        page = f"{address}/orgs/nordlys/activity?category.not=activity_log"
        parts = ("hr", "manager", "employee", "administrator")
        lead, manager, employee, administrator = (sign_in(told[part], address) for part in parts)
        status, _, text = ask(page, Cookie=lead)
        assert (status, "signed in" in text) == (200, True)
        for without in (manager, employee):
            status, _, text = ask(page, Cookie=without)
            assert (status, "signed in" in text, "Activity log" in text) == (403, False, True)
            assert not [name for name in ("Ingrid", "Mikael", "Jonas") if name in text]
        settings = f"{address}/orgs/nordlys/activity/settings/members"
        assert [ask(settings, Cookie=who)[0] for who in (administrator, lead, employee)] == [200, 403, 403]
        assert sign_in(told["hr"], address) == ""
        assert ask(page)[0] == 401
        assert ask(told["hr_system"] + "/")[0] == 200


def test_the_hr_system_and_the_log_hold_no_common_secret(nordlys: "Folder") -> None:
    """A national id of the HR system is in no file that the log writes (S3, F12)."""
    company = nordlys.path / "company"
    with sqlite3.connect(company / "hr.db") as hr:
        ids = [row[0] for row in hr.execute("SELECT national_id FROM person LIMIT 50")]
    written = b"".join(file.read_bytes() for file in company.glob("log.db*") if file.is_file())
    assert ids
    assert not [id_ for id_ in ids if id_.encode() in written]
    assert any(id_.encode() in (company / "hr.db").read_bytes() for id_ in ids)  # the control


def test_serve_signs_the_operator_in_and_so_does_sign_in(one: "Folder") -> None:
    with serving(one, "serve", "--sign-in") as told:
        address = told["address"]
        page = f"{address}/orgs/acme/activity?category.not=activity_log"
        status, _, text = ask(page, Cookie=sign_in(told["sign_in"], address))
        assert (status, "Bob Li" in text) == (200, True)
        made = one.good("sign-in", "--base-url", address, "--as", "user/u-17=Anna Berg", "--json").json
        assert made["as"] == "user/u-17"
        assert ask(page, Cookie=sign_in(made["link"], address))[0] == 200
        refused = one.good("sign-in", "--base-url", address, "--no-access", "--json").json
        assert ask(page, Cookie=sign_in(refused["link"], address))[0] == 403


def test_a_link_into_a_log_that_is_not_there_is_not_made(one: "Folder") -> None:
    assert one.run("--org", "other", "sign-in").code == 4
    assert one.run("sign-in", "--as", "nobody").code == 2
    assert one.run("sign-in", "--as", "user/\x1b").code == 2
    assert one.run("sign-in").code == 0
