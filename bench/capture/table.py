"""The page of what capture adds, in Markdown: each goal with the best of the others beside it, then every way.

Owns the goals and the arithmetic of what is added. Refuses to compare ways that left no trace of their rows.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

from bench.capture.host import Turn, is_single
from bench.capture.turns import TURNS, Results, Setting
from bench.measuring import number, p99

_OURS = ("hooks", "triggers")
_SINGLE, _BULK = 100.0, 20.0  # the most that is added, in microseconds a row
_LESS_SINGLE, _LESS_BULK = 3.0, 10.0  # how many times less than the best of the others, at least
# Half of what hooks added before anybody looked where the time goes.
_HALVED = {
    ("sqlite", "single insert"): 58.5,
    ("sqlite", "single update"): 77.0,
    ("postgresql", "single insert"): 110.5,
    ("postgresql", "single update"): 135.5,
}
_HERE = Path(__file__).parent
Ways = Mapping[str, Turn]


def lines(results: Results, rows: int) -> Iterator[str]:
    """The page, in Markdown."""
    yield from (
        "# What capture adds to a host's writes",
        "",
        f"`make bench-capture` wrote this: {os.cpu_count()} cores, {rows:,} rows a transaction in bulk, microseconds a"
        " row with the commit (which does not",
        f"wait for the disk), the ways in turn {TURNS} times; medians and the 99th hundredth of transactions. *Added*"
        " is the median less that",
        "without audit. A way that left no trace of a shape's rows says *unseen*, and is compared no further.",
        "",
        (_HERE / "ways.md").read_text("utf-8").rstrip("\n"),
        "",
        "## Goals",
        "*Ratio* is what the best of the others adds, over what hooks add.",
        "",
        "| host | write | added by hooks | at most | best of the others | ratio | at least |",
        "|---|---|--:|---|---|--:|---|",
    )
    for setting, ways in results.items():
        yield from (_goal(setting, ways, shape) for shape in ways["hooks"].times)
    for setting, ways in results.items():
        yield from ("", f"## {setting}", "", "| write | way | median | p99 | added | goal | ratio to hooks |")
        yield "|---|---|--:|--:|--:|---|--:|"
        for shape in ways["hooks"].times:
            yield from (_line(ways, shape, way) for way in ways)
    yield from ("", (_HERE / "missed.md").read_text("utf-8").rstrip("\n"))


def _goal(setting: Setting, ways: Ways, shape: str) -> str:
    ours = _added(ways, shape, "hooks")
    others = {
        way: _added(ways, shape, way)
        for way in ways
        if way not in (*_OURS, "no audit") and _is_seen(ways, shape, way)
    }
    cells = [str(setting), shape, number(ours), _most(setting, shape, ours)]
    best = min(others, key=lambda way: others[way], default=None)
    if best is None:
        return f"| {' | '.join(cells)} | none saw it | | |"
    ratio = others[best] / ours if ours > 0 else float("inf")
    least = _LESS_SINGLE if _each_alone(shape) else _LESS_BULK
    met = f"{least:.0f}: {'met' if ratio >= least else 'missed'}"
    times = number(ratio) if ours > 0 else "nothing added"
    return f"| {' | '.join(cells)} | {best}, {number(others[best])} | {times} | {met} |"


def _most(setting: Setting, shape: str, ours: float) -> str:
    bounds = [_bound(shape)]
    if setting.orm == "SQLAlchemy" and (setting.database, shape) in _HALVED:
        bounds.append(_HALVED[setting.database, shape])
    return "; ".join(f"{bound:g}: {'met' if ours <= bound else 'missed'}" for bound in bounds)


def _line(ways: Ways, shape: str, way: str) -> str:
    times = ways[way].times[shape]
    cells = [shape, way, number(median(times)), number(p99(times))]
    if way == "no audit":
        return f"| {' | '.join(cells)} | | | |"
    if not _is_seen(ways, shape, way):
        return f"| {' | '.join(cells)} | unseen | | |"
    added, ours, bound = _added(ways, shape, way), _added(ways, shape, "hooks"), _bound(shape)
    goal = f"<= {bound:.0f}: {'met' if added <= bound else 'missed'}" if way in _OURS else ""
    return f"| {' | '.join(cells)} | {number(added)} | {goal} | {number(added / ours) if ours > 0 else ''} |"


def _bound(shape: str) -> float:
    return _SINGLE if _each_alone(shape) else _BULK


def _each_alone(shape: str) -> bool:
    """Whether each row is a statement of its own; saves are, also many in one transaction."""
    return is_single(shape) or shape == "many saves"


def _is_seen(ways: Ways, shape: str, way: str) -> bool:
    return ways[way].seen[shape] >= 0.99


def _added(ways: Ways, shape: str, way: str) -> float:
    return median(ways[way].times[shape]) - median(ways["no audit"].times[shape])
