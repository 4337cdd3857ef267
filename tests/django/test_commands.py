"""`manage.py trailbook`: drain, verify and check end as the command line does, with its exit codes."""

import json
import signal
import sqlite3
import subprocess
import sys

import pytest
from tests.examples.processes import DJANGO, Project

from trailbook import Query, open_deployment, operator

FIRST = "First day added Bob Li as a user"


def trailbook(project: Project, *command: str, **environ: str) -> tuple[int, str, str]:
    done = project.run(*DJANGO, "trailbook", *command, **environ)
    return done.returncode, done.stdout, done.stderr


def sentences(project: Project) -> list[str]:
    deployment = open_deployment(f"sqlite:///{project.folder / 'trailbook.db'}")
    try:
        page = deployment.log("acme").search(Query(), viewer=operator("acme"))
        return [entry.sentence for entry in page.entries]
    finally:
        deployment.close()


def test_drain_moves_what_waits_once_and_signs_it(project: Project) -> None:
    assert FIRST not in sentences(project)
    code, text, _ = trailbook(project, "drain", "--json")
    assert (code, json.loads(text)["recorded"]) == (0, 4)
    assert FIRST in sentences(project)
    assert json.loads(trailbook(project, "drain", "--json")[1])["recorded"] == 0
    code, text, _ = trailbook(project, "verify", "--json")
    report = json.loads(text)
    assert (code, report["holds"], report["checkpoint"]) == (0, True, report["size"])


def test_drain_ends_with_1_while_something_lies_in_quarantine(project: Project) -> None:
    """Whichever drain had it refused; until somebody has discarded it."""
    host = sqlite3.connect(project.folder / "hr.db")
    host.execute(
        'UPDATE trailbook_outbox SET entry = replace(entry, \'"target":{\', \'"target":{"salary":1,\')'
        " WHERE entry LIKE '%Bob Li%'"
    )
    host.commit()
    first, again = trailbook(project, "drain"), trailbook(project, "drain")
    assert (first[0], again[0]) == (1, 1), (first, again)
    assert "1 refused earlier; 0 wait" in again[1]
    assert "refused: acme: entry-invalid /target/salary" in again[2]
    host.execute("DELETE FROM trailbook_quarantine")
    host.commit()
    host.close()
    assert trailbook(project, "drain")[0] == 0


def test_drain_that_follows_ends_well_when_it_is_told_to(project: Project) -> None:
    line = [sys.executable, *DJANGO, "trailbook", "drain", "--follow"]
    with subprocess.Popen(
        line, cwd=project.folder, env=project.environ, stdout=subprocess.PIPE, text=True
    ) as process:
        while FIRST not in sentences(project):
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "4 recorded, 0 folded, 0 refused; 0 wait\n")
    assert json.loads(trailbook(project, "verify", "--json")[1])["notes"] == []  # all of it is signed


def test_verify_ends_with_1_where_something_was_changed(project: Project) -> None:
    assert trailbook(project, "drain")[0] == 0
    database = sqlite3.connect(project.folder / "trailbook.db")
    database.execute("PRAGMA writable_schema = ON")
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    triggers = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")]
    for name in triggers:
        database.execute(f'DROP TRIGGER "{name}"')
    assert tables
    _damage(database, tables)
    database.commit()
    database.close()
    code, text, _ = trailbook(project, "verify")
    assert code == 1, text


def _damage(database: sqlite3.Connection, tables: list[str]) -> None:
    """Change one byte of the first kept body."""
    for table in tables:
        for column in (each[1] for each in database.execute(f'PRAGMA table_info("{table}")')):
            row = database.execute(f"""SELECT rowid, "{column}" FROM "{table}"
                WHERE typeof("{column}") = 'blob' AND instr("{column}", 'role.assigned') > 0""").fetchone()
            if row:
                changed = row[1].replace(b"role.assigned", b"role.assigneD")
                database.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', (changed, row[0]))
                return
    raise AssertionError("there is no body")


def test_check_ends_with_1_where_something_is_not_covered(project: Project) -> None:
    assert trailbook(project, "check")[:2] == (0, "")
    host = sqlite3.connect(project.folder / "hr.db")
    host.execute("DROP TABLE trailbook_outbox")
    host.commit()
    host.close()
    code, text, _ = trailbook(project, "check")
    assert code == 1
    assert "trailbook.W011" in text


def test_a_log_that_is_not_there_is_not_made(project: Project) -> None:
    (project.folder / "trailbook.db").rename(project.folder / "else.db")
    for command in ("drain", "verify"):
        code, _, text = trailbook(project, command)
        assert code in (2, 4), text
        assert text.splitlines()[-1].startswith("error: ")
    assert not (project.folder / "trailbook.db").exists()


@pytest.mark.parametrize("batch", ["0", "10001"])
def test_a_batch_that_cannot_be_is_refused(project: Project, batch: str) -> None:
    code, _, text = trailbook(project, "drain", "--batch", batch)
    assert (code, text.splitlines()[-1]) == (2, "error: batch: is not 1 to 10000")


_OTHERS = """
from examples.django_hr.settings import *
OTHERS = {
    "no log": {"log": None}, "missing": {"log": "none.db"}, "callable": {"org": lambda row: "acme"},
    "other": {"org": "other"}, "as it is": {},
}
import os
TRAILBOOK = {**TRAILBOOK, **OTHERS[os.environ["CASE"]]}
DATABASES = {**DATABASES, "empty": {**DATABASES["default"], "NAME": "empty.sqlite3"}}
"""


@pytest.mark.parametrize(
    ("case", "command", "code", "words"),
    [
        ("no log", "verify", 2, "TRAILBOOK: log: has to be given"),
        ("callable", "verify", 2, "name one with --org: acme, second"),
        ("callable", "verify --org acme", 0, ""),
        (
            "as it is",
            "drain --database empty",
            2,
            "empty has no outbox; run manage.py migrate --database empty",
        ),
        ("as it is", "check --database empty", 2, "empty has no outbox"),
        ("as it is", "drain --database nope", 2, "DATABASES has no 'nope'; it has 'default', 'empty'"),
        ("as it is", "check --database nope", 2, "DATABASES has no 'nope'"),
        ("missing", "check", 1, "there is no log at"),
        ("other", "check", 1, "the log has no organisation other"),
        ("as it is", "drain --settings others", 0, "4 recorded"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    project: Project, case: str, command: str, code: int, words: str
) -> None:
    (project.folder / "others.py").write_text(_OTHERS)
    if case == "callable":
        deployment = open_deployment(f"sqlite:///{project.folder / 'trailbook.db'}")
        deployment.create("second")
        deployment.close()
    ended = trailbook(project, *command.split(), DJANGO_SETTINGS_MODULE="others", CASE=case)
    assert ended[0] == code, ended
    assert words in ended[1] + ended[2]
    assert "Traceback" not in ended[2]
