"""Identities: each token in a kept body has one row that opens it, or an erasure that a cited manifest names.

Owns what binds the directory to the log. Refuses to say what a token stands for.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, Protocol

import msgspec
from msgspec import Struct, field

from trailbook.model import Item
from trailbook.record import Stub, item_preimage, origin_preimage, read_stubs, stubs_digest, token_of
from trailbook.verify.findings import Finding, at
from trailbook.verify.rows import ERASED, PRUNED, Declared, Seen

_FACTS = frozenset({"erasure", "removal", "checkpoint", "key"})
Manifests = Callable[[str, str], bytes | None]  # (kind, SHA-256 in hex) -> the manifest


class Version(Protocol):
    """A row of the directory."""

    @property
    def item(self) -> int: ...
    @property
    def token(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def id(self) -> str | None: ...
    @property
    def name(self) -> str | None: ...
    @property
    def salt(self) -> bytes | None: ...
    @property
    def owner(self) -> int | None: ...


class Fact(Struct, frozen=True, gc=False):
    """What a row of the directory says of the log itself: erasure, removal, lost checkpoint or new keys, by its id."""

    type: str
    id: str


class Held(Struct, frozen=True, gc=False):
    """What matters of a row once its token was recomputed."""

    item: int
    type: str
    owner: int | None
    stub: bool


class DirectoryRead(Struct, kw_only=True):
    """The directory as read: rows by token, the facts among them, and its faults so far."""

    held: dict[str, Held] = field(default_factory=dict)
    facts: dict[str, Fact] = field(default_factory=dict)
    numbers: dict[tuple[str, str, int | None], int] = field(default_factory=dict)
    keys: dict[int, tuple[str, str, int | None] | str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    most: int = 0


class Named(Struct, kw_only=True):
    """What cited manifests name: erased tokens and removed seqs, each with the seq of the entry that cites it.

    `stubs` are what the lists of newer erasures bind of their tokens, `manifests` the blobs that are accounted for.
    """

    tokens: dict[str, int] = field(default_factory=dict)
    stubs: dict[str, Stub] = field(default_factory=dict)
    removed: dict[int, int] = field(default_factory=dict)
    manifests: set[tuple[str, str]] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)


def learn(directory: DirectoryRead, row: Version) -> None:
    """Read one row, in the order in which the directory grew, and recompute its token."""
    held = Held(row.item, row.type, row.owner, row.id is None)
    if row.token in directory.held:
        directory.findings.append(_about(row, "inserted", "a second row has the same token"))
        return
    directory.held[row.token] = held
    if not _opens(row):
        directory.findings.append(_about(row, "changed", "the row does not open its token"))
    if row.type in _FACTS and row.id is not None:
        directory.facts[row.token] = Fact(row.type, row.id)
    if not _numbered(directory, row):
        directory.findings.append(_about(row, "changed", "the row has the number of another item"))
    directory.most = max(directory.most, row.item)


def declarations(declared: list[Declared], directory: DirectoryRead, manifest: Manifests) -> Named:
    """Read the manifests that entries cite; one that is gone or altered is a finding."""
    named = Named()
    for entry in declared:
        if entry.action not in (ERASED, PRUNED):
            continue
        kind = "erasure" if entry.action == ERASED else "removal"
        fact = directory.facts.get(entry.target)
        digest = fact.id.rpartition("-")[2] if fact and fact.type == kind else ""
        content = manifest(kind, digest) if digest else None
        named.manifests.add((kind, digest))
        if content is None:
            named.findings.append(at("missing", entry.seq, f"the {kind} manifest that the entry cites"))
        elif sha256(content).hexdigest() != digest:
            named.findings.append(
                at("changed", entry.seq, f"the {kind} manifest is not the one the entry cites")
            )
        else:
            try:
                stated = msgspec.json.decode(content)
                _name(entry, stated, named, directory)
                _bind(entry, stated, named, manifest)
            except (msgspec.DecodeError, KeyError, TypeError, ValueError):
                named.findings.append(at("changed", entry.seq, f"the {kind} manifest it cites is not one"))
    return named


def judge(directory: DirectoryRead, seen: Seen, named: Named) -> Iterator[Finding]:
    """Hold the directory against what the bodies cite and the manifests name."""
    yield from directory.findings
    yield from named.findings
    for name, held in directory.held.items():
        if name not in seen.cited:
            yield _row("inserted", name, held, "no entry cites it")
        if held.stub and name not in named.tokens:
            yield _row("missing", name, held, "it says nothing, and no erasure names it")
        elif not held.stub and name in named.tokens:
            yield _row("unerased", name, held, f"the erasure of seq {named.tokens[name]} names it")
        yield from _stub(name, held, seen, named)
    yield from _owners(directory, seen, named)
    removed = set(seen.removed)
    yield from (at("missing", seq, "no removal names it") for seq in seen.removed if seq not in named.removed)
    kept = (seq for seq in named.removed if seq not in removed)
    yield from (at("unerased", seq, f"the removal of seq {named.removed[seq]} names it") for seq in kept)


def _stub(name: str, held: Held, seen: Seen, named: Named) -> Iterator[Finding]:
    """A stub is as the list of its erasure binds it; of an older erasure its type is one that entries can have had."""
    if not held.stub:
        return
    types, bound = seen.rules.types, named.stubs.get(name)
    if bound is not None and bound.type != held.type:
        yield _row("changed", name, held, f"the erasure of seq {named.tokens[name]} binds another type")
    elif types and held.type not in types and held.type != "origin":
        yield _row("changed", name, held, "its type is not declared")
    elif not all(seen.rules.allows(action, held.type) for action in seen.actions.get(name, ())):
        yield _row("changed", name, held, "its type is none that is a target of the entries that cite it")
    if bound is not None and bound.owner != held.owner:
        yield _row("changed", name, held, f"the erasure of seq {named.tokens[name]} binds another owner")


def _owners(directory: DirectoryRead, seen: Seen, named: Named) -> Iterator[Finding]:
    """An origin belongs to the actor beside it, a personal item to whom the first entry says."""
    for origin, actor in seen.origins:
        held, owner = directory.held.get(origin), directory.held.get(actor)
        if held and held.type != "origin":
            yield _row("changed", origin, held, "its type is another, and entries cite it as an origin")
        elif held and owner and held.owner != owner.item:
            yield _row("changed", origin, held, "it belongs to another item than the actor that cites it")
    origins, removed = {origin for origin, _ in seen.origins}, min(seen.removed, default=None)
    for name, held in directory.held.items():
        if held.type == "origin":
            if held.stub and name in seen.cited and name not in origins:
                yield _row("changed", name, held, "it is an origin, and no entry cites it as one")
        elif name not in named.stubs and (what := _misplaced(directory, seen, name, removed)):
            yield _row("changed", name, held, what)


def _misplaced(directory: DirectoryRead, seen: Seen, name: str, removed: int | None) -> str | None:
    """Why an item cannot belong to whom its row says, `removed` being the first seq without a body; None if it can."""
    held, first, types = directory.held[name], seen.first.get(name), seen.rules.types
    if held.owner is not None and types.get(held.type) is False:
        return "it belongs to somebody, and no item of its type does"
    if name in seen.unknown:
        return None
    if first is None:
        never = held.owner is not None and removed is None
        return "it belongs to somebody it was never about" if never else None
    earlier = removed is not None and removed < first.seq
    if earlier and held.stub:
        return None  # it may have been whose an entry says that is gone
    tokens = {*first.owners, *(seen.owners.get(name, ()) if earlier else ())}
    about = {directory.held[token].item for token in tokens if token in directory.held}
    if held.owner is None:
        return "it belongs to nobody, and entries say whose it is" if types.get(held.type) else None
    return "it belongs to another item than entries say" if about and held.owner not in about else None


def _name(entry: Declared, content: dict[str, Any], named: Named, directory: DirectoryRead) -> None:
    if entry.action == PRUNED:
        for first, last in content["seqs"]:
            named.removed.update(dict.fromkeys(range(first, last + 1), entry.seq))
        return
    named.tokens.update(dict.fromkeys(content["tokens"], entry.seq))
    for name in sorted({*entry.subjects, *content["tokens"]}):
        held = directory.held.get(name)
        # What belongs to nobody is the person, under each of their names; all else that went was theirs.
        if held is None or (held.owner is not None and name not in entry.subjects):
            continue
        if held.item != content["item"]:
            named.findings.append(_row("changed", name, held, "the erasure names another item"))


def _bind(entry: Declared, content: dict[str, Any], named: Named, manifest: Manifests) -> None:
    """Read the list of stubs that a manifest of version 2 binds, and nothing else does. Raises: ValueError."""
    if entry.action == PRUNED or content["v"] == 1:
        return
    if content["v"] != 2:
        raise ValueError("an erasure has the version 1 or 2")
    digest = content["stubs"]
    kept = manifest("stubs", digest)
    named.manifests.add(("stubs", digest))
    if kept is None:
        named.findings.append(at("missing", entry.seq, "the list of stubs that its erasure binds"))
    elif stubs_digest(kept) != digest:
        named.findings.append(at("changed", entry.seq, "the list of stubs is not the one its erasure binds"))
    elif (stubs := read_stubs(kept)).keys() != set(content["tokens"]):
        raise ValueError("its list is of other tokens")
    else:
        named.stubs |= stubs


def _opens(row: Version) -> bool:
    if row.id is None:
        return row.name is None and row.salt is None
    if row.salt is None or type(row.salt) is not bytes:
        return False
    if row.type == "origin":
        preimage = origin_preimage(row.id or None, row.name)
    else:
        preimage = item_preimage(Item(type=row.type, id=row.id, name=row.name))
    return token_of(preimage, row.salt) == row.token


def _numbered(directory: DirectoryRead, row: Version) -> bool:
    """Whether the row's number is that of its item and of no other; numbers are given out in order."""
    if row.item not in directory.keys and row.item <= directory.most:
        return False
    key = (row.type, row.id or "", row.owner if row.type == "origin" else None)
    was = directory.keys.setdefault(row.item, row.type if row.id is None else key)
    if row.id is None:
        return was == row.type
    return was == key and directory.numbers.setdefault(key, row.item) == row.item


def _about(row: Version, verdict: Any, what: str) -> Finding:
    return _row(verdict, row.token, Held(row.item, row.type, row.owner, row.id is None), what)


def _row(verdict: Any, name: str, held: Held, what: str) -> Finding:
    return Finding(verdict=verdict, what=what, place=f"directory, token {name}, item {held.item}", token=name)
