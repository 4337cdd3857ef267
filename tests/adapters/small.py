"""Small files to import, and what became of them."""

import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from trailbook import Log, Query, operator
from trailbook.adapters.files import ImportLine, import_csv
from trailbook.adapters.mapping import Plan, read_plan
from trailbook.finding.answers import Shown

ORG = "acme"
CASES = Path(__file__).parent / "cases"


def plan_of(name: str = "mapping.toml", *, top: str = "", more: str = "") -> Plan:
    """A mapping of the cases, with lines before its tables and more tables."""
    return read_plan(top.encode() + b"\n" + (CASES / name).read_bytes() + b"\n" + more.encode())


def imported(log: Log, raw: bytes | str, plan: Plan, *, dry_run: bool = False) -> list[ImportLine]:
    """What became of each row of a file, of a case where it is a name."""
    file = (CASES / raw).read_bytes() if isinstance(raw, str) else raw
    return list(import_csv(log, io.BytesIO(file), plan, dry_run=dry_run))


def results(lines: Sequence[ImportLine]) -> dict[str, int]:
    """How many lines became what."""
    return dict(Counter(line.result for line in lines))


def why(line: ImportLine) -> str:
    """Why a line was refused."""
    assert line.refused is not None
    return line.refused.detail


def recorded(log: Log) -> list[Shown]:
    """What the log has, as recorded."""
    return list(log.rows(Query(), viewer=operator(ORG), order="seq"))
