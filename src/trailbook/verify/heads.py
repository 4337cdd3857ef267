"""Signed heads: checkpoints of a log in any epoch, and which of them a declared restart gave up.

Owns what makes a head one of this log: its origin, and the signatures of the log's keys. Refuses to trust a
head because it is kept; one that is not signed is a finding.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from trailbook.errors import InvalidError, ProofInvalidError
from trailbook.tree import Policy, VerifierKey, open_checkpoint, parse_checkpoint, parse_note
from trailbook.verify.directory import Fact
from trailbook.verify.findings import Finding, at
from trailbook.verify.rows import RESTARTED, Declared

KeysOf = Callable[[str], Sequence[VerifierKey]]
Whose = Literal["kept", "outside"]
_LOST = re.compile(r"(\d{1,19})-([0-9a-f]{64})")


class Signed(Struct, frozen=True):
    """A head whose signatures hold: of how many entries, in which epoch, who kept it, and whose they are."""

    size: int
    root: bytes
    epoch: int
    whose: Whose
    keys: tuple[VerifierKey, ...] = ()


class Restart(Struct, frozen=True):
    """A declared restart: at which seq, and the head that was lost by it."""

    seq: int
    size: int
    root: bytes


def open_head(raw: bytes, origin: str, keys_of: KeysOf, whose: Whose) -> Signed | Finding | None:
    """Read a note that should be a head of the log with this origin; None when it is of another log."""
    place = f"checkpoint {whose}"
    try:
        named = parse_checkpoint(parse_note(raw).text).origin
        epoch = _epoch(named, origin)
        if epoch is None:
            return None if whose == "outside" else _unsigned(place, "is a head of another log")
        keys = tuple(keys_of(named))
        opened = open_checkpoint(raw, Policy(named, keys))
    except (ProofInvalidError, InvalidError) as error:
        return _unsigned(place, f"cannot be believed: {error.detail}")
    size, root = opened.checkpoint.size, opened.checkpoint.root
    if whose == "kept" and {k.key.alg for k in opened.signed} != {k.alg for k in keys}:
        return _unsigned(f"{place}, size {size}", "lacks one of the log's signatures")
    return Signed(size, root, epoch, whose, tuple(signature.key for signature in opened.signed))


def restarts(declared: Sequence[Declared], facts: Mapping[str, Fact]) -> list[Restart]:
    """The restarts that entries declare, in order, from the facts that their targets' tokens stand for."""
    restarted = []
    for entry in sorted((d for d in declared if d.action == RESTARTED), key=lambda d: d.seq):
        fact = facts.get(entry.target)
        lost = None if fact is None else _LOST.fullmatch(fact.id)
        if lost:
            restarted.append(Restart(entry.seq, int(lost[1]), bytes.fromhex(lost[2])))
    return restarted


def overlooked(
    signed: Sequence[Signed], again: Sequence[Restart], size: int
) -> tuple[list[Signed], list[Finding]]:
    """Heads that the log of `size` entries must still extend, and findings for those that it does not reach."""
    bound: list[Signed] = []
    findings = []
    lost: dict[int, Signed] = {}  # by where the log ends, the greatest head beyond it
    for head in signed:
        if head.epoch > len(again):
            findings.append(
                _unsigned(f"checkpoint {head.whose}", f"is of epoch {head.epoch}, never declared")
            )
            continue
        end = again[head.epoch].seq if head.epoch < len(again) else size
        if head.size <= end:
            bound.append(head)
        elif head.epoch == len(again) or head.size > again[head.epoch].size:
            lost[end] = max(lost.get(end, head), head, key=lambda s: s.size)
        elif head.size == again[head.epoch].size and head.root != again[head.epoch].root:
            what = f"the restart cites another head than the one {head.whose}"
            findings.append(at("changed", again[head.epoch].seq, what))
    for end, head in lost.items():
        findings.append(at("missing", end, f"a checkpoint {head.whose} has {head.size} entries", head.size))
    return bound, findings


def _epoch(named: str, origin: str) -> int | None:
    if named == origin:
        return 0
    number = named.removeprefix(f"{origin}/")
    return int(number) if number != named and number.isascii() and number.isdigit() else None


def _unsigned(place: str, what: str) -> Finding:
    return Finding(verdict="unsigned", what=f"the checkpoint {what}", place=place)
