"""Erasing a person: what goes, which manifest says so, and the entry that cites it.

Owns the manifest of an erasure and its closure: which tokens it reaches, and the list that binds what stays of them.
Refuses to touch a hashed byte: erasing deletes directory rows alone.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct, structs

from trailbook.catalogue import Catalogue
from trailbook.errors import Fault, InvalidError, NotFoundError
from trailbook.model import Actor, Concern, Item, NewEntry, Origin
from trailbook.record import Stub, canonical_json, stub_list, stubs_digest
from trailbook.recording import LogChange
from trailbook.stores import Append, Blob, Directory, EntryStore, Head, Identity


class Command(Struct, frozen=True, kw_only=True):
    """Who orders an erasure or a removal, when, and why."""

    actor: Actor
    at: datetime
    origin: Origin
    purpose: str | None = None


def plan_erasure(
    store: EntryStore, org: str, catalogue: Catalogue, item: Item, command: Command, *, salt: bytes
) -> Callable[[Head], LogChange]:
    """How to erase a person: every version of their item, their origins and the personal items they own.

    `salt` are 16 random bytes for the list of stubs. The plan raises: InvalidError when the item is no person;
    NotFoundError when the log does not know them.
    """

    def plan(head: Head) -> LogChange:
        versions = known_person(store, org, catalogue, item)
        reached = _reached(store, org, versions)
        number = versions[0].item
        stubs = stub_list(salt, {i.token: Stub(i.type, i.owner) for i in reached})
        bound = stubs_digest(stubs)
        tokens = sorted(i.token for i in reached)
        manifest = canonical_json({"v": 2, "item": number, "stubs": bound, "tokens": tokens})
        digest = hashlib.sha256(manifest).hexdigest()
        items = sorted({i.item for i in reached})

        def apply(expected: Head, batch: Append) -> None:
            store.erase(org, expected, batch, items=items)

        entry = erasure_entry(item, f"{number}-{digest}", command)
        blobs = (Blob("erasure", digest, manifest), Blob("stubs", bound, stubs))
        return LogChange(entry=entry, blobs=blobs, removed=0, apply=apply)

    return plan


def erasure_entry(item: Item, fact: str, command: Command) -> NewEntry:
    """The entry that somebody was erased; `fact` is their item number and the SHA-256 of the manifest in hex."""
    subject = Concern(type=item.type, id=item.id, part="subject")
    target = Item(type="erasure", id=fact)
    return citing_entry("activity_log.erased", target, (subject,), _of_oneself(command, item))


def known_person(directory: Directory, org: str, catalogue: Catalogue, item: Item) -> list[Identity]:
    """The versions of a person who can be erased. Raises: InvalidError for what is no person; NotFoundError."""
    declared = catalogue.types.get(item.type)
    if declared is None or not declared.person:
        fault = Fault("/item/type", "invalid", f"is {item.type[:64]!r}; only persons are erased")
        raise InvalidError(f"item: {fault.detail}", (fault,))
    versions = directory.identities(org, [(item.type, item.id, None)])
    if not versions:
        raise NotFoundError("the log knows no such person, or has erased them")
    return versions


def _of_oneself(command: Command, item: Item) -> Command:
    """Whoever erases themselves leaves no new name and no address: this commit would keep them for good."""
    if (command.actor.type, command.actor.id) != (item.type, item.id):
        return command
    actor, origin = (
        structs.replace(command.actor, name=None, hint=None),
        Origin(interface=command.origin.interface),
    )
    return structs.replace(command, actor=actor, origin=origin)


def citing_entry(action: str, target: Item, concerns: tuple[Concern, ...], command: Command) -> NewEntry:
    """The entry that cites a manifest, by whoever commanded it."""
    return NewEntry(
        action=action,
        occurred_at=command.at,
        actor=command.actor,
        target=target,
        concerns=concerns,
        origin=command.origin,
        purpose=command.purpose,
    )


def _reached(store: Directory, org: str, versions: Sequence[Identity]) -> list[Identity]:
    """The versions of an item and of all that it owns, and of what that owns."""
    reached = {v.token: v for v in versions}
    items, seen = {v.item for v in versions}, set[int]()
    while items:
        owned = [i for i in store.owned(org, items) if i.id is not None]
        seen |= items
        reached.update((i.token, i) for i in owned)
        items = {i.item for i in owned} - seen
    return list(reached.values())
