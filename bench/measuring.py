"""What one measurement is: a median of repeats with its noise, its goal, and a control beside it.

Owns the clock and the arithmetic of rows. Refuses means and single best values: they flatter.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct


class Control(Struct, frozen=True, kw_only=True):
    """Something plain measured in the same run, in the same unit as the row it stands beside."""

    name: str
    value: float


class Row(Struct, frozen=True, kw_only=True):
    """One line of the table; `goal` in words, `met` None where there is none; `noise` says what `value` is."""

    name: str
    size: int
    value: float
    unit: str
    goal: str | None = None
    met: bool | None = None
    control: Control | None = None
    noise: str = ""


def number(value: float) -> str:
    """Three digits that count, thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


class Goal(Struct, frozen=True):
    """A bound on a value: the least for rates, the most for times."""

    bound: float
    least: bool = False

    def __str__(self) -> str:
        return f"{'>=' if self.least else '<='} {number(self.bound)}"

    def met(self, value: float) -> bool:
        """Whether a value is within the bound."""
        return value >= self.bound if self.least else value <= self.bound


def scaled(bound: float, size: int, full: int = 10_000_000) -> Goal:
    """The most seconds for `size` entries when `bound` is the most for `full`."""
    return Goal(bound * size / full)


def row(
    name: str,
    size: int,
    values: Sequence[float],
    *,
    unit: str,
    goal: Goal | None = None,
    control: Control | None = None,
    noise: str = "",
) -> Row:
    """The median of `values` as a line, with how far they lie apart."""
    value = statistics.median(values)
    return Row(
        name=name,
        size=size,
        value=value,
        unit=unit,
        goal=None if goal is None else f"{goal} {unit}",
        met=None if goal is None else goal.met(value),
        control=control,
        noise=noise or noise_of(values),
    )


def noise_of(values: Sequence[float]) -> str:
    """How many repeats, and between which part and multiple of the median the middle half of them lies."""
    if len(values) == 1:
        return "one run"
    middle = statistics.median(values)
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    if not middle:
        return f"median of {len(values)}"
    return f"median of {len(values)}, middle half {low / middle - 1:+.0%} to {high / middle - 1:+.0%}"


def p99(values: Sequence[float]) -> float:
    """The value that one in a hundred exceeds."""
    return sorted(values)[min(len(values) - 1, len(values) * 99 // 100)]


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def once(work: Callable[[], object]) -> tuple[float, str]:
    """How long one long call takes, and its noise: the processor's time, which others at work leave as it is."""
    start = _processor()
    taken = seconds(work)
    return taken, f"one run; {number(_processor() - start)} s of processor time"


def _processor() -> float:
    """Seconds of processor time of this process and of those it waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def repeated(work: Callable[[], object], times: int) -> list[float]:
    """How long each of `times` calls takes, in seconds."""
    return [seconds(work) for _ in range(times)]


def single(
    name: str,
    size: int,
    taken: Sequence[float],
    *,
    goal: Goal | None = None,
    control: Control | None = None,
    most: Goal | None = None,
) -> list[Row]:
    """Median and p99 of a single operation in milliseconds; goal and control are of the median, `most` of the p99."""
    values = [each * 1000 for each in taken]
    return [
        row(name, size, values, unit="ms", goal=goal, control=control),
        row(f"{name}, p99", size, [p99(values)], unit="ms", goal=most, noise=f"p99 of {len(values)}"),
    ]


def memory(of: str = "VmHWM", process: int | str = "self") -> float:
    """Megabytes of a process: `VmHWM` at its most, `VmRSS` now, `RssAnon` of its own; 0 where Linux does not say."""
    file = Path(f"/proc/{process}/status")
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{of}:")), 0.0)


def tell(words: str) -> None:
    """Say on the error stream what is being done."""
    print(f"  {words}", file=sys.stderr, flush=True)
