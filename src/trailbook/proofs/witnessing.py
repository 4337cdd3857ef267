"""Witnessing: asking one witness to cosign what was signed last, and believing what it answers only once it verifies.

Owns the asking side of C2SP tlog-witness, and which logs wait for it. Refuses to hold signing up: it works beside it,
and a witness that is away, or that holds another history, is told of and asked again.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from trailbook.clock import Clock
from trailbook.errors import AnchorError, CallFailedError, ProofInvalidError
from trailbook.outgoing import Call, PrivatePlace, Reply, post
from trailbook.proofs.tiles import kind_of, origin_of, prove
from trailbook.proofs.witnesses import Witness, keep_cosigned, last_seen
from trailbook.stores import LogStore
from trailbook.tree import (
    Note,
    Policy,
    SignedCheckpoint,
    Submission,
    VerifierKey,
    consistency_plan,
    format_submission,
    key_id,
    parse_note,
    read_checkpoint,
    verify_note,
)

LATEST = "latest"
SIZE_TYPE = "text/x.tlog.size"
AHEAD = timedelta(hours=1)  # by so much a witness's clock may be before ours
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")
_REFUSALS = {
    400: "it cannot read what it was sent",
    403: "it does not know the key that signed; give whoever runs it the log's keys (`trailbook keys list`)",
    404: "it does not know the log {origin}; give whoever runs it this origin and the log's keys",
    422: "it has cosigned a head of {old} entries that this one does not extend: it holds another history of the log",
}


class Asking(Struct, frozen=True, kw_only=True):
    """What asking needs besides a store: the deployment's origin, the keys of a log's origin, a clock, and limits.

    A witness is asked at most once in `every` for each log; `places` are those that may be called though private.
    """

    origin: str
    keys_of: Callable[[str], Sequence[VerifierKey]]
    clock: Clock
    every: timedelta
    places: tuple[PrivatePlace, ...] = ()


class Witnessing:
    """Asks one witness about the logs of a store."""

    def __init__(self, store: LogStore, witness: Witness, asking: Asking) -> None:
        self.witness = witness
        self._store = store
        self._asking = asking
        # At first all: what was signed before may not have been seen.
        self._waiting: dict[str, None] | None = None
        self._asked: dict[str, datetime] = {}

    def offer(self, org: str) -> None:
        """Let a log's newest head wait for its cosignature."""
        if self._waiting is not None:
            self._waiting[org] = None

    def due(self) -> list[str]:
        """The organisations whose log waits for this witness, and whose turn it is."""
        if self._waiting is None:
            self._waiting = dict.fromkeys(self._store.orgs())
        return [org for org in list(self._waiting) if self._is_due(org)]

    def ask(self, org: str) -> None:
        """Get the cosignature over what was signed last of a log that waits, where it is its turn.

        Raises: AnchorError when the witness does not give one (the log waits on); StoreError.
        """
        if self._waiting is None or org not in self._waiting or not self._is_due(org):
            return
        self._waiting.pop(org)  # before looking: what is signed meanwhile waits again
        note = self._store.blob(org, kind_of(self._store, org, "checkpoint"), LATEST)
        if note is None:
            return
        try:
            self._ask(org, read_checkpoint(note))
        except BaseException:
            self.offer(org)
            raise
        self._asked[org] = self._asking.clock()

    def _is_due(self, org: str) -> bool:
        asked = self._asked.get(org)
        return asked is None or not timedelta(0) <= self._asking.clock() - asked < self._asking.every

    def _ask(self, org: str, head: SignedCheckpoint) -> None:
        origin = origin_of(self._store, org, self._asking.origin)
        known = last_seen(self._store, org, self.witness, Policy(origin, tuple(self._asking.keys_of(origin))))
        size = 0 if known is None else known.checkpoint.size
        # A witness that has seen more is asked from the beginning: its answer says how much.
        old = size if size <= head.checkpoint.size else 0
        keep_cosigned(self._store, org, self.witness, self._cosigned(org, head, old))

    def _cosigned(self, org: str, head: SignedCheckpoint, old: int) -> Note:
        """The head with the witness's cosignatures on it; where it says what it has seen, it is asked once more."""
        reply = self._sent(org, head, old)
        size = _size_in(reply)
        if size is not None and size != old and size <= head.checkpoint.size:
            old, reply = size, self._sent(org, head, size)
        if reply.status == 200:
            return self._believed(head, reply.content)
        raise AnchorError(f"{self.witness.name}: {_refusal(reply, head, old)}")

    def _sent(self, org: str, head: SignedCheckpoint, old: int) -> Reply:
        size = head.checkpoint.size
        proof = prove(self._store, org, consistency_plan(old, size), size)
        content = format_submission(Submission(old, proof, head))
        call = Call(self.witness.address.below("add-checkpoint"), content, "text/plain")
        try:
            return post(call, self._asking.places)
        except CallFailedError as error:
            raise AnchorError(f"{self.witness.name} is away: {error.detail}") from None

    def _believed(self, head: SignedCheckpoint, lines: bytes) -> Note:
        """The head with the lines of an answer that are the witness's, each verified; others are left out."""
        own = parse_note(head.note)
        ids = {(key.name, key_id(key)) for key in self.witness.keys}
        try:
            answered = parse_note(f"{own.text}\n".encode() + lines).signatures
            theirs = tuple(line for line in answered if (line.name, line.key_id) in ids)
            verified = verify_note(Note(own.text, theirs), self.witness.keys)  # just what is kept
        except ProofInvalidError as error:
            raise AnchorError(f"{self.witness.name}: its answer does not verify: {error.detail}") from None
        latest = int((self._asking.clock() + AHEAD).timestamp())
        if not all(0 < (signature.time or 0) <= latest for signature in verified):
            raise AnchorError(f"{self.witness.name}: the time of its cosignature is not now")
        return Note(own.text, (*own.signatures, *theirs))


def _size_in(reply: Reply) -> int | None:
    """How much of the log a witness has seen, where it answers that. Source: C2SP tlog-witness."""
    size = _SIZE.fullmatch(reply.content)
    return int(size[1]) if reply.status == 409 and reply.media_type == SIZE_TYPE and size else None


def _refusal(reply: Reply, head: SignedCheckpoint, old: int) -> str:
    if reply.status in _REFUSALS:
        return _REFUSALS[reply.status].format(origin=head.checkpoint.origin, old=old)
    if reply.status != 409:
        return f"it answered with status {reply.status}"
    seen, size = _size_in(reply), head.checkpoint.size
    if seen is None:
        return "it answered that it has seen another size, and not which"
    if seen == old == size:
        return f"it has cosigned another head of {size} entries: there are two histories of the log"
    if seen > size:
        lost = "entries were lost, or another copy of the log goes on"
        return f"it has seen {seen} entries of the log, of which {size} are signed here: {lost}"
    return "it was shown another head meanwhile"
