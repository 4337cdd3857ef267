"""`export --bundle closed`: what it would hold is said, and a person or --yes says to go on."""

import json
import zipfile
from pathlib import Path

import pytest
from tests.cli.conftest import Folder, copy

WORDS = "holds 3 entries of all categories; 2 outside your filter can be read by name"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, made: dict[str, Folder]) -> Folder:
    """A log with one entry of March and two of April, of which every test gets a copy."""
    begun = copy(made["begun"], Folder(tmp_path_factory.mktemp("three")))
    for role, at in (
        ("r-1", "2026-03-02T09:00:00Z"),
        ("r-2", "2026-04-02T09:00:00Z"),
        ("r-3", "2026-04-03T09:00:00Z"),
    ):
        begun.record(role, at)
    return begun


@pytest.fixture
def three(empty: Folder, kept: Folder) -> Folder:
    """A copy of that log."""
    return copy(kept, empty)


CLOSED = ("export", "--bundle", "closed", "--to", "2026-03-31", "--output", "y.zip")


def manifest(path: Path) -> dict[str, object]:
    with zipfile.ZipFile(path) as bundle:
        text: dict[str, object] = json.loads(bundle.read("manifest.note").rpartition(b"\n\n")[0])
    return text


def test_a_script_says_yes_or_gets_none(three: Folder) -> None:
    """Exit 2 with the figures, no file and no entry; with --yes they are said and it is made, and counted."""
    refused = three.run(*CLOSED)
    assert refused.code == 2
    assert WORDS in refused.err
    assert "--yes" in refused.err
    assert not (three.path / "y.zip").exists()
    assert int(three.good("count").out) == 3
    made = three.good(*CLOSED, "--yes")
    assert made.err == f"The closed bundle {WORDS}.\n"
    assert made.out == f"1 entry is in y.zip, which {WORDS}; its VERIFY.md says how to check it\n"
    assert (
        manifest(three.path / "y.zip").items() >= {"v": 2, "held": 3, "named_outside": 2, "count": 1}.items()
    )
    three.good("verify", "y.zip")


def test_programs_are_told_what_the_file_holds(three: Folder) -> None:
    answer = three.good(*CLOSED, "--yes", "--json").json
    assert answer == {"count": 1, "held": 3, "named_outside": 2, "bundle": "closed", "file": "y.zip"}


@pytest.mark.parametrize(("typed", "code"), [(b"n\n", 130), (b"y\n", 0)])
def test_a_person_is_asked(three: Folder, typed: bytes, code: int) -> None:
    """Before anything is recorded or written."""
    status, out = three.at_terminal(typed, *CLOSED)
    assert status == code
    assert out.startswith(f"The closed bundle {WORDS}.")
    assert (three.path / "y.zip").exists() is (code == 0)


@pytest.mark.parametrize("words", [("--format", "bundle"), ("--bundle", "inclusion")])
def test_inclusion_is_what_a_bundle_is_and_asks_nothing(three: Folder, words: tuple[str, str]) -> None:
    made = three.good("export", *words, "--to", "2026-03-31", "--output", "x.zip")
    assert manifest(three.path / "x.zip")["kind"] == "inclusion"
    assert "which holds 1 entry; 0 outside your filter can be read by name" in made.out
    three.good("verify", "x.zip")
