"""Figures that tests have measured, as tables at the end of the run, from whichever process ran them.

Owns the tables. A test puts a row on one by `record_property(f"figures: {title}", {column: text})`. Judges nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

_MARK = "figures: "
Row = Mapping[str, str]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print every table that the tests of this run have put rows on."""
    for title, rows in tables(terminalreporter.stats).items():
        terminalreporter.section(title)
        for line in laid_out(rows):
            terminalreporter.write_line(line)


def tables(stats: Mapping[str, Iterable[Any]]) -> dict[str, list[Row]]:
    """The rows of each table, in the order in which their tests ended."""
    made: dict[str, list[Row]] = {}
    for outcome in ("passed", "failed"):
        for report in stats.get(outcome, ()):
            for name, row in getattr(report, "user_properties", ()):
                if name.startswith(_MARK):
                    made.setdefault(name.removeprefix(_MARK), []).append(row)
    return made


def laid_out(rows: list[Row]) -> list[str]:
    """A table with its columns side by side, the first to the left and the others to the right."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = [columns, *([row.get(column, "") for column in columns] for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(columns))]
    return [
        "  ".join(
            text.rjust(width) if at else text.ljust(width)
            for at, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]
