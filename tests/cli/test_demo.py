"""`demo`: built once and whole, served with links that sign in once, in real processes."""

import os
import signal
import socket
import sqlite3
import subprocess
import time
from typing import Any

import pytest
from tests.cli.conftest import Folder, ask, serving, sign_in


@pytest.fixture(scope="module")
def nordlys(tmp_path_factory: pytest.TempPathFactory, shared: Folder) -> Folder:
    """A folder with the demo company, built by the command."""
    folder = type(shared)(tmp_path_factory.mktemp("nordlys"))
    answer = folder.good("demo", "--no-serve", "--dir", "company")
    assert "TRAILBOOK_STORE=sqlite:///company/log.db" in answer.out
    return folder


def test_it_is_built_where_it_says_and_nothing_else_stays(nordlys: Folder) -> None:
    assert [each.name for each in nordlys.path.iterdir()] == ["company"]
    assert {"log.db", "hr.db"} <= {each.name for each in (nordlys.path / "company").iterdir()}
    nordlys.env["TRAILBOOK_STORE"] = "sqlite:///company/log.db"
    assert int(nordlys.good("--org", "nordlys", "count").out) >= 30_000
    assert "Everything holds" in nordlys.good("--org", "nordlys", "verify", "--start", "35000").out
    del nordlys.env["TRAILBOOK_STORE"]


def test_again_it_is_left_as_it_is(nordlys: Folder) -> None:
    before = (nordlys.path / "company" / "hr.db").stat().st_mtime_ns
    assert nordlys.good("demo", "--no-serve", "--dir", "company").err == ""
    assert (nordlys.path / "company" / "hr.db").stat().st_mtime_ns == before


def test_its_secrets_do_not_come_from_the_seed(
    nordlys: Folder, tmp_path_factory: pytest.TempPathFactory
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


def test_a_killed_build_is_never_taken_for_a_whole_one(empty: Folder) -> None:
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


def test_a_port_that_is_taken_is_told_before_anything_is_built(empty: Folder) -> None:
    """Two years are not lived through for nothing."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = empty.run("demo", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert refused.code == 2
    assert "another program listens there; choose another with --listen" in refused.err
    assert list(empty.path.iterdir()) == []


def test_a_folder_with_something_else_is_refused_untouched(empty: Folder) -> None:
    (empty.path / "mine").mkdir()
    (empty.path / "mine" / "hr.db").write_text("precious")
    ended = empty.run("demo", "--no-serve", "--dir", "mine")
    assert (ended.code, ended.err) == (2, "error: dir: mine holds something else; name another with --dir\n")
    assert os.listdir(empty.path / "mine") == ["hr.db"]
    assert (empty.path / "mine" / "hr.db").read_text() == "precious"


def test_the_links_open_the_log_once_or_the_refusal(nordlys: Folder) -> None:
    """The lead reads, an employee gets a plain refusal, a link works once; what is set of another log is not used."""
    nordlys.env |= {"TRAILBOOK_ORIGIN": "other.example", "TRAILBOOK_SECRETS_DIRECTORY": "nowhere"}
    with serving(nordlys, "demo", "--dir", "company") as server:
        address, links = server.address, server.answer
        page = f"{address}/orgs/nordlys/activity?category.not=activity_log"
        parts = ("hr", "manager", "employee", "administrator")
        lead, manager, employee, administrator = (sign_in(links[part], address) for part in parts)
        status, _, text = ask(page, Cookie=lead)
        assert (status, "signed in" in text) == (200, True)
        for without in (manager, employee):
            status, _, text = ask(page, Cookie=without)
            assert (status, "signed in" in text, "Activity log" in text) == (403, False, True)
            assert not [name for name in ("Ingrid", "Mikael", "Jonas") if name in text]
        settings = f"{address}/orgs/nordlys/activity/settings/members"
        assert [ask(settings, Cookie=who)[0] for who in (administrator, lead, employee)] == [200, 403, 403]
        assert sign_in(links["hr"], address) == ""
        assert ask(page)[0] == 401
        assert ask(links["hr_system"] + "/")[0] == 200
    nordlys.env.clear()
    assert server.process.returncode == 0


def test_the_hr_system_and_the_log_hold_no_common_secret(nordlys: Folder) -> None:
    """A national id of the HR system is in no file that the log writes."""
    company = nordlys.path / "company"
    with sqlite3.connect(company / "hr.db") as hr:
        ids = [row[0] for row in hr.execute("SELECT national_id FROM person LIMIT 50")]
    written = b"".join(file.read_bytes() for file in company.glob("log.db*") if file.is_file())
    assert ids
    assert not [id_ for id_ in ids if id_.encode() in written]
    assert any(id_.encode() in (company / "hr.db").read_bytes() for id_ in ids)  # the control
