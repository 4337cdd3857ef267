"""CONTRIBUTING sends nobody to a file or a function that is not there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
BASES = (ROOT, ROOT / "src" / "trailbook", ROOT / "tests")
_FILE = re.compile(r"`([\w./-]+/[\w.-]*\.\w+|[\w./-]+/)`")
_DEFINED = re.compile(r"`([\w/-]+\.(?:py|html))`, (?:the macro )?((?:`\w+`(?:,? and |, )?)+)")


def missing(text: str) -> list[str]:
    """The files that a text names in code, and that are in none of the places where they would be looked for."""
    return [name for name in _FILE.findall(text) if not any((base / name).exists() for base in BASES)]


def undefined(text: str) -> list[str]:
    """The functions that a text names after a file, and that are not written there."""
    gone = []
    for file, names in _DEFINED.findall(text):
        code = (BASES[1] / file).read_text("utf-8")
        for name in re.findall(r"`(\w+)`", names):
            if not re.search(rf"\b(?:def|class|macro) {name}\b", code):
                gone.append(f"{file} {name}")
    return gone


def answers() -> list[str]:
    table = TEXT.partition("## Five answers")[2].partition("\n## ")[0]
    return [line for line in table.splitlines() if line.startswith("|")][2:]


def test_every_file_that_is_named_is_there() -> None:
    assert missing(TEXT) == []


@pytest.mark.parametrize("answer", answers())
def test_each_answer_names_a_function_of_its_file(answer: str) -> None:
    assert _DEFINED.findall(answer)
    assert undefined(answer) == []


def test_there_are_five_answers() -> None:
    assert len(answers()) == 5


def test_a_wrong_way_is_seen() -> None:
    """The control."""
    assert missing("`web/pages/none.py`, `log/`, `nowhere/`") == ["web/pages/none.py", "nowhere/"]
    assert undefined("`web/pages/rows.py`, `row` and `none`") == ["web/pages/rows.py none"]
