"""Access: what a registry gives is what the last entry about it says, or no entry of this version made it.

Owns that comparison, and that each manifest is the one its entry cites. Refuses to doubt access from before entries
stated it, which nothing can prove: that is a note.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from trailbook.model import Item
from trailbook.record import NOTHING, Holder, Standing, digest_of, standing
from trailbook.verify.directory import DirectoryRead
from trailbook.verify.findings import Finding, at
from trailbook.verify.rows import Seen

Given = Mapping[Holder, bytes]  # the manifest of each row of a registry that gives something
ManifestOf = Callable[[str], bytes | None]
_parts = msgspec.json.Decoder(dict[str, Any])


def manifest_faults(seen: Seen, directory: DirectoryRead, manifest: ManifestOf) -> Iterator[Finding]:
    """Every entry whose manifest of access is gone, or is not the one that it cites."""
    for grant in seen.grants:
        fact = _item(directory, grant.fact)
        if fact is None:
            continue  # the row of its token is at fault, and is named as that
        content = manifest(fact.id)
        if content is None:
            yield at("missing", grant.seq, "the access manifest that the entry cites")
        elif digest_of(content) != fact.id:
            yield at("changed", grant.seq, "the access manifest is not the one the entry cites")


def access_faults(
    given: Given, seen: Seen, directory: DirectoryRead, manifest: ManifestOf
) -> Iterator[Finding]:
    """Every row of a registry that no entry made, that gives something else than its last entry, or that is gone."""
    stand = standing(seen.grants, lambda token: _item(directory, token))
    for holder in sorted(given.keys() | stand.keys()):
        row, said_last = given.get(holder, NOTHING), stand.get(holder)
        if digest_of(row) == (digest_of(NOTHING) if said_last is None else said_last.digest):
            continue
        place = _place(holder, given, directory)
        if said_last is not None:
            yield _other(said_last, row, place=place, manifest=manifest(said_last.digest))
        elif not _is_older(holder, seen, directory):
            yield Finding(verdict="inserted", what="no entry gave it", place=place)


def older_count(given: Given, seen: Seen, directory: DirectoryRead) -> int:
    """How many rows of a registry are from before entries stated access."""
    stand = standing(seen.grants, lambda token: _item(directory, token))
    return sum(_is_older(holder, seen, directory) for holder in given.keys() - stand.keys())


def _other(grant: Standing, row: bytes, *, place: str, manifest: bytes | None) -> Finding:
    if row == NOTHING:
        what = f"the entry of seq {grant.seq} gave it, and it is not there"
        return Finding(verdict="missing", what=what, place=place, seq=grant.seq, stop=grant.seq + 1)
    differing = _differing(row, manifest)
    what = f"{differing} not what the entry of seq {grant.seq} says"
    return Finding(verdict="changed", what=what, place=place, seq=grant.seq, stop=grant.seq + 1)


def _differing(row: bytes, manifest: bytes | None) -> str:
    """What differs, in words, as far as the manifest says it."""
    is_, was = _members(row), _members(manifest or b"{}")
    names = sorted(name for name in is_.keys() | was.keys() if is_.get(name) != was.get(name))
    known = bool(is_) and bool(was) and bool(names)
    return f"{', '.join(names)}: {'are' if len(names) > 1 else 'is'}" if known else "it is"


def _members(manifest: bytes) -> dict[str, Any]:
    """The members of a manifest beside its version, without whose they are."""
    try:
        parts = _parts.decode(manifest)
    except msgspec.DecodeError:
        return {}
    return {name: value for part in parts.values() if isinstance(part, dict) for name, value in part.items()}


def _is_older(holder: Holder, seen: Seen, directory: DirectoryRead) -> bool:
    """Whether access may be from before entries stated it: by an entry that names it, or that retention removed."""
    first = seen.grants[0].seq if seen.grants else None
    if seen.removed and (first is None or min(seen.removed) < first):
        return True
    for target, token in seen.unstated:
        role, item = _item(directory, target), _item(directory, token)
        own = role is not None and (role.type in ("api_key", "log") or role.id.startswith("trailbook."))
        if own and item is not None and (item.type, item.id) == holder:
            return True
    return False


def _place(holder: Holder, given: Given, directory: DirectoryRead) -> str:
    """Which row it is, without naming anybody: a role or a key by its id, a member by an item's number or by order."""
    type_, id_ = holder
    if type_ in ("role", "api_key", "log"):
        return f"access, {type_} {id_}"
    number = directory.numbers.get((type_, id_, None))
    if number is not None:
        return f"access, item {number}"
    members = sorted(key for key in given if key[0] not in ("role", "api_key", "log"))
    return f"access, member {members.index(holder) + 1} in the order of type and id"


def _item(directory: DirectoryRead, token: str | None) -> Item | None:
    """What a token stands for; None where nobody may know it, or nothing says it."""
    held = directory.held.get(token or "")
    key = None if held is None else directory.keys.get(held.item)
    return Item(type=key[0], id=key[1]) if isinstance(key, tuple) else None
