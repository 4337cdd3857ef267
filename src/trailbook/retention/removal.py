"""Removal: bodies whose retention class is past its time go, with a manifest that says which.

Owns which entries are due and the entry that cites the manifest. Refuses to remove what no manifest names, and the
last entry about access that somebody has: without it nothing would say who gave it.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from trailbook.catalogue import Catalogue
from trailbook.errors import InvalidError
from trailbook.model import Item, Progress, parse_instant, written
from trailbook.record import canonical_json, decode_body
from trailbook.recording import LogChange
from trailbook.retention.erasure import CHUNK, Command, citing_entry
from trailbook.retention.living import Living
from trailbook.stores import Append, Blob, EntryStore, Head
from trailbook.tree import leaf_hash


class Retention(Struct, frozen=True, kw_only=True):
    """What retention takes: entries of actions in `kept_for` recorded before an instant."""

    kept_for: str
    before: datetime


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
        due = _due(store, org, head, actions=actions, before=retention.before, progress=progress)
        if not due.leaves:
            raise InvalidError(f"retention: nothing of the class {kept_for} was recorded before {before}")
        manifest = canonical_json(
            {"v": 1, "before": before, "class": kept_for, "seqs": _runs(sorted(due.leaves))}
        )
        digest = hashlib.sha256(manifest).hexdigest()

        def apply(expected: Head, batch: Append) -> None:
            # The entry that says so stays, and with it everything that it cites.
            staying = {token for row in batch.rows for token in decode_body(row.body).tokens()}
            sweep = [token for token in due.tokens if token not in staying]
            store.remove(org, expected, batch, leaves=due.leaves, sweep=sweep)

        entry = citing_entry("activity_log.pruned", Item(type="removal", id=digest), (), command)
        return LogChange(
            entry=entry, blobs=(Blob("removal", digest, manifest),), removed=len(due.leaves), apply=apply
        )

    return plan


def _due(
    store: EntryStore, org: str, head: Head, *, actions: set[str], before: datetime, progress: Progress
) -> _Due:
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
            if body.action in actions and parse_instant(body.recorded_at) < before:
                leaves[row.seq] = leaf_hash(row.body)
                going.update(body.tokens())
            else:
                staying.update(body.tokens())
            living.learn(row.seq, body)
        progress(min(start + CHUNK, head.size), head.size)
    for seq, tokens in living.entries(store, org):
        if leaves.pop(seq, None) is not None:
            staying.update(tokens)
    return _Due(leaves, sorted(going - staying))


def _runs(seqs: Sequence[int]) -> list[list[int]]:
    """Ascending numbers as [first, last] runs."""
    runs: list[list[int]] = []
    for seq in seqs:
        if runs and runs[-1][1] == seq - 1:
            runs[-1][1] = seq
        else:
            runs.append([seq, seq])
    return runs
