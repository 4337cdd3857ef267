"""kill -9 while a real process records: what it acknowledged is there once, and the tree is whole."""

import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from uuid import UUID

import apsw
from tests.amounts import amount

from trailbook import Query, open_deployment, operator
from trailbook.stores import open_store
from trailbook.testing.trees import tree_faults

RECORDER = Path(__file__).parent / "recorder.py"
KILLS = amount(5, 20, 20)


def begin(folder: Path) -> str:
    url = f"sqlite:///{folder}/log.db"
    deployment = open_deployment(url, create=True)
    deployment.create("acme")
    deployment.close()
    return url


def recorder(url: str, seed: int, batches: int, *early: str) -> "subprocess.Popen[str]":
    command = [sys.executable, str(RECORDER), url, str(seed), str(batches), *early]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def acknowledged(lines: list[str]) -> list[UUID]:
    """The ids of whole acknowledgements; a killed process may leave one cut short."""
    whole = max((at for at, line in enumerate(lines) if line == ".\n"), default=-1)
    return [UUID(line.strip()) for line in lines[:whole] if line != ".\n"]


def killed(url: str, seed: int, chance: random.Random, *early: str) -> list[UUID]:
    """Record until a random moment after a random number of lines, then kill; what was acknowledged."""
    process = recorder(url, seed, 10_000, *early)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(chance.randrange(1, 150))]
    if not early:
        time.sleep(chance.random() * 0.02)
    process.kill()
    lines += process.stdout.readlines()
    process.stdout.close()
    assert process.wait() == -9
    return acknowledged(lines)


def faults(url: str, expected: list[UUID]) -> list[str]:
    """The verdict: everything that is wrong with a log in which these ids were acknowledged."""
    store, _ = open_store(url)
    deployment = open_deployment(url)
    viewer = operator("acme")
    size = store.head("acme").size  # before this reading, which is an entry too
    shown = list(deployment.log("acme").rows(Query(as_of=size), viewer=viewer, order="seq"))
    times = Counter(UUID(entry.id) for entry in shown)
    problems = tree_faults(store, "acme")
    problems += [f"lost {id_}" for id_ in expected if id_ not in times]
    problems += [f"doubled {id_}" for id_, count in times.items() if count > 1]
    if [entry.seq for entry in shown] != list(range(size)):
        problems.append("the seqs shown have gaps")
    store.close()
    deployment.close()
    with closing(apsw.Connection(url.removeprefix("sqlite:///"))) as db:
        problems += [row[0] for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
    return problems


def test_killed_at_many_moments(tmp_path: Path) -> None:
    """One file through many deaths, judged after each."""
    url, chance = begin(tmp_path), random.Random(1)
    expected: list[UUID] = []
    for number in range(KILLS):
        expected += killed(url, number, chance)
        assert faults(url, expected) == []
    assert len(expected) > KILLS


def test_the_verdict_can_fail(tmp_path: Path) -> None:
    """The negative control: who acknowledges before the commit loses entries, and the same verdict says so."""
    url, chance = begin(tmp_path), random.Random(2)
    expected = killed(url, 0, chance, "early")
    while not expected:
        expected = killed(url, 0, chance, "early")
    assert any(fault.startswith("lost ") for fault in faults(url, expected))


def test_two_processes_append_to_one_file(tmp_path: Path) -> None:
    """Everything either one acknowledged is there once, in one sequence without gaps."""
    url = begin(tmp_path)
    processes = [recorder(url, seed, 200) for seed in (1, 2)]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    expected = [id_ for text in outputs for id_ in acknowledged(text.splitlines(keepends=True))]
    assert faults(url, expected) == []
    deployment = open_deployment(url)
    assert (
        deployment.log("acme").size(viewer=operator("acme")) == len(expected) + 1
    )  # and the verdict's reading
    deployment.close()
