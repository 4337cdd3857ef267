"""The benchmarks run, and say what they measured in the shape others read; never how fast."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

ROOT = Path(__file__).parent.parent
MEMBERS = {"name", "size", "value", "unit", "goal", "met", "control"}
ONCE = """
import hashlib, sys
from bench.generate import entries
from trailbook.catalogue import load
print(hashlib.sha256(repr(list(entries(load(), 2000, seed=int(sys.argv[1])))).encode()).hexdigest())
"""
BUILT = """
import sys
from bench.generate import entries
from trailbook.catalogue import load
from trailbook.deployment import open_deployment
built = open_deployment(sys.argv[1], create=True)
built.create("bench").record_many(list(entries(load(), 1000)))
built.close()
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in the checkout, as the Makefile runs it."""
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a whole run at 2,000 entries wrote its two files; its table is beside them."""
    folder = tmp_path_factory.mktemp("bench")
    done = run("-m", "bench", "all", "--size", "2k", "--write", "--to", str(folder), "--dir", str(folder))
    assert done.returncode == 0, done.stderr
    (folder / "table.txt").write_text(done.stdout, "utf-8")
    return folder


def rows(file: Path) -> list[dict[str, object]]:
    """The rows of a written file."""
    return msgspec.json.decode(file.read_bytes(), type=list[dict[str, object]])


def test_every_row_says_what_was_measured_and_how_big_it_was(folder: Path) -> None:
    measurements = rows(folder / "benchmarks.json")
    assert {row["name"] for row in measurements} >= {
        "tree append",
        "proof of one entry",
        "first page, no filter",
    }
    for row in measurements:
        assert set(row) >= MEMBERS
        assert isinstance(row["value"], float)
        assert row["value"] >= 0, row  # so small a log may be measured as nothing
        assert isinstance(row["size"], int)
        # What is killed must have written something: 16,384 entries at the least.
        assert 0 < row["size"] <= (16_384 if "kill -9" in str(row["name"]) else 2_000)


def test_a_goal_is_met_or_missed_and_nothing_else_is(folder: Path) -> None:
    measurements = rows(folder / "benchmarks.json")
    assert all((row["goal"] is None) == (row["met"] is None) for row in measurements)
    assert any(row["met"] is not None for row in measurements)


def test_a_control_has_a_name_and_a_number(folder: Path) -> None:
    controls = [row["control"] for row in rows(folder / "benchmarks.json") if row["control"] is not None]
    assert controls
    for control in controls:
        assert isinstance(control, dict)
        assert set(control) == {"name", "value"}
        assert control["value"] > 0


def test_the_table_and_the_document_have_every_row_and_column(folder: Path) -> None:
    written = (folder / "benchmarks.md").read_text("utf-8")
    table = (folder / "table.txt").read_text("utf-8")
    for row in rows(folder / "benchmarks.json"):
        assert f"| {row['name']} |" in written
        assert str(row["name"]) in table
    assert "| what | size | value | unit | goal | met | control | noise |" in written
    for fact in ("Processor", "Cores", "Memory", "Python", "SQLite"):
        assert f"- {fact}: " in written


def test_a_run_leaves_no_log_behind(folder: Path) -> None:
    left = {each.name for each in folder.iterdir()}
    assert left == {"benchmarks.json", "benchmarks.md", "benchmarks.svg", "table.txt"}


def test_the_picture_draws_every_question_asked_elsewhere_too(folder: Path) -> None:
    drawn = ElementTree.fromstring((folder / "benchmarks.svg").read_bytes())
    words = [each.text or "" for each in drawn.iter() if each.tag.endswith("text")]
    asked = [
        str(row["name"]) for row in rows(folder / "benchmarks.json") if ", by DuckDB" in str(row["name"])
    ]
    assert len(asked) > 3
    assert {name.removesuffix(", by DuckDB") for name in asked} <= set(words)
    for engine in ("Trailbook", "DuckDB", "PostgreSQL", "five B-trees"):
        assert sum(engine in each for each in words) >= len(asked), engine


def test_a_log_that_was_built_before_is_used_and_said(tmp_path: Path) -> None:
    file = tmp_path / "log.db"
    assert run("-c", BUILT, f"sqlite:///{file}").returncode == 0
    done = run("-m", "bench", "record", "--log", str(file), "--dir", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert f"taking the log in {file}" in done.stderr
    assert "on disk, everything counted" in done.stdout
    assert "record_many" not in done.stdout  # what was not measured is not told


def test_a_part_that_does_not_exist_is_refused_by_name() -> None:
    done = run("-m", "bench", "--only", "record,writing")
    assert done.returncode == 2
    assert "'writing'" in done.stderr


@pytest.mark.parametrize("size", ["5", "2q", "writing=2k"])
def test_a_size_that_makes_no_sense_is_refused_by_name(size: str) -> None:
    done = run("-m", "bench", "proofs", "--size", size)
    assert done.returncode == 2
    assert "--size" in done.stderr


def test_the_same_seed_gives_the_same_entries_and_another_seed_others() -> None:
    first, again, other = (run("-c", ONCE, seed).stdout for seed in ("1", "1", "2"))
    assert len(first.strip()) == 64
    assert first == again
    assert first != other


def test_what_is_published_has_the_same_shape() -> None:
    measurements = rows(ROOT / "docs" / "benchmarks.json")
    assert measurements
    assert all(set(row) >= MEMBERS for row in measurements)
