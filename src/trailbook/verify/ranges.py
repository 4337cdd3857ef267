"""Heads and the ranges of their keys: which heads are signed by a key that did not sign their size.

Owns that judgement, by what the log's own entries say and by ranges that whoever asks has from elsewhere. Refuses to
hold a rotation of an earlier version, whose server went on with the old keys, against a head: that is a note.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile

from msgspec import Struct

from trailbook.tree import ED25519, KeyRange, Rotation, VerifierKey, key_id, key_ranges, read_rotation
from trailbook.verify.directory import Fact
from trailbook.verify.findings import Finding
from trailbook.verify.heads import KeysOf, Restart, Signed
from trailbook.verify.rows import ROTATED, Declared

Ranges = Mapping[VerifierKey, KeyRange]


class RangeRules(Struct, frozen=True, kw_only=True):
    """What says which key signs which sizes: rotations and restarts that a log declares, and ranges known elsewhere."""

    origin: str
    keys_of: KeysOf
    rotations: Sequence[Rotation]
    restarts: Sequence[Restart]
    known: Sequence[KeyRange] = ()


def rotations(declared: Iterable[Declared], facts: Mapping[str, Fact]) -> list[Rotation]:
    """The rotations that entries declare, in order, from the facts that their targets' tokens stand for."""
    targets = [(d.seq, facts.get(d.target)) for d in declared if d.action == ROTATED]
    stated = [read_rotation(seq + 1, fact.id) for seq, fact in sorted(targets) if fact and fact.type == "key"]
    return [rotation for rotation in stated if rotation is not None]


def in_range(signed: Sequence[Signed], rules: RangeRules) -> tuple[list[Signed], list[Finding], list[str]]:
    """The heads that their keys may sign, a finding for each other one, and a note for each key where it is none."""
    kept, findings, notes = [], [], dict[str, None]()
    known = {range_.key: range_ for range_ in rules.known}
    by_epoch = {epoch: _of_epoch(rules, epoch) for epoch in {head.epoch for head in signed}}
    for head in signed:
        declared, exact = by_epoch[head.epoch]
        wrong = [
            key for key in head.keys if not _signs(head, key, exact, declared) or not _signs(head, key, known)
        ]
        if wrong:
            what = (
                f"the checkpoint is signed by the key {key_id(wrong[0]).hex()}, which does not sign its size"
            )
            place = f"checkpoint {head.whose}, size {head.size}"
            findings.append(Finding(verdict="unsigned", what=what, place=place))
        else:
            kept.append(head)
            notes |= dict.fromkeys(_doubts(head, declared))
    return kept, findings, list(notes)


def _of_epoch(rules: RangeRules, epoch: int) -> tuple[Ranges, Ranges]:
    """The ranges in an epoch by every rotation that it had, and by those alone that name both keys."""
    # What was declared after a restart says nothing of the epoch before, which may have gone on to other sizes.
    end = rules.restarts[epoch].seq if epoch < len(rules.restarts) else None
    own = [rotation for rotation in rules.rotations if end is None or rotation.size <= end]
    origins = [rules.origin, *(f"{rules.origin}/{number}" for number in range(1, epoch + 1))]
    keys = rules.keys_of(origins[-1])
    exact = [rotation for rotation in own if rotation.cosigning is not None]
    every, strict = (key_ranges(keys, some, origins) for some in (own, exact))
    return {range_.key: range_ for range_ in every}, {range_.key: range_ for range_ in strict}


def _signs(head: Signed, key: VerifierKey, *any_of: Ranges) -> bool:
    return any(key not in ranges or ranges[key].signs(head.size) for ranges in any_of)


def _doubts(head: Signed, declared: Ranges) -> Iterator[str]:
    """What earlier versions left open about the keys of a head."""
    for key in head.keys:
        range_, id_ = declared.get(key), key_id(key).hex()
        if range_ is None or key.alg != ED25519:
            continue
        if not range_.signs(head.size):
            yield (
                f"the key {id_} signed checkpoints of sizes that are not its own; it was replaced by an earlier"
                " version, whose server went on with it until it was started again"
            )
        elif range_.first == 0 and _is_open_before(key, declared):
            yield f"no entry says since when the key {id_} signs, so that those before it have no end"


def _is_open_before(key: VerifierKey, declared: Ranges) -> bool:
    """Whether a log key that is older than this one has no end."""
    older = takewhile(lambda other: other != key, declared)
    return any(declared[other].after is None for other in older)
