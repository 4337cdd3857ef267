"""Erasing a person and removing by retention: what goes, which manifest says so, and the entry that cites it.

Owns the two manifests and their closures: which tokens an erasure reaches, which bodies a removal takes.
Refuses to touch a hashed byte: erasing deletes directory rows, removing keeps every leaf hash. (record.md 3)
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct, structs

from trailbook.catalogue import Catalogue
from trailbook.errors import Fault, InvalidError, NotFoundError
from trailbook.model import Actor, Concern, Item, NewEntry, Origin, Progress, parse_instant, written
from trailbook.record.canonical import canonical, decode
from trailbook.recording.contract import Change
from trailbook.stores import Append, Blob, Head, Identity, Store
from trailbook.tree.merkle import leaf_hash

_CHUNK = 4096


class Command(Struct, frozen=True, kw_only=True):
    """Who orders an erasure or a removal, when, and why."""

    actor: Actor
    at: datetime
    origin: Origin
    purpose: str | None = None


class Retention(Struct, frozen=True, kw_only=True):
    """What retention takes: entries of actions in `kept_for` recorded before an instant."""

    kept_for: str
    before: datetime


def erasure(
    store: Store, org: str, catalogue: Catalogue, item: Item, order: Command
) -> Callable[[Head], Change]:
    """How to erase a person: every version of their item, their origins and the personal items they own.

    The plan raises: InvalidError when the item is no person; NotFoundError when the log does not know them.
    """

    def plan(head: Head) -> Change:
        declared = catalogue.types.get(item.type)
        if declared is None or not declared.person:
            fault = Fault("/item/type", "invalid", f"is {item.type[:64]!r}; only persons are erased")
            raise InvalidError(f"item: {fault.detail}", (fault,))
        versions = store.identities(org, [(item.type, item.id, None)])
        if not versions:
            raise NotFoundError("the log knows no such person, or has erased them")
        reached = _reached(store, org, versions)
        number = versions[0].item
        manifest = canonical({"v": 1, "item": number, "tokens": sorted(i.token for i in reached)})
        digest = hashlib.sha256(manifest).hexdigest()
        items = sorted({i.item for i in reached})

        def apply(expected: Head, batch: Append) -> None:
            store.erase(org, expected, batch, items)

        subject = Concern(type=item.type, id=item.id, part="subject")
        target = Item(type="erasure", id=f"{number}-{digest}")
        entry = _entry("activity_log.erased", target, (subject,), _of_oneself(order, item))
        return Change(entry=entry, blobs=(Blob("erasure", digest, manifest),), removed=0, apply=apply)

    return plan


def removal(
    store: Store, org: str, catalogue: Catalogue, retention: Retention, order: Command, progress: Progress
) -> Callable[[Head], Change]:
    """How to remove the bodies of a retention class, and identities that no kept body cites any more.

    The plan raises: InvalidError for a class that is not declared, `permanent`, or where nothing is due.
    """

    def plan(head: Head) -> Change:
        kept_for, before = retention.kept_for, written(retention.before)
        due = {a.name for a in catalogue.actions.values() if a.retention == kept_for}
        if kept_for == "permanent" or not due:
            raise InvalidError(f"retention: {kept_for!r} is not a class whose entries are removed")
        leaves, sweep = _due(store, org, head, (due, retention.before), progress)
        if not leaves:
            raise InvalidError(f"retention: nothing of the class {kept_for} was recorded before {before}")
        manifest = canonical({"v": 1, "before": before, "class": kept_for, "seqs": _runs(sorted(leaves))})
        digest = hashlib.sha256(manifest).hexdigest()

        def apply(expected: Head, batch: Append) -> None:
            # The entry that says so stays, and with it everything that it cites.
            staying = {token for row in batch.rows for token in decode(row.body).tokens()}
            store.remove(org, expected, batch, leaves, [token for token in sweep if token not in staying])

        entry = _entry("activity_log.pruned", Item(type="removal", id=digest), (), order)
        return Change(
            entry=entry, blobs=(Blob("removal", digest, manifest),), removed=len(leaves), apply=apply
        )

    return plan


def _of_oneself(order: Command, item: Item) -> Command:
    """Whoever erases themselves leaves no new name and no address: this commit would keep them for good."""
    if (order.actor.type, order.actor.id) != (item.type, item.id):
        return order
    actor, origin = structs.replace(order.actor, name=None), Origin(interface=order.origin.interface)
    return structs.replace(order, actor=actor, origin=origin)


def _entry(action: str, target: Item, concerns: tuple[Concern, ...], order: Command) -> NewEntry:
    return NewEntry(
        action=action,
        occurred_at=order.at,
        actor=order.actor,
        target=target,
        concerns=concerns,
        origin=order.origin,
        purpose=order.purpose,
    )


def _reached(store: Store, org: str, versions: Sequence[Identity]) -> list[Identity]:
    """The versions of an item and of all that it owns, and of what that owns."""
    reached = {v.token: v for v in versions}
    items, seen = {v.item for v in versions}, set[int]()
    while items:
        owned = [i for i in store.owned(org, items) if i.id is not None]
        seen |= items
        reached.update((i.token, i) for i in owned)
        items = {i.item for i in owned} - seen
    return list(reached.values())


def _due(
    store: Store, org: str, head: Head, what: tuple[set[str], datetime], progress: Progress
) -> tuple[dict[int, bytes], list[str]]:
    """Leaf hashes of the bodies that are due, and the tokens that only they cite."""
    actions, before = what
    leaves: dict[int, bytes] = {}
    going: set[str] = set()
    staying: set[str] = set()
    for start in range(0, head.size, _CHUNK):
        for row in store.kept(org, start, min(start + _CHUNK, head.size)):
            if row.body is None:
                continue
            body = decode(row.body)
            if body.action in actions and parse_instant(body.recorded_at) < before:
                leaves[row.seq] = leaf_hash(row.body)
                going.update(body.tokens())
            else:
                staying.update(body.tokens())
        progress(min(start + _CHUNK, head.size), head.size)
    return leaves, sorted(going - staying)


def _runs(seqs: Sequence[int]) -> list[list[int]]:
    """Ascending numbers as [first, last] runs."""
    runs: list[list[int]] = []
    for seq in seqs:
        if runs and runs[-1][1] == seq - 1:
            runs[-1][1] = seq
        else:
            runs.append([seq, seq])
    return runs
