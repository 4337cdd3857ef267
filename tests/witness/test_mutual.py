"""Two instances of ours witness each other, with kills and restarts: one history of each, and none of it is lost."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from tests.amounts import amount
from tests.witness import instance

from trailbook.proofs import parse_witness
from trailbook.stores import open_store
from trailbook.testing.small import ORG
from trailbook.tree import (
    Opened,
    Policy,
    compact_range,
    format_vkey,
    open_checkpoint,
    root_of,
    verifier_of,
)
from trailbook.tree.merkle import EMPTY, extend_frontier, leaf_hash
from trailbook.witness import CosignedHead, Heads, RefusedHead, begin_heads, write_witness_keys

KILLS = amount(3, 40, 200)


class Side:
    """One of the two: its log, the witness that it runs for the other, and their processes."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        folder.mkdir()
        begin_heads(folder / "witness.db")
        keys = write_witness_keys(folder / "witness.key", f"witness.{name}/1", os.urandom)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.witness = f"http://127.0.0.1:{self.port} " + " ".join(
            format_vkey(verifier_of(key)) for key in keys
        )
        self.place = f"127.0.0.1:{self.port}=127.0.0.1/32"
        self.printed: list[Path] = []

    @property
    def origin(self) -> str:
        return f"{self.name}/{ORG}"

    def policy(self, other: "Side") -> Policy:
        return Policy(self.origin, self.keys, parse_witness(other.witness).keys, 2)

    def begin(self, other: "Side") -> None:
        """Make the log, and let the other's witness know it."""
        deployment = instance.opened(self.folder, self.name, other.witness, other.place)
        self.keys = deployment.verifier_keys(ORG)
        deployment.close()
        log = f'[[logs]]\norigin = "{self.origin}"\nkeys = {[format_vkey(key) for key in self.keys]}\n'
        (other.folder / "witness.toml").write_text(f'name = "witness.{other.name}/1"\n{log}')

    def serve(self) -> subprocess.Popen[bytes]:
        """The witness that this side runs."""
        listen = f"127.0.0.1:{self.port}"
        words = ["witness", "serve", str(self.folder / "witness.toml"), "--listen", listen]
        return subprocess.Popen([sys.executable, "-m", "trailbook", *words], stdout=subprocess.DEVNULL)

    def run(self, other: "Side", number: int = 1, folder: Path | None = None) -> subprocess.Popen[bytes]:
        """The log of this side, or a copy of it that goes on by itself."""
        self.printed.append(self.folder / f"printed-{len(self.printed)}")
        words = [str(folder or self.folder), self.name, other.witness, other.place, str(number)]
        with self.printed[-1].open("wb") as out:
            return subprocess.Popen([sys.executable, instance.__file__, *words], stdout=out)

    def cosigned(self) -> list[int]:
        """The sizes that its log prints as cosigned."""
        text = "\n".join(file.read_text() for file in self.printed)
        return [int(size) for size in re.findall(r"^cosigned (\d+)$", text, re.MULTILINE)]

    def seen(self) -> tuple[CosignedHead | None, list[RefusedHead]]:
        """What its witness has seen of the other's log."""
        heads = Heads(self.folder / "witness.db")
        try:
            return next(iter(heads.cosigned()), None), heads.refused()
        finally:
            heads.close()


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Side, Side]:
    a, b = Side(tmp_path / "a", "a.example"), Side(tmp_path / "b", "b.example")
    a.begin(b)
    b.begin(a)
    return a, b


def kept(folder: Path, policy: Policy) -> list[Opened]:
    """Every head that a log keeps as witnessed, each verified with both cosignatures."""
    store, _ = open_store(f"sqlite:///{folder}/log.db")
    notes = [store.blob(ORG, kind, key) for kind, key in store.blob_names(ORG) if kind == "witnessed"]
    store.close()
    return [open_checkpoint(note or b"", policy) for note in notes]


def roots(folder: Path, sizes: Sequence[int]) -> dict[int, bytes]:
    """The roots of a log at these sizes, hashed anew from its bodies."""
    store, _ = open_store(f"sqlite:///{folder}/log.db")
    leaves = [leaf_hash(row.body or b"") for row in store.kept(ORG, 0, max(sizes))]
    store.close()
    return {size: root_of(compact_range(extend_frontier(EMPTY, leaves[:size])[0])) for size in sizes}


def test_kills_and_restarts_lose_no_head_and_cosign_no_fork(sides: tuple[Side, Side], tmp_path: Path) -> None:
    """On the way the first is copied, and the copy goes on by itself, under the same keys, with other entries."""
    chance, witnessed = random.Random(5), {side.name: 0 for side in sides}
    a, b = sides
    running = {"wa": a.serve(), "wb": b.serve(), "a": a.run(b), "b": b.run(a)}
    again = {"wa": a.serve, "wb": b.serve, "a": lambda: a.run(b), "b": lambda: b.run(a)}
    copied = tmp_path / "copied"
    try:
        until(lambda: a.cosigned() and b.cosigned())
        kill(running["a"])
        shutil.copytree(a.folder, copied)
        before = max(opened.checkpoint.size for opened in kept(copied, a.policy(b)))
        running["a"] = again["a"]()
        until(lambda: max(a.cosigned()) > before + 3)
        running["copy"], again["copy"] = a.run(b, 2, copied), lambda: a.run(b, 2, copied)
        for _ in range(KILLS):
            time.sleep(chance.random() / 4)
            name = chance.choice(sorted(running))
            kill(running[name])
            for side, other in ((a, b), (b, a)):
                last, _ = other.seen()
                # Neither what was answered nor what was seen before is ever taken back.
                assert last is not None
                assert last.size >= max(witnessed[side.name], *side.cosigned())
                witnessed[side.name] = last.size
            running[name] = again[name]()
        sizes = {side.name: max(side.cosigned()) for side in sides}
        until(lambda: all(max(side.cosigned()) > sizes[side.name] for side in sides))
        until(lambda: b.seen()[1])
    finally:
        for process in running.values():
            with suppress(ProcessLookupError):
                kill(process)
    for side, other in ((a, b), (b, a)):
        heads = kept(side.folder, side.policy(other))
        last, _ = other.seen()
        assert last is not None
        every = [
            *(opened.checkpoint for opened in heads),
            open_checkpoint(last.note, side.policy(other)).checkpoint,
        ]
        true = roots(side.folder, [head.size for head in every])
        assert {head.size: head.root for head in every} == true
        assert set(side.cosigned()) <= set(true)
    # The copy has no cosignature that the log itself does not have; what it tried is remembered.
    forked = kept(copied, a.policy(b))
    assert max(opened.checkpoint.size for opened in forked) <= before
    refused = b.seen()[1]
    assert {head.origin for head in refused} == {a.origin}
    assert all(open_checkpoint(head.note, Policy(a.origin, a.keys)).signed for head in refused)
    assert a.seen()[1] == []
