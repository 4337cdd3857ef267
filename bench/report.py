"""How measurements are shown and kept: a table on the terminal, `docs/benchmarks.json`, `.md` and `.svg`.

Owns the written form and the facts of the machine. Refuses to leave out a missed goal.
"""

import os
import platform
import sqlite3
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import apsw
import duckdb
import msgspec
import numpy as np
from msgspec import Struct
from rich import box
from rich.console import Console
from rich.table import Table

from bench.measuring import Row, number
from bench.picture import picture
from trailbook.testing.postgres import _program

COLUMNS = ("what", "size", "value", "unit", "goal", "met", "control", "noise")
_MISSED = Path(__file__).parent / "missed.md"
_BUSY = (
    ". **The machine was busy with other work: every time here is several times what it is on a quiet one, "
    "and what ran at different moments does not compare**"
)
_MET = {True: "yes", False: "NO", None: ""}
_INTRODUCTION = """# Benchmarks

![The main questions, and what they take elsewhere](benchmarks.svg)

Written by `python -m bench {arguments}` on {day}{state}. Every number is of one run on the machine below.
A control is something plain measured in the same run: compare with it rather than with another machine.
The other engines hold the same entries: SQLite with five B-trees and PostgreSQL with their bodies, DuckDB without them.
A first page of ours is 50 entries with their names and sentences; theirs is 50 rows as they are stored.
Goals for times of a whole log are of ten million entries (of a bundle, one million), scaled to the size measured.
No test asserts a time. A goal that is missed says NO; why is said at the end.

{machine}
"""


class Run(Struct, frozen=True, kw_only=True):
    """What a run was asked, and what the machine was like: load at its start, and the seconds of each part so far."""

    arguments: str
    load: float
    parts: dict[str, float]
    whole: bool = False


def of_now(arguments: str) -> Run:
    """A run that begins now."""
    return Run(arguments=arguments, load=os.getloadavg()[0], parts={})


def cells(row: Row) -> tuple[str, ...]:
    """A row as the table's texts."""
    control = "" if row.control is None else f"{number(row.control.value)} ({row.control.name})"
    size, value = f"{row.size:,}", number(row.value)
    return (row.name, size, value, row.unit, row.goal or "", _MET[row.met], control, row.noise)


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the table."""
    table = Table(box=box.SIMPLE, title="Trailbook benchmarks")
    for column in COLUMNS:
        table.add_column(column, justify="right" if column in ("size", "value") else "left")
    for row in rows:
        table.add_row(*cells(row))
    console.print(table)


def write(rows: Sequence[Row], folder: Path, run: Run) -> None:
    """Write `benchmarks.json`, `.md` and `.svg` into a folder: after every row, for a run may break."""
    encoded = msgspec.json.format(msgspec.json.encode(list(rows)), indent=2)
    (folder / "benchmarks.json").write_bytes(encoded + b"\n")
    lines = [f"| {' | '.join(cells(row))} |" for row in rows]
    rule = "|" + "|".join("---:" if column in ("size", "value") else "---" for column in COLUMNS) + "|"
    state = "" if run.whole else ", which is not finished"
    facts = machine(run)
    head = _INTRODUCTION.format(
        arguments=run.arguments, day=datetime.now(UTC).date(), machine=facts, state=state
    )
    table = "\n".join([f"| {' | '.join(COLUMNS)} |", rule, *lines])
    (folder / "benchmarks.md").write_text(f"{head}\n{table}\n\n{_MISSED.read_text('utf-8')}", "utf-8")
    (folder / "benchmarks.svg").write_text(picture(rows), "utf-8")


def machine(run: Run) -> str:
    """What these numbers were measured on, and how long it took."""
    disk = os.statvfs(tempfile.gettempdir())
    minute, _, quarter = os.getloadavg()
    facts = {
        "Processor": _processor(),
        "Cores": str(os.cpu_count()),
        "Memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "Disk": f"{disk.f_blocks * disk.f_frsize / 2**30:.0f} GiB, {disk.f_bavail * disk.f_frsize / 2**30:.0f} free",
        "Kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "SQLite": f"{apsw.sqlite_lib_version()} (the table with five B-trees: {sqlite3.sqlite_version})",
        "Others": f"{_version_of_postgres()}, DuckDB {duckdb.__version__}, numpy {np.__version__}",
        "Load": f"{run.load:.1f} at the start, {minute:.1f} at the end, {quarter:.1f} over the last quarter of an hour"
        f"; 1 to 2 of it is the benchmark's own{_BUSY if run.load > (os.cpu_count() or 1) else ''}",
        "Minutes": ", ".join(f"{part} {taken / 60:.1f}" for part, taken in run.parts.items()),
    }
    return "\n".join(f"- {name}: {fact}" for name, fact in facts.items())


@cache
def _version_of_postgres() -> str:
    done = subprocess.run([_program("postgres"), "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip().replace("postgres (PostgreSQL)", "PostgreSQL")


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
