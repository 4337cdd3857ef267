"""How measurements are shown and kept: a table on the terminal, `docs/benchmarks.json` and `docs/benchmarks.md`.

Owns the written form and the facts of the machine. Refuses to leave out a missed goal.
"""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import apsw
import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from bench.measuring import Row, number

COLUMNS = ("what", "size", "value", "unit", "goal", "met", "control", "noise")
_MET = {True: "yes", False: "NO", None: ""}
_INTRODUCTION = """# Benchmarks

Written by `make bench ARGS="{arguments}"` on {day}. Every number is of one run on the machine below.
A control is something plain measured in the same run: compare with it rather than with another machine.
Goals stated for ten million entries (or, for a bundle, one million) are scaled to the size measured;
those for recording and searching are what the engine with sealed segments is to reach.
No test asserts a time. A goal that is missed says NO.

{machine}
"""


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


def write(rows: Sequence[Row], folder: Path, arguments: str) -> None:
    """Write `benchmarks.json` and `benchmarks.md` into a folder."""
    encoded = msgspec.json.format(msgspec.json.encode(list(rows)), indent=2)
    (folder / "benchmarks.json").write_bytes(encoded + b"\n")
    lines = [f"| {' | '.join(cells(row))} |" for row in rows]
    rule = "|" + "|".join("---:" if column in ("size", "value") else "---" for column in COLUMNS) + "|"
    head = _INTRODUCTION.format(arguments=arguments, day=datetime.now(UTC).date(), machine=machine())
    table = "\n".join([f"| {' | '.join(COLUMNS)} |", rule, *lines])
    (folder / "benchmarks.md").write_text(f"{head}\n{table}\n", "utf-8")


def machine() -> str:
    """What these numbers were measured on."""
    facts = {
        "Processor": _processor(),
        "Cores": str(os.cpu_count()),
        "Memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "Python": platform.python_version(),
        "SQLite": apsw.sqlite_lib_version(),
        "System": platform.system(),
        "Load": f"{os.getloadavg()[2]:.1f} over the last quarter of an hour, of which 1 is the benchmark's own",
    }
    return "\n".join(f"- {name}: {fact}" for name, fact in facts.items())


def _processor() -> str:
    found = Path("/proc/cpuinfo")
    lines = found.read_text("utf-8").splitlines() if found.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
