"""Removal: bodies whose retention class is past its time go, with a manifest that says which.

Owns which entries are due and the entry that cites the manifest. Refuses to remove what no manifest names, and the
last entry about access that somebody has: without it nothing would say who gave it.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from msgspec import Struct, structs

from trailbook.catalogue import Catalogue
from trailbook.errors import InvalidError
from trailbook.model import Item, Progress, parse_instant, written
from trailbook.query import words
from trailbook.record import canonical_json, decode_body, owner_rules
from trailbook.recording import LogChange
from trailbook.retention.belonging import CHUNK, Belongings
from trailbook.retention.erasure import Command, citing_entry
from trailbook.retention.living import Living
from trailbook.stores import Append, Blob, Directory, EntryStore, Head, Identity
from trailbook.tree import leaf_hash


class Retention(Struct, frozen=True, kw_only=True):
    """What retention takes: entries of actions in `kept_for` recorded before an instant."""

    kept_for: str
    before: datetime


class _Taken(Struct, frozen=True):
    """What retention takes of a log: entries of these actions from before an instant; and whose items then are."""

    actions: set[str]
    before: datetime
    belongings: Belongings


class _Due(Struct, frozen=True):
    """What goes: the leaf hashes of the bodies by their seqs, and the tokens that only these bodies cite."""

    leaves: dict[int, bytes]
    tokens: list[str]


def plan_removal(
    store: EntryStore,
    org: str,
    catalogue: Catalogue,
    retention: Retention,
    command: Command,
    progress: Progress,
) -> Callable[[Head], LogChange]:
    """How to remove the bodies of a retention class, and identities that no kept body cites any more.

    The plan raises: InvalidError for a class that is not declared, `permanent`, or where nothing is due.
    """

    def plan(head: Head) -> LogChange:
        kept_for, before = retention.kept_for, written(retention.before)
        actions = {a.name for a in catalogue.actions.values() if a.retention == kept_for}
        if kept_for == "permanent" or not actions:
            raise InvalidError(f"retention: {kept_for!r} is not a class whose entries are removed")
        belongings = Belongings(owner_rules(catalogue))
        taken = _Taken(actions, retention.before, belongings)
        due = _due(store, org, head, taken=taken, progress=progress)
        if not due.leaves:
            raise InvalidError(f"retention: nothing of the class {kept_for} was recorded before {before}")
        manifest = canonical_json(
            {"v": 1, "before": before, "class": kept_for, "seqs": _runs(sorted(due.leaves))}
        )
        digest = hashlib.sha256(manifest).hexdigest()

        def apply(expected: Head, batch: Append) -> None:
            # The entry that says so stays, and with it everything that it cites.
            staying = {token for row in batch.rows for token in decode_body(row.body).tokens()}
            sweep = {token for token in due.tokens if token not in staying}
            forget = _forgotten(store, org, sweep, batch.identities)
            # Whose an item was by an entry that goes alone, an erasure of whom others name has to reach.
            moved = structs.replace(batch, owners=belongings.wrong(store, org, belongings.orphaned()))
            store.remove(org, expected, moved, leaves=due.leaves, sweep=sorted(sweep), forget=forget)

        entry = citing_entry("activity_log.pruned", Item(type="removal", id=digest), (), command)
        return LogChange(
            entry=entry, blobs=(Blob("removal", digest, manifest),), removed=len(due.leaves), apply=apply
        )

    return plan


def _due(store: EntryStore, org: str, head: Head, *, taken: _Taken, progress: Progress) -> _Due:
    """What is due of a log: bodies of these actions that were recorded before an instant."""
    leaves: dict[int, bytes] = {}
    going: set[str] = set()
    staying: set[str] = set()
    living = Living()
    for start in range(0, head.size, CHUNK):
        for row in store.kept(org, start, min(start + CHUNK, head.size)):
            if row.body is None:
                continue
            body = decode_body(row.body)
            goes = body.action in taken.actions and parse_instant(body.recorded_at) < taken.before
            taken.belongings.learn(body, goes=goes)
            if goes:
                leaves[row.seq] = leaf_hash(row.body)
                going.update(body.tokens())
            else:
                staying.update(body.tokens())
            living.learn(row.seq, body)
        progress(min(start + CHUNK, head.size), head.size)
    # None of them says whose a personal item is, so that `belongings` need not know that they stay.
    for seq, tokens in living.entries(store, org):
        if leaves.pop(seq, None) is not None:
            staying.update(tokens)
    return _Due(leaves, sorted(going - staying))


def _forgotten(
    store: Directory, org: str, sweep: set[str], added: Sequence[Identity]
) -> list[tuple[str, int]]:
    """The words that only names of these tokens have: whoever had another name is found by that one alone."""
    versions = store.versions(org, {identity.item for identity in store.identities_of(org, sweep)})
    going = _words_of(identity for identity in versions if identity.token in sweep)
    staying = _words_of([*added, *(identity for identity in versions if identity.token not in sweep)])
    return sorted(going - staying)


def _words_of(identities: Iterable[Identity]) -> set[tuple[str, int]]:
    return {(word, identity.item) for identity in identities for word in words(identity.name or "")}


def _runs(seqs: Sequence[int]) -> list[list[int]]:
    """Ascending numbers as [first, last] runs."""
    runs: list[list[int]] = []
    for seq in seqs:
        if runs and runs[-1][1] == seq - 1:
            runs[-1][1] = seq
        else:
            runs.append([seq, seq])
    return runs
