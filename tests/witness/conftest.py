"""A log whose heads are made by hand, and a witness of it in a folder."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import Struct

from trailbook.testing import FrozenClock
from trailbook.tree import (
    Checkpoint,
    KeyRange,
    SignedCheckpoint,
    SignerKey,
    Submission,
    consistency_plan,
    extend_frontier,
    format_note,
    format_submission,
    leaf_hash,
    proof_hashes,
    root_of,
    sign_checkpoint,
    verifier_of,
)
from trailbook.tree.merkle import EMPTY, compact_range
from trailbook.witness import Cosigner, Heads, WitnessAnswer, begin_heads

ORIGIN = "log.example/acme"
LOG = SignerKey(ORIGIN, 1, b"l" * 32)
LOGS = {ORIGIN: (KeyRange(verifier_of(LOG)),)}
KEYS = (SignerKey("witness.example/1", 4, b"w" * 32), SignerKey("witness.example/1", 6, b"v" * 32))


class MadeLog(Struct, frozen=True):
    """A log of leaves; one that forks at a size has other leaves from there on."""

    forks: int = 2**62
    origin: str = ORIGIN
    key: SignerKey = LOG

    def leaves(self, size: int) -> list[bytes]:
        return [leaf_hash(b"%d%s" % (at, b"!" * (at >= self.forks))) for at in range(size)]

    def root(self, size: int) -> bytes:
        return root_of(compact_range(extend_frontier(EMPTY, self.leaves(size))[0]))

    def note(self, size: int, keys: Sequence[SignerKey] = ()) -> bytes:
        head = Checkpoint(self.origin, size, self.root(size))
        return format_note(sign_checkpoint(head, keys or (self.key,), 5))

    def proof(self, old: int, size: int) -> tuple[bytes, ...]:
        leaves = self.leaves(size)

        def fetch(level: int, index: int, width: int) -> bytes:
            assert level == 0
            return b"".join(leaves[index * 256 : index * 256 + width])

        return proof_hashes(consistency_plan(old, size), size, fetch)

    def submission(self, old: int, size: int, proof: Sequence[bytes] | None = None) -> bytes:
        head = SignedCheckpoint(Checkpoint(self.origin, size, self.root(size)), self.note(size))
        return format_submission(
            Submission(old, tuple(self.proof(old, size) if proof is None else proof), head)
        )


class MadeWitness(Struct, frozen=True):
    """A witness that can be ended and started again."""

    folder: Path
    clock: FrozenClock

    def add(self, raw: bytes) -> WitnessAnswer:
        """What a witness that was started for this alone answers."""
        heads = Heads(self.folder / "witness.db")
        try:
            cosigner = Cosigner(keys=KEYS, logs=LOGS, heads=heads, clock=self.clock)
            return cosigner.add(raw)
        finally:
            heads.close()
            self.clock.move(timedelta(seconds=1))

    def heads(self) -> Heads:
        return Heads(self.folder / "witness.db")


@pytest.fixture
def witness(tmp_path: Path) -> MadeWitness:
    begin_heads(tmp_path / "witness.db")
    return MadeWitness(tmp_path, FrozenClock())
