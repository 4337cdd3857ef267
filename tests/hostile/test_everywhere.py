"""Hostile texts in every member of an entry, through the API, the files and the page: nothing runs, nothing breaks."""

import csv
import io
import json
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from typing import Any

import httpx
import openpyxl
import pytest
from playwright.sync_api import Page
from tests.hostile.texts import naughty
from tests.web.conftest import ORG, Served, serve, served, visit, wire

from trailbook import Query, operator
from trailbook.export import COLUMNS, FORMATS, Layout, exactly, file_pieces

__all__ = ["serve", "served", "visit"]
LAYOUT = Layout(columns=COLUMNS, tz="Europe/Oslo")


def named(text: str) -> dict[str, Any]:
    """An entry that has the text in every member that is free text."""
    return wire(
        actor={"kind": "person", "type": "user", "id": "u-17", "name": text},
        target={"type": "role", "id": "r-3", "name": text},
        concerns=[{"part": "member", "type": "user", "id": "u-42", "name": text}],
        origin={"interface": "web", "user_agent": text},
    )


@pytest.fixture(scope="module")
def taken(serve: Callable[..., Served]) -> tuple[Served, list[str]]:
    """A server to which every text was sent, and those that it took."""
    served = serve()
    headers = {"Authorization": f"Bearer {served.keys['both']}"}
    kept = []
    with httpx.Client(base_url=served.api + "/", headers=headers) as client:
        for text in naughty():
            answer = client.post(
                "entries", content=json.dumps(named(text)), headers={"Content-Type": "application/json"}
            )
            assert answer.status_code in (201, 413, 422), (text[:80], answer.text)
            if answer.status_code == 201:
                kept.append(text)
            elif answer.status_code == 422:
                assert answer.json()["errors"][0]["pointer"]
    return served, kept


def test_what_was_taken_is_read_back(taken: tuple[Served, list[str]]) -> None:
    """A text is refused by its pointer or kept as it was sent; one line each, whatever is in it."""
    served, kept = taken
    headers = {"Authorization": f"Bearer {served.keys['both']}"}
    answer = httpx.get(f"{served.api}/entries.jsonl?order=seq&target=role/r-3", headers=headers, timeout=60)
    lines = answer.content.decode().split("\n")
    assert lines.pop() == ""
    sent = [json.loads(line) for line in lines]
    assert [entry["target"]["name"] for entry in sent if entry["origin"].get("user_agent") in kept] == kept
    assert len(kept) > 400


@pytest.mark.parametrize("name", ["csv", "xlsx"])
def test_no_cell_is_a_formula(taken: tuple[Served, list[str]], name: Any) -> None:
    """No cell of a table is computed by whoever opens it, and no row is broken in two."""
    served, kept = taken
    rows = served.log.export(Query(), viewer=operator(ORG), order=FORMATS[name].order, lang="en")
    content = b"".join(file_pieces(name, exactly(rows), LAYOUT))
    if name == "csv":
        table = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        cells = [cell for row in table for cell in row]
        assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
        assert {len(row) for row in table} == {len(COLUMNS)}
        assert len(table) > len(kept)
    else:
        book = openpyxl.load_workbook(io.BytesIO(content))
        kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
        assert kinds <= {"s", "inlineStr", "n", "d"}


def test_nothing_runs_on_the_page(taken: tuple[Served, list[str]], visit: Callable[..., Page]) -> None:
    """Every text on the page as text: nothing runs, no policy is broken, nothing scrolls sideways."""
    served, _ = taken
    messages: list[str] = []
    page = visit(messages=messages, at=served)
    ran: list[str] = []
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    page.goto(f"/orgs/{ORG}/activity?target=role/r-3")
    for _ in range(12):
        assert page.title() != "run"
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert page.locator("main script, main iframe, main img, main svg[onload]").count() == 0
        further = page.locator("a[rel=next]")
        if further.count() == 0:
            break
        first = page.locator("li.row").first.get_attribute("id")
        further.first.click()
        page.wait_for_function("id => (document.querySelector('li.row') || {id}).id !== id", arg=first)
    assert (ran, messages) == ([], [])


def test_no_line_of_the_command_is_broken(taken: tuple[Served, list[str]]) -> None:
    """On a terminal too a text is one line, and nothing in it moves the cursor or colours what follows."""
    served, kept = taken

    def run(*words: str) -> subprocess.CompletedProcess[bytes]:
        command = [
            sys.executable,
            "-m",
            "trailbook",
            "--store",
            f"sqlite:///{served.file}",
            "--org",
            ORG,
            *words,
        ]
        return subprocess.run(command, capture_output=True, timeout=120, check=False)

    process = run("search", "target:role/r-3", "--limit", "200")
    assert process.returncode == 0, process.stderr
    text = process.stdout.decode()
    assert [c for c in text if unicodedata.category(c) in ("Cc", "Zl", "Zp") and c != "\n"] == []
    assert len(text.splitlines()) == text.count("\n")
    as_json = run("search", "target:role/r-3", "--limit", "200", "--json")
    names = [entry["target"]["name"] for entry in json.loads(as_json.stdout)["entries"]]
    assert len(names) > 100
    assert set(names) <= {*kept, "Approver", "Payroll", "Manager", "Reader"}
    for given in ("\x1b[31mred", "two\nlines", "\u202egnp.exe", "a\x07b"):
        refused = run(
            "record",
            "--action",
            "role.created",
            "--actor",
            "system:system/x=X",
            "--target",
            f"role/r-9={given}",
        )
        assert refused.returncode != 0
        assert len(refused.stderr.splitlines()) < 6
        assert b"\x1b[31m" not in refused.stderr + refused.stdout
