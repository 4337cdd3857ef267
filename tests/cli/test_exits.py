"""Every exit code has a command that ends with it, and a control that does not."""

import signal
import socket
import sqlite3
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trailbook import errors
from trailbook.cli.exits import EXITS, INTERNAL, exit_code

if TYPE_CHECKING:
    from tests.cli.conftest import Folder

ABSENT = "019a3c1e-7d2b-7c40-9f0e-6f1f0a6f2b11"


def test_done_is_0(shared: "Folder") -> None:
    assert shared.run("count").code == 0


def test_a_check_that_finds_something_is_1(entry_folder: "Folder", tmp_path: Path) -> None:
    words = tmp_path / "words" / "say"
    words.mkdir(parents=True)
    assert entry_folder.run("catalogue", "check").code == 0  # the control
    (words / "en.toml").write_text('[actions."role.assigned"]\nplain = "{actor} gave {nobody}"\n')
    entry_folder.env["TRAILBOOK_CATALOGUE"] = str(tmp_path / "words")
    ended = entry_folder.run("catalogue", "check", "--json")
    assert ended.code == 1
    assert any(finding["key"] == "actions.role.assigned.plain" for finding in ended.json)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("frob",), "No such command"),
        (("search", "--frob"), "No such option"),
        (
            ("search", "--category", "rolse"),
            "category: 'rolse' is not a declared category; the nearest is roles",
        ),
        (("search", "--limit", "201"), "limit: is not a whole number from 1 to 200"),
        (("search", "--date", "last-month", "--from", "2026-01-01"), "together"),
        (("search", "--cursor", "AAAA"), "cursor"),
        (("search", "--lang", "xx"), "lang: 'xx' is not enabled; there are en, nb"),
        (("search", "frob:x"), "frob"),
        (("show", "x"), "id: is not a UUID"),
        (("record",), "action"),
        (("record", "--action", "role.asigned"), "actor"),
        (("record", "-", "--id", ABSENT), "--id and JSON on stdin"),
        (("record", "file.json"), "the only argument is -"),
        (("record", "--target", "role"), "target: is not written TYPE/ID[=NAME]"),
        (("import", "jsonl", "absent.jsonl"), "absent.jsonl"),
        (
            ("export", "--format", "docx", "--output", "x"),
            "format: is not one of xlsx, pdf, csv, jsonl, parquet",
        ),
        (("api-keys", "new", "--name", "HR", "--scope", "everything"), "scopes"),
        (("api-keys", "new", "--name", "HR", "--scope", "read", "--days", "0"), "days"),
        (("catalogue", "list", "--category", "x"), "category"),
        (("--config", "absent.toml", "count"), "absent.toml"),
        (("--store", "oracle:x", "count"), "store"),
        (("--org", "Not An Org", "count"), "org (--org)"),
        (("init", "--org", "NO"), "org"),
    ],
)
def test_bad_input_is_2_with_one_line_that_names_it(
    shared: "Folder", arguments: tuple[str, ...], says: str
) -> None:
    ended = shared.run(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert says in ended.err
    problem = shared.run(*arguments, "--json").problem
    assert set(problem) <= {"code", "detail", "errors"}
    assert says in problem["detail"]


def test_what_is_refused_as_bad_input_passes_without_its_fault(entry_folder: "Folder") -> None:
    for arguments in (
        ("search", "--category", "roles", "--limit", "200", "--date", "last-month", "--lang", "nb"),
        ("search", "category:roles"),
        ("api-keys", "new", "--name", "HR", "--scope", "read", "--days", "1"),
        ("catalogue", "list", "--category", "roles"),
        ("--store", "sqlite:///trailbook.db", "--org", "acme", "count"),
    ):
        assert entry_folder.run(*arguments).code == 0


def test_a_refused_entry_names_its_members(begun: "Folder") -> None:
    wrong = [word.replace("role.assigned", "role.asigned") for word in begun.given]
    problem = begun.run(*wrong, "--json").problem
    assert problem["code"] == "action-unknown"
    assert problem["errors"][0]["pointer"] == "/action"
    assert "role.assigned" in problem["detail"]
    assert begun.run(*begun.given, "--json").code == 0


def test_not_found_is_4(empty: "Folder") -> None:
    missing = empty.run("count")
    assert missing.code == 4
    assert "trailbook init" in missing.err
    empty.good("init", "--org", "acme")
    receipt = empty.good(*empty.given, "--json").json
    assert empty.run("--org", "other", "count").code == 4
    assert empty.run("show", ABSENT).code == 4
    assert empty.run("api-keys", "revoke", "nokey").code == 4
    assert empty.run("show", receipt["id"]).code == 0


def test_conflict_is_5(begun: "Folder") -> None:
    given = (*begun.given, "--id", ABSENT, "--at", "2026-11-02T09:15:00+01:00")
    assert begun.run(*given).code == 0
    again = begun.run(*given)
    assert (again.code, "recorded before" in again.out) == (0, True)
    other = begun.run(*given, "--purpose", "onboarding", "--json")
    assert (other.code, other.problem["code"]) == (5, "entry-conflict")
    begun.good("export", "--output", "kept.csv")
    kept = (begun.path / "kept.csv").read_bytes()
    assert begun.run("export", "--output", "kept.csv").code == 5
    assert (begun.path / "kept.csv").read_bytes() == kept
    assert begun.run("export", "--output", "kept.csv", "--overwrite").code == 0


def test_a_store_that_cannot_answer_is_6(entry_folder: "Folder") -> None:
    entry_folder.before = "from trailbook.stores.sqlite import connection; connection.BUSY_MS = 50"
    held = sqlite3.connect(entry_folder.path / "trailbook.db")
    held.execute("BEGIN EXCLUSIVE")
    ended = entry_folder.run(*entry_folder.given, "--json")
    held.rollback()
    held.close()
    assert (ended.code, ended.problem["code"]) == (6, "store-unavailable")
    assert entry_folder.run(*entry_folder.given).code == 0


def test_interrupted_is_130_and_terminated_is_0(shared: "Folder") -> None:
    for end, code in ((signal.SIGINT, 130), (signal.SIGTERM, 0)):
        served = subprocess.Popen(
            shared.command("serve", "--listen", "127.0.0.1:0", "--json"),
            cwd=shared.path,
            env=shared.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert served.stdout is not None
        address = served.stdout.readline().split('"')[3]
        _answers(address)
        served.send_signal(end)
        out, err = served.communicate(timeout=30)
        assert (served.returncode, out) == (code, ""), err


def _answers(address: str) -> None:
    host, _, port = address.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as asked:
        asked.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert asked.recv(12) == b"HTTP/1.1 200"


def test_a_port_that_is_taken_is_2(shared: "Folder") -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = shared.run("serve", "--listen", listen)
    assert ended.code == 2
    assert "another program listens there" in ended.err


def test_a_reader_that_leaves_is_no_error(shared: "Folder") -> None:
    sentences = subprocess.Popen(
        shared.command("catalogue", "sentences"),
        cwd=shared.path,
        env=shared.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert sentences.stdout is not None
    sentences.stdout.read(1)
    sentences.stdout.close()
    assert sentences.wait(timeout=30) == 0
    assert sentences.stderr is not None
    with sentences.stderr:
        assert sentences.stderr.read() == b""


def test_an_internal_error_is_7_and_shows_no_stack_unless_asked(shared: "Folder") -> None:
    breaks = "import sys, trailbook.cli as cli; cli.COMMANDS['version'] = cli.Command('output', 'absent', '')"
    code = f"{breaks}; sys.exit(cli.main(['version']))"
    run = [shared.command()[0], "-c", code]
    ended = subprocess.run(
        run, env=shared.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (7, "error: internal error (AttributeError)\n")
    debug = shared.environment | {"TRAILBOOK_LOG_LEVEL": "debug"}
    process = subprocess.run(run, env=debug, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" in process.stderr
    assert process.stderr.endswith("error: internal error (AttributeError)\n")


def test_every_error_has_an_exit_code_of_its_own() -> None:
    """3 too: who may run a command reads as the operator, so no command refuses a viewer yet."""
    assert exit_code(errors.NotPermittedError("Activity log")) == 3
    assert exit_code(errors.UnauthenticatedError("sign in")) == 3
    assert exit_code(errors.TrailbookError("what nobody foresaw")) == INTERNAL
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    known = tuple(kind for kind, _ in EXITS)
    assert [kind for kind in kinds if not issubclass(kind, known)] == [errors.TrailbookError]
