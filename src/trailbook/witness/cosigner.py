"""The cosigner: judges what a log submits, and cosigns it or says why not.

Owns the answering side of C2SP tlog-witness: the order of its checks, and each of its answers. Refuses to cosign a head
unless a key of a log that it knows signed it, within its range, and it is proved to extend the last one cosigned.
"""

import logging
from collections.abc import Mapping, Sequence

from msgspec import Struct

from trailbook.clock import Clock
from trailbook.errors import ForkError, ProofInvalidError
from trailbook.tree import (
    EMPTY_ROOT,
    KeyRange,
    Note,
    Policy,
    Signature,
    SignerKey,
    Submission,
    format_note,
    key_id,
    open_checkpoint,
    parse_note,
    parse_submission,
    require_in_range,
    sign,
    verify_consistency,
)
from trailbook.witness.heads import CosignedHead, Heads, RefusedHead, Turn

_LOG = logging.getLogger("trailbook")
MOST_ENTRIES = 2**63 - 1  # as the file of heads can hold
TEXT, SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"


class WitnessAnswer(Struct, frozen=True):
    """What a submission is answered: a status of HTTP, the content and its media type."""

    status: int
    content: bytes
    media_type: str = TEXT


class Cosigner(Struct, frozen=True, kw_only=True):
    """A witness at work: its keys, by origin the keys of the logs it knows, what it has seen, and a clock."""

    keys: Sequence[SignerKey]
    logs: Mapping[str, Sequence[KeyRange]]
    heads: Heads
    clock: Clock

    def add(self, raw: bytes) -> WitnessAnswer:
        """Answer a submission. Raises: StoreError when what was seen cannot be looked at or kept."""
        try:
            submission = parse_submission(raw)
        except ProofInvalidError as error:
            return _refusal(400, error.detail)
        head = submission.head.checkpoint
        if head.origin not in self.logs:
            return _refusal(404, "the log is not known here")
        try:
            _require_signed(submission, self.logs[head.origin])
        except ProofInvalidError as error:
            return _refusal(403, error.detail)
        if submission.old > head.size or head.size > MOST_ENTRIES:
            return _refusal(400, "the old size is greater than that of the head, or that is no size of a log")
        with self.heads.turn() as turn:
            return self._judged(turn, submission)

    def _judged(self, turn: Turn, submission: Submission) -> WitnessAnswer:
        head = submission.head.checkpoint
        held = turn.last(head.origin)
        size, root = (0, EMPTY_ROOT) if held is None else (held.size, held.root)
        if submission.old != size:
            return _conflict(size)
        fault = _fault(submission, size, root)
        if fault is None:
            return self._cosigned(turn, submission, 0 if held is None else held.time)
        other = head.size == size and head.root != root
        if held is not None and (other or head.size != size):
            self._remember(turn, submission, held, proved=other or isinstance(fault, ForkError))
        return _conflict(size) if other else _refusal(422, fault.detail)

    def _cosigned(self, turn: Turn, submission: Submission, before: int) -> WitnessAnswer:
        head, note = submission.head.checkpoint, parse_note(submission.head.note)
        # A clock that went back makes no later head look older than the one it extends.
        time = max(before, self._now())
        lines = tuple(sign(note.text, key, time) for key in self.keys)
        whole = format_note(Note(note.text, (*_own(note, self.logs[head.origin]), *lines)))
        turn.keep(CosignedHead(origin=head.origin, size=head.size, root=head.root, time=time, note=whole))
        return WitnessAnswer(200, format_note(Note(note.text, lines)).removeprefix(f"{note.text}\n".encode()))

    def _remember(self, turn: Turn, submission: Submission, held: CosignedHead, *, proved: bool) -> None:
        head = submission.head.checkpoint
        refused = RefusedHead(
            origin=head.origin,
            size=head.size,
            root=head.root,
            time=self._now(),
            held=held.size,
            proved=proved,
            note=submission.head.note,
            against=held.note,
        )
        if turn.refuse(refused):
            why = "the log signed two histories" if proved else "it was not proved to extend it"
            _LOG.warning("%s: refused a head of %d after %d: %s", head.origin, head.size, held.size, why)

    def _now(self) -> int:
        return int(self.clock().timestamp())


def _require_signed(submission: Submission, ranges: Sequence[KeyRange]) -> None:
    """Refuse a head that no key of the log signed, or one outside its range. Raises: ProofInvalidError."""
    policy = Policy(submission.head.checkpoint.origin, tuple(range_.key for range_ in ranges))
    require_in_range(open_checkpoint(submission.head.note, policy), ranges)


def _fault(submission: Submission, size: int, root: bytes) -> ProofInvalidError | None:
    """What is wrong with the proof that a head extends another one."""
    head = submission.head.checkpoint
    try:
        verify_consistency(submission.proof, old=size, old_root=root, new=head.size, new_root=head.root)
    except ProofInvalidError as error:
        return error
    return None


def _own(note: Note, ranges: Sequence[KeyRange]) -> list[Signature]:
    """The signatures of the log itself; whatever else stood in the note was not verified."""
    known = {(range_.key.name, key_id(range_.key)) for range_ in ranges}
    return [line for line in note.signatures if (line.name, line.key_id) in known]


def _conflict(size: int) -> WitnessAnswer:
    return WitnessAnswer(409, f"{size}\n".encode(), SIZE)


def _refusal(status: int, why: str) -> WitnessAnswer:
    return WitnessAnswer(status, f"{why}\n".encode())
