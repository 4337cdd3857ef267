"""Pages of the reference that are made from the code say what it says, and leave out nothing of it."""

import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

import trailbook
from trailbook import Query, Term, capture
from trailbook.cli.filters import OPTIONS
from trailbook.cli.references import errors, filters, python
from trailbook.query import from_line, from_params
from trailbook.web.http.problems import STATUS

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize(("name", "page"), [("python", python), ("errors", errors), ("filters", filters)])
def test_the_page_is_in_step(name: str, page: object) -> None:
    made = page.reference()  # type: ignore[attr-defined]
    renewed = f"python -m trailbook.cli.references.{name} > docs/reference/{name}.md"
    assert (FOLDER / f"{name}.md").read_text("utf-8") == made, renewed


def test_every_public_name_has_its_place_and_no_other_has() -> None:
    """Each name that a front exports stands in one part of the page; what is in no front is a module's own."""
    for module in (trailbook, capture):
        parts = [part for part in python.PARTS if part.module == module.__name__]
        named = [name for part in parts for name in part.names.split() if "." not in name]
        assert sorted(named) == sorted(module.__all__)
    headings = [line for line in python.reference().splitlines() if line.startswith("### ")]
    assert len(headings) == len(set(headings)) > 40


def test_a_signature_is_the_one_of_the_code() -> None:
    """Short ones on a line, long ones with a line for each parameter, stars where they stand."""
    page = python.reference()
    assert 'count(query: Query, *, viewer: Viewer, lang: str = "en") -> tuple[int, int]' in page
    assert "record(\n    action: str,\n    *,\n    actor: Actor,\n" in page
    assert "    **more: Any,\n) -> Receipt" in page
    named = "    name: str | None = None\n    hint: str | None = None\n"
    assert f"class Actor:\n    type: str\n    id: str\n{named}    kind: Kind\n" in page
    assert "def _" not in page
    assert "self," not in page


def test_every_code_is_told_of_with_something_to_do() -> None:
    """Those of the wire in its own words, the others in the words of their exception and what to do."""
    page = errors.reference()
    codes = {kind.code for kind in errors.kinds()} | set(STATUS)
    assert [code for code in codes if page.count(f"\n| `{code}` |") != 1] == []
    assert "| `entry-conflict` | 409 | 5 | `EntryConflictError` | **Another entry has this id.**" in page
    assert "| `time-early` | 422 | 2 | `EntryInvalidError` |" in page
    assert "| `not-permitted` | 403 | 3 | `NotPermittedError`, `KeyRefusedError` |" in page
    assert "| `damaged` | `internal` | 6 | `DamagedError` |" in page


def test_an_exit_code_stands_where_an_exception_has_it() -> None:
    """What only the server answers has none: no command ends with it."""
    for code in STATUS:
        row = next(line for line in errors.reference().splitlines() if line.startswith(f"| `{code}` |"))
        exit_code, kinds = (cell.strip() for cell in row.split("|")[3:5])
        assert bool(exit_code) == bool(kinds) == bool(errors.kinds_of(code)), code


def test_every_parameter_of_a_filter_is_on_its_page() -> None:
    """Those that commands take, each once; what may be left out stands where that is said."""
    repeated, _, once = filters.reference().partition("## Given once")
    names = [re.findall(r"^\| `([a-z_]+)` \|", part, re.MULTILINE) for part in (repeated, once)]
    assert sorted(names[0] + names[1]) == sorted(name for name in OPTIONS if not name.endswith(".not"))
    assert {f"{name}.not" for name in names[0]} == {name for name in OPTIONS if name.endswith(".not")}
    assert "`success`, `failure`, `denied`" in repeated
    assert "`past-12-months`" in once


def test_the_filter_is_the_same_however_it_is_written() -> None:
    """The four ways that the page shows are of one filter, and read as it."""
    rows = dict(re.findall(r"^\| ([^|`]+) \| `(.+)` \|$", filters.reference(), re.MULTILINE))
    address, options, line, code = rows.values()
    asked = from_params(parse_qsl(address.removeprefix("?")))
    assert from_line(line.strip("'")) == asked
    assert eval(code, {"Query": Query, "Term": Term}) == asked  # the page's own text
    given = [word.removeprefix("--").replace("-not", ".not") for word in options.split()]
    assert from_params(zip(given[::2], given[1::2], strict=True)) == asked
