"""System calls that fail, or are the last one: at every write of every path, nothing acknowledged is lost.

`strace` makes the n-th call of a kind fail, or kills the process at it. In `make test` a few cuts of each path are
made, in `make torture` some hundreds, in `make full` more than 1,500.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec import Struct
from tests.amounts import RUN, amount
from tests.torture.beside import BESIDE, before, settle, torn
from tests.torture.judging import acknowledged, faults
from tests.torture.scenarios import SCENARIOS, begin

HERE = Path(__file__).parent
EVERY = (*SCENARIOS, *BESIDE)
CALLS = ("write", "pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "unlink", "openat", "mkdir")
FAULTS = ("error=EIO", "error=ENOSPC", "signal=KILL")
CUTS = amount(3, 30, 180)  # of each scenario: at least one of each fault
_TRACED = re.compile(r"^(\d+) +(\w+)\(.*", re.M)


class Cut(Struct, frozen=True):
    """One fault: the scenario, the call, what happens to it, and at which time it is made."""

    scenario: str
    call: str
    fault: str
    when: int


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The logs that cuts begin with, one for each scenario."""
    folder = tmp_path_factory.mktemp("begun")
    (folder / "log").mkdir()
    begin(folder / "log")
    for name in EVERY:
        shutil.copytree(folder / "log", folder / name)
        before(name, folder / name)
    return folder


def traced(options: list[str], name: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a scenario under strace."""
    script = HERE / ("beside.py" if name in BESIDE else "scenarios.py")
    # Not --seccomp-bpf: with it strace delivers no signal.
    command = ["strace", "-f", "-qq", *options, sys.executable, "-B", str(script), name]
    env = {**os.environ, "PYTHONPATH": str(HERE.parents[1]), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [*command, str(folder)], capture_output=True, text=True, check=False, env=env, timeout=120
    )


def copied(name: str, begun: Path, place: str) -> Path:
    """A fresh log as a scenario finds it."""
    folder = Path(place, "log")
    shutil.copytree(begun / name, folder)
    return folder


def calls_of(name: str, begun: Path) -> Counter[str]:
    """How often a scenario makes each call in the thread that makes most of them, for strace counts by thread."""
    with tempfile.TemporaryDirectory(prefix="cut-") as place:
        folder = copied(name, begun, place)
        trace = Path(place, "trace")
        done = traced(["-o", str(trace), "-e", f"trace={','.join(CALLS)}"], name, folder)
        assert done.stdout.endswith("ended\n"), done.stderr[-2000:]
        by_thread = Counter(_TRACED.findall(trace.read_text("utf-8", "replace")))
    most: Counter[str] = Counter()
    for (_, call), times in by_thread.items():
        most[call] = max(most[call], times)
    return Counter({call: most[call] for call in CALLS if call in most})


def cuts(name: str, begun: Path) -> Iterator[Cut]:
    """Every cut of a scenario; of `openat` only the last ones, for a thousand come before the log is opened."""
    for call, times in calls_of(name, begun).items():
        first = max(1, times - 8) if call == "openat" else 1
        yield from (Cut(name, call, fault, when) for when in range(first, times + 1) for fault in FAULTS)


def judged(cut: Cut, begun: Path) -> tuple[str, list[str]]:
    """What became of one cut: whether the fault was met, and what is wrong with the log."""
    with tempfile.TemporaryDirectory(prefix="cut-") as place:
        folder = copied(cut.scenario, begun, place)
        inject = f"inject={cut.call}:{cut.fault}:when={cut.when}"
        trace = Path(place, "trace")
        done = traced(["-o", str(trace), "-e", f"trace={cut.call}", "-e", inject], cut.scenario, folder)
        ended = done.stdout.endswith("ended\n")
        met = done.returncode < 0 or "(INJECTED)" in trace.read_text("utf-8", "replace")
        kind = ("went on" if ended else "killed" if done.returncode < 0 else "stopped") if met else "not met"
        lines = acknowledged(done.stdout)
        return kind, faults(folder, [*lines, *settle(cut.scenario, folder)]) + torn(folder, lines)


def some(every: list[Cut], count: int, chance: random.Random) -> list[Cut]:
    """So many cuts of a scenario, as many of each fault."""
    kinds = [[cut for cut in every if cut.fault == fault] for fault in FAULTS]
    return [cut for kind in kinds for cut in chance.sample(kind, min(count // len(FAULTS), len(kind)))]


def test_no_cut_loses_what_was_acknowledged(begun: Path) -> None:
    """0 lost, 0 doubled, 0 torn, and every file opens; the whole loop is more than 1,500 cuts."""
    chance = random.Random(3)
    failures: dict[Cut, list[str]] = {}
    table: dict[str, Counter[str]] = {}
    for name in EVERY:
        every = list(cuts(name, begun))
        chosen = some(every, CUTS, chance)
        with ThreadPoolExecutor(2) as pool:
            verdicts = list(pool.map(lambda cut: judged(cut, begun), chosen))
        table[name] = Counter(kind for kind, _ in verdicts)
        failures |= {cut: wrong for cut, (_, wrong) in zip(chosen, verdicts, strict=True) if wrong}
        print(
            f"{name}: {len(chosen)} of {len(every)} cuts, {dict(table[name])}, {len(failures)} faults so far",
            flush=True,
        )
    assert failures == {}
    assert sum(kinds["killed"] for kinds in table.values()) >= len(EVERY) // 2
    total = sum(count for kinds in table.values() for kind, count in kinds.items() if kind != "not met")
    print(f"{total} cuts that were met, every acknowledged entry stable")
    assert RUN != "full" or total >= 1500


def test_the_verdict_can_fail(begun: Path, tmp_path: Path) -> None:
    """The control: an entry that was acknowledged and is not there is called lost."""
    folder = tmp_path / "log"
    shutil.copytree(begun / "log", folder)
    lost = "id 019a3c1e-7d2b-7c40-9f0e-6f1f0a6f2b11"
    assert faults(folder, [lost]) == ["lost 019a3c1e-7d2b-7c40-9f0e-6f1f0a6f2b11"]
    assert faults(folder, []) == []
