"""The suite of engines that two processes may open at once: subclass the class and give an `Engine` with a `url`.

Owns what two real processes may rely on beside each other, and what is left when one of them is killed. Refuses to
depend on which of them is faster.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from msgspec import structs

from trailbook.errors import HeadMovedError
from trailbook.stores import Blob, ExpectedBlob, Head, Store
from trailbook.testing.engines import ORG, OTHER, Engine, added, batch, everything, filled, row, version
from trailbook.testing.ledgers import Appending
from trailbook.testing.worker import FIRST, whole

MANY = 400  # rows in a commit that takes long enough for a kill to meet it
Begin = Callable[..., "Other"]


class Other:
    """Another process on the same content."""

    def __init__(self, url: str, *words: object) -> None:
        command = [sys.executable, "-m", "trailbook.testing.worker", url, *map(str, words)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout

    def step(self) -> str:
        """What it says once its next step is done; nothing after the last."""
        return self._out.readline().strip()

    def steps(self) -> Iterator[str]:
        """Every step that is left, as each is done."""
        return iter(self.step, "")

    def go(self) -> None:
        """Let it go on."""
        self._in.write("\n")
        self._in.flush()

    def end(self) -> None:
        """Wait until it has ended well."""
        assert [self._process.wait(60), *self.steps()] == [0]

    def kill(self) -> None:
        """End it where it stands, as a power cut would; it may have ended by itself."""
        self._process.kill()
        self._process.wait(60)
        self._in.close()
        self._out.close()


class ProcessConformance:
    """Capability: another process opens the same content by its URL, and both work on it at once."""

    @pytest.fixture
    def shared(self, engine: Engine) -> Store:
        """The store under test, with two logs."""
        filled(engine.store, 2)
        filled(engine.store, 2, OTHER)
        return engine.store

    @pytest.fixture
    def other(self, engine: Engine) -> Iterator[Begin]:
        """Begins other processes."""
        with beginning(engine) as begin:
            yield begin

    def test_two_processes_append_to_one_log(self, shared: Store, other: Begin) -> None:
        """Each acknowledged entry is there once, and the numbers have no gap, whoever was first at which."""
        process = other("append", 40, 3)
        for number in range(100, 140):
            added(shared, lambda head, number=number: batch(head, [row(number)]))  # type: ignore[misc]
        assert len(list(process.steps())) == 40
        process.end()
        assert shared.head(ORG).size == 2 + 40 + 120
        assert [kept.seq for kept in everything(shared)] == list(range(162))
        assert len(shared.seq_of(ORG, [row(number).id for number in range(100, 140)])) == 40
        assert shared.head(OTHER).size == 2

    def test_a_head_that_the_other_moved_is_refused(self, shared: Store, other: Begin) -> None:
        head = shared.head(ORG)
        process = other("append", 1, 1)
        assert process.step() == "3"
        process.end()
        with pytest.raises(HeadMovedError):
            shared.append(ORG, head, batch(head, [row(5)]))
        now = shared.head(ORG)
        shared.append(ORG, now, batch(now, [row(5)]))
        assert shared.head(ORG).size == 4

    def test_who_holds_is_not_overtaken_by_the_other(self, shared: Store, other: Begin) -> None:
        """And holds up nobody who records for another organisation."""
        process = other("hold")
        assert process.step() == "holding"
        waiting = Appending(shared, shared.head(ORG), 5)
        assert not waiting.is_over(0.2)
        assert Appending(shared, shared.head(OTHER), 5, org=OTHER).is_over(20)
        assert shared.head(OTHER).size == 3
        process.go()
        assert process.step() == "3"
        process.end()
        assert waiting.is_over(20)
        assert isinstance(waiting.error, HeadMovedError)
        assert shared.head(ORG).size == 3

    def test_who_is_killed_holding_holds_nobody(self, shared: Store, other: Begin) -> None:
        process = other("hold")
        assert process.step() == "holding"
        process.kill()
        filled(shared, 1)
        with shared.holding(ORG):
            filled(shared, 1)
        assert shared.head(ORG).size == 4

    def test_an_erasure_is_seen_by_the_other(self, shared: Store, other: Begin) -> None:
        head, anna, bob = shared.head(ORG), version(1, "Anna"), version(2, "Bob")
        named = batch(head, identities=[anna, bob], words=[("anna", 1), ("bob", 2)])
        shared.append(ORG, head, named)
        assert shared.versions(ORG, [1, 2]) == [anna, bob]
        process = other("erase", 1)
        assert process.step() == "erased"
        stub = structs.replace(anna, id=None, name=None, salt=None)
        assert shared.versions(ORG, [1, 2]) == [stub, bob]
        assert shared.identities(ORG, [("user", "u/1", None)]) == []
        assert shared.every_word(ORG) == [("bob", 2)]
        process.end()

    def test_of_two_who_expect_the_same_the_first_is_written(self, shared: Store, other: Begin) -> None:
        process = other("put")
        assert process.step() == "ready"
        process.go()
        try:
            shared.put_blobs(ORG, [Blob("list", "", b"mine")], expect=ExpectedBlob("list", "", None))
            mine = True
        except HeadMovedError:
            mine = False
        assert process.step() == ("refused" if mine else "put")
        assert shared.blob(ORG, "list", "") == (b"mine" if mine else b"other")
        process.end()

    def test_what_the_other_commits_is_seen_whole(self, shared: Store, other: Begin) -> None:
        """At every head that is read meanwhile, every part of the store has reached it."""
        process, head = other("append", 60, 5), Head()
        while head.size < 2 + 60 * 5:
            head = shared.head(ORG)
            assert torn(shared, head) == []
        assert list(process.steps())[-1] == f"{head.size}"
        process.end()

    @pytest.mark.parametrize("killed", [True, False])
    def test_who_is_killed_midway_through_a_commit_leaves_nothing_of_it(
        self, shared: Store, other: Begin, killed: bool
    ) -> None:
        """Nor was any of it seen; the control is the commit that goes on."""
        before, process = shared.head(ORG), other("halt")
        assert process.step() == "midway"
        assert (shared.head(ORG), torn(shared, before)) == (before, [])
        if killed:
            process.kill()
        else:
            process.go()
            assert process.step() == "7"
        head = shared.head(ORG)
        assert (head.size, shared.extent(ORG)) == ((2, 2) if killed else (7, 7))
        assert len(list(shared.every_identity(ORG))) == len(shared.blob_names(ORG)) == (0 if killed else 1)
        assert shared.faults() == []
        assert torn(shared, added(shared, lambda head: whole(head, 3))) == []

    @pytest.mark.parametrize("after", [0, 2])
    def test_who_is_killed_appending_leaves_whole_commits(
        self, shared: Store, other: Begin, after: int
    ) -> None:
        """What was acknowledged is there, of the rest all of a commit or nothing; the one who is left goes on."""
        process = other("append", 10**6, MANY)
        acknowledged = [int(process.step()) for _ in range(after)]
        process.kill()
        head = shared.head(ORG)
        assert head.size >= max(acknowledged, default=2)
        assert (head.size - 2) % MANY == 0
        assert torn(shared, head) == []
        assert shared.faults() == []
        assert shared.extent(ORG) == head.size
        assert torn(shared, added(shared, lambda head: whole(head, 1))) == []


@contextmanager
def beginning(engine: Engine) -> Iterator[Begin]:
    """Begins other processes on an engine's content, none of which outlives this."""
    assert engine.url is not None, "no other process opens the engine; leave this class out"
    url, processes = engine.url, list[Other]()

    def begin(*words: object) -> Other:
        processes.append(Other(url, *words))
        return processes[-1]

    try:
        yield begin
    finally:
        for process in processes:
            process.kill()


def torn(store: Store, head: Head) -> list[str]:
    """The parts of a store that have not reached a head, where `whole` commits follow two rows."""
    rows = [kept.seq for kept in store.kept(ORG, 0, head.size)]
    seqs = store.seq_of(ORG, [row(at if at < 2 else FIRST + at).id for at in range(head.size)])
    items = {version.item for version in store.versions(ORG, range(1, head.items + 1))}
    tile = store.blob(ORG, "tile", f"{head.size}")
    words = store.items_by_word(ORG, f"w{head.size}") if head.items else {0}
    parts = {
        "rows": rows == list(range(head.size)),
        "ids": sorted(seqs.values()) == list(range(head.size)),
        "directory": items == set(range(1, head.items + 1)),
        "words": head.items in words,
        "blobs": head.items == 0 or tile == b"%d" % head.size,
    }
    return [part for part, reached in parts.items() if not reached]
