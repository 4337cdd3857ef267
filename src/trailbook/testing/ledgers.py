"""The suite every `Ledger` passes: subclass the class and give the fixture `engine`, or `ledger` itself.

Owns what is promised of logs, heads and rows, in examples, and uses no other part of a store.
"""

import threading
from hashlib import sha256
from uuid import UUID

import pytest
from msgspec import structs

from trailbook.errors import HeadMovedError, NotFoundError, StoreError
from trailbook.stores import Append, Head, Ledger, StoredEntry
from trailbook.testing.engines import ORG, OTHER, Engine, added, batch, everything, filled, row


class LedgerConformance:
    """What a `Ledger` promises; the fixture `ledger` gives an empty one."""

    @pytest.fixture
    def ledger(self, engine: Engine) -> Ledger:
        """The ledger under test."""
        return engine.store

    def test_begins_empty(self, ledger: Ledger) -> None:
        assert ledger.orgs() == []
        ledger.create(ORG)
        ledger.create(ORG)
        assert ledger.orgs() == [ORG]
        assert ledger.head(ORG) == Head()
        assert everything(ledger) == []

    def test_unknown_organisation(self, ledger: Ledger) -> None:
        with pytest.raises(NotFoundError):
            ledger.head(ORG)
        with pytest.raises(NotFoundError):
            ledger.append(ORG, Head(), batch(Head(), [row(0)]))
        ledger.create(ORG)
        ledger.append(ORG, Head(), batch(Head(), [row(0)]))

    def test_keeps_bodies_verbatim_and_in_order(self, ledger: Ledger) -> None:
        head = filled(ledger, 5)
        assert ledger.head(ORG) == head
        assert everything(ledger) == [StoredEntry(at, row(at).body) for at in range(5)]
        assert list(ledger.kept(ORG, 1, 3)) == [StoredEntry(1, row(1).body), StoredEntry(2, row(2).body)]
        assert [k.seq for k in ledger.kept(ORG, 3, 99)] == [3, 4]

    def test_rows_at_seqs_come_in_the_order_asked(self, ledger: Ledger) -> None:
        filled(ledger, 5)
        assert [k.seq for k in ledger.kept_at(ORG, [4, 0, 9, 2])] == [4, 0, 2]

    def test_many_rows(self, ledger: Ledger) -> None:
        filled(ledger, 9000)
        assert [k.seq for k in ledger.kept(ORG, 0, 9000)] == list(range(9000))
        assert [k.seq for k in ledger.kept(ORG, 4090, 8200)] == list(range(4090, 8200))

    def test_seq_of_ids(self, ledger: Ledger) -> None:
        filled(ledger, 3)
        ids = [UUID(int=at) for at in (2, 0, 77)]
        assert ledger.seq_of(ORG, ids) == {UUID(int=2): 2, UUID(int=0): 0}

    def test_append_only_to_the_expected_head(self, ledger: Ledger) -> None:
        head = filled(ledger, 2)
        late = batch(Head(), [row(7)])
        for expected in (Head(), structs.replace(head, removed=1), structs.replace(head, recorded_at=99)):
            with pytest.raises(HeadMovedError):
                ledger.append(ORG, expected, late)
        assert ledger.head(ORG) == head
        assert ledger.seq_of(ORG, [UUID(int=7)]) == {}
        ledger.append(ORG, head, batch(head, [row(7)]))

    def test_whoever_holds_is_not_overtaken(self, ledger: Ledger) -> None:
        """Who appends meanwhile waits, and finds the head moved; without holding, the other is first."""
        head = filled(ledger, 2)
        with ledger.holding(ORG):
            waiting = Appending(ledger, head, 7)
            assert not waiting.is_over(0.2)
            ledger.append(ORG, ledger.head(ORG), batch(head, [row(5)]))
        assert waiting.is_over(20)
        assert isinstance(waiting.error, HeadMovedError)
        assert ledger.seq_of(ORG, [UUID(int=5), UUID(int=7)]) == {UUID(int=5): 2}
        now = ledger.head(ORG)
        assert Appending(ledger, now, 8).is_over(20)
        with pytest.raises(HeadMovedError):
            ledger.append(ORG, now, batch(now, [row(9)]))

    def test_who_holds_and_appends_nothing_is_overtaken_by_nobody(self, ledger: Ledger) -> None:
        """What waited goes through as it was asked: the head did not move."""
        head = filled(ledger, 2)
        with ledger.holding(ORG):
            waiting = Appending(ledger, head, 7)
            assert not waiting.is_over(0.2)
        assert waiting.is_over(20)
        assert (waiting.error, ledger.head(ORG).size) == (None, 3)

    def test_whoever_holds_holds_up_no_other_organisation(self, ledger: Ledger) -> None:
        """The control is the wait of whoever appends to the log that is held."""
        filled(ledger, 2)
        head = filled(ledger, 1, OTHER)
        with ledger.holding(ORG):
            assert Appending(ledger, head, 7, org=OTHER).is_over(20)
            assert ledger.head(OTHER).size == 2
        with pytest.raises(NotFoundError), ledger.holding("nobody"):
            pass

    def test_what_a_holder_appends_is_there_for_everybody_at_once(self, ledger: Ledger) -> None:
        head = filled(ledger, 2)
        with ledger.holding(ORG):
            ledger.erase(ORG, head, batch(head, [row(5)]), items=[])
            ledger.append(ORG, ledger.head(ORG), batch(ledger.head(ORG), [row(6)]))
            sizes: list[int] = []
            reader = threading.Thread(target=lambda: sizes.append(ledger.head(ORG).size))
            reader.start()
            reader.join()
        assert sizes == [4]

    def test_a_hold_ends_with_its_error(self, ledger: Ledger) -> None:
        head = filled(ledger, 2)
        with pytest.raises(KeyError), ledger.holding(ORG):
            raise KeyError
        assert Appending(ledger, head, 7).is_over(20)
        assert ledger.head(ORG).size == 3

    def test_an_id_is_in_a_log_once(self, ledger: Ledger) -> None:
        """The last line of defence against a double; all of the batch is refused."""
        head = filled(ledger, 2)
        for rows in ([row(5), row(1)], [row(5), row(5)]):
            with pytest.raises(StoreError):
                ledger.append(ORG, head, batch(head, rows))
        assert ledger.head(ORG) == head
        assert len(everything(ledger)) == 2
        ledger.append(ORG, head, batch(head, [row(5)]))

    def test_logs_are_apart(self, ledger: Ledger) -> None:
        filled(ledger, 3)
        filled(ledger, 1, OTHER)
        assert ledger.orgs() == [ORG, OTHER]
        assert ledger.head(ORG).size == 3
        assert everything(ledger, OTHER) == [StoredEntry(0, row(0).body)]
        assert ledger.seq_of(OTHER, [UUID(int=1)]) == {}

    def test_an_erasure_is_a_commit(self, ledger: Ledger) -> None:
        head = filled(ledger, 1)
        with pytest.raises(HeadMovedError):
            ledger.erase(ORG, Head(), batch(Head(), [row(1)]), items=[1])
        assert ledger.head(ORG) == head
        ledger.erase(ORG, head, batch(head, [row(1)]), items=[1])
        assert everything(ledger) == [StoredEntry(0, row(0).body), StoredEntry(1, row(1).body)]

    def test_a_removal_leaves_leaves(self, ledger: Ledger) -> None:
        head, leaf = filled(ledger, 2), sha256(b"leaf").digest()
        with pytest.raises(HeadMovedError):
            ledger.remove(ORG, Head(), batch(Head(), [row(2)]), leaves={0: leaf}, sweep=[])
        assert everything(ledger) == [StoredEntry(0, row(0).body), StoredEntry(1, row(1).body)]
        ledger.remove(ORG, head, batch(head, [row(2)], removed=1), leaves={0: leaf}, sweep=[])
        kept = [StoredEntry(0, None, leaf), StoredEntry(1, row(1).body), StoredEntry(2, row(2).body)]
        assert everything(ledger) == kept
        assert ledger.kept_at(ORG, [0]) == kept[:1]
        assert ledger.seq_of(ORG, [UUID(int=0)]) == {UUID(int=0): 0}
        assert ledger.head(ORG).removed == 1

    def test_many_appenders(self, ledger: Ledger) -> None:
        """Whoever read an old head begins again; every entry once, no gap."""
        ledger.create(ORG)

        def add(worker: int) -> None:
            for number in range(worker * 1000, worker * 1000 + 20):
                added(ledger, lambda head, number=number: batch(head, [row(number)]))  # type: ignore[misc]

        workers = [threading.Thread(target=add, args=(number,)) for number in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        acknowledged = [row(worker * 1000 + at).id for worker in range(4) for at in range(20)]
        assert ledger.head(ORG).size == 80
        assert [k.seq for k in everything(ledger)] == list(range(80))
        assert sorted(ledger.seq_of(ORG, acknowledged).values()) == list(range(80))


class Appending:
    """An append in a thread of its own, and what came of it."""

    def __init__(self, ledger: Ledger, expected: Head, number: int, *, org: str = ORG) -> None:
        self.error: Exception | None = None
        self._thread = threading.Thread(
            target=self._append, args=(ledger, org, expected, batch(expected, [row(number)]))
        )
        self._thread.start()

    def is_over(self, seconds: float) -> bool:
        """Whether it came back within so long."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _append(self, ledger: Ledger, org: str, expected: Head, adding: Append) -> None:
        try:
            ledger.append(org, expected, adding)
        except StoreError as error:
            self.error = error
