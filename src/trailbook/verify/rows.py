"""Rows of a log, hashed and read: their leaves, and what their bodies cite and declare.

Owns what a stored row must be: a canonical body, or the leaf hash of a removed one. Refuses to judge whether
a leaf is the right one; the tree does.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Protocol

from msgspec import Struct, field

from trailbook.errors import DamagedError
from trailbook.record import GRANTING, Body, Grant, OwnerRules, body_fault, decode_body, grant_of
from trailbook.tree import HASH
from trailbook.verify.findings import Finding, at

Leaf = bytes | None  # b"" where a row is there but says nothing; None where there is none

ERASED, PRUNED, RESTARTED = "activity_log.erased", "activity_log.pruned", "activity_log.restarted"
ROTATED = "activity_log.key_rotated"
_DECLARING = frozenset({ERASED, PRUNED, RESTARTED, ROTATED})
_ID = 16


class RowFacts(Protocol):
    """A row as a store keeps it: a body, or where retention removed it its leaf hash."""

    @property
    def seq(self) -> int: ...
    @property
    def body(self) -> bytes | None: ...
    @property
    def leaf(self) -> bytes | None: ...


class Declared(Struct, frozen=True):
    """An entry that states a fact about the log: the token of its target is that of the fact."""

    seq: int
    action: str
    target: str
    subjects: tuple[str, ...]


class FirstOwners(Struct, frozen=True, gc=False):
    """Whose an item is by the first entry that says so: the owner is among these tokens."""

    seq: int
    owners: tuple[str, ...]


class Seen(Struct, kw_only=True):
    """What the rows read so far say, beside their hashes; `ids` has room for every entry's id.

    Of items in `personal` it is learned whose they are by `rules`, of those in `stubs` also by which actions they
    are targets; `owners` are those by a later entry than the first, `unknown` how many entries no rule fits. `bodies`
    are those read since somebody last took them away, by seq.
    """

    ids: bytearray
    rules: OwnerRules = OwnerRules()
    personal: frozenset[str] = frozenset()
    stubs: frozenset[str] = frozenset()
    cited: set[str] = field(default_factory=set)
    origins: set[tuple[str, str]] = field(default_factory=set)  # (origin, actor)
    first: dict[str, FirstOwners] = field(default_factory=dict)
    owners: dict[str, set[str]] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    actions: dict[str, set[str]] = field(default_factory=dict)
    declared: list[Declared] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    entries: int = 0
    recorded_at: str = ""
    bodies: list[tuple[int, Body]] = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)  # with the fact that states what they give
    unstated: set[tuple[str, str]] = field(
        default_factory=set
    )  # (target, holder) of those before them, without


def read_rows(rows: Iterable[RowFacts], first: int, width: int, seen: Seen) -> list[Leaf]:
    """The leaf hashes of seq first <= x < first + width, from rows in any order; faults go to `seen`."""
    leaves: list[Leaf] = [None] * width
    for row in rows:
        place = row.seq - first
        if not 0 <= place < width or leaves[place] is not None:
            seen.findings.append(at("inserted", row.seq, "a second row stands where one belongs"))
        else:
            leaves[place] = _leaf(row, seen)
    return leaves


def _leaf(row: RowFacts, seen: Seen) -> bytes:
    body, leaf = row.body, row.leaf
    if type(body) is bytes and leaf is None:
        seen.entries += 1
        try:
            _read(row.seq, body, seen)
        except (DamagedError, ValueError) as error:
            seen.findings.append(at("changed", row.seq, f"its body is not one: {error}"))
        return sha256(b"\x00" + body).digest()
    if body is None and type(leaf) is bytes and len(leaf) == HASH:
        seen.removed.append(row.seq)
        return leaf
    seen.findings.append(at("changed", row.seq, "the row is neither a body nor a leaf hash"))
    return b""


def _read(seq: int, raw: bytes, seen: Seen) -> None:
    body = decode_body(raw)
    seen.bodies.append((seq, body))
    concerns = body.concerns
    seen.ids[seq * _ID : seq * _ID + _ID] = _id(body.id)
    if fault := body_fault(raw, body):
        seen.findings.append(at("changed", seq, f"its body {fault}"))
    seen.recorded_at = body.recorded_at
    actor, target, cited = body.actor.item, body.target, seen.cited
    cited.add(actor)
    cited.add(target)
    cited.add(body.source)
    for concern in concerns:
        cited.add(concern.item)
    if body.on_behalf_of is not None:
        cited.add(body.on_behalf_of)
    if body.origin.item is not None:
        cited.add(body.origin.item)
        seen.origins.add((body.origin.item, actor))
    if target in seen.personal or target in seen.stubs:
        _read_owners(seq, body, seen)
    if body.action in _DECLARING:
        subjects = tuple(c.item for c in concerns)
        seen.declared.append(Declared(seq, body.action, target, subjects))
    elif body.action in GRANTING:
        _read_grant(grant_of(seq, body), seen)


def _read_grant(grant: Grant | None, seen: Seen) -> None:
    """What an entry says of somebody's access; one that states nothing counts as older only before all that do."""
    if grant is None:
        return
    if grant.fact is not None:
        seen.grants.append(grant)
    elif not seen.grants:
        seen.unstated.update((grant.target, holder) for holder in grant.holders)


def _read_owners(seq: int, body: Body, seen: Seen) -> None:
    """Whose the target is, and other personal items with it, as this entry says."""
    target = body.target
    if target in seen.stubs:
        seen.actions.setdefault(target, set()).add(body.action)
    if not seen.rules.fits(body):
        for token in seen.personal.intersection((target, *(c.item for c in body.concerns))):
            seen.unknown[token] = seen.unknown.get(token, 0) + 1
    belonging = seen.rules.belonging(body)
    if belonging is None:
        return
    first = FirstOwners(seq, belonging.owners)
    for token in seen.personal.intersection(belonging.items):
        if seen.first.setdefault(token, first).owners != belonging.owners:
            seen.owners.setdefault(token, set()).update(belonging.owners)


def _id(text: str) -> bytes:
    id_ = bytes.fromhex(text.replace("-", ""))
    if len(id_) != _ID or len(text) != 36:
        raise ValueError("its id is not a UUID")
    return id_
