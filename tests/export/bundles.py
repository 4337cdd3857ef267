"""Bundles made from the written format with merkle, checkpoint and canonical alone: a small log, and how it is cut.

Owns one log of 600 entries with an erased person and removed bodies, and every file of a bundle of it. Refuses
to use the exporter: a bundle made here and one made there must satisfy the same verifiers.
"""

import hashlib
import itertools
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from trailbook.record.canonical import canonical_json, token_of
from trailbook.tree.checkpoint import (
    COSIGNATURE,
    ED25519,
    Checkpoint,
    Note,
    SignerKey,
    format_note,
    format_vkey,
    sign,
    sign_checkpoint,
    verifier_of,
)
from trailbook.tree.merkle import TILE, leaf_hash, subtree_root, tile_path

ORG, ORIGIN = "nordlys", "log.example/nordlys"
KEYS = (SignerKey(ORIGIN, ED25519, bytes([1]) * 32), SignerKey(ORIGIN, COSIGNATURE, bytes([2]) * 32))
THIEF = (SignerKey(ORIGIN, ED25519, bytes([3]) * 32), SignerKey(ORIGIN, COSIGNATURE, bytes([4]) * 32))
START, SIGNED = datetime(2026, 3, 2, 8, tzinfo=UTC), 1_775_000_000
SIZE, ERASED, PRUNED = 600, 540, 560
REMOVED = [[20, 29], [40, 40]]
PACKAGE = Path(__file__).parents[2] / "src" / "trailbook" / "export"


@dataclass
class Log:
    """A log: its bodies in order, the identities it has, and the lists of what went."""

    bodies: list[bytes] = field(default_factory=list)
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)  # type/id -> token
    lists: dict[str, bytes] = field(default_factory=dict)  # file name -> content
    gone: set[str] = field(default_factory=set)

    def item(self, **members: str) -> str:
        """The token of an item, or an origin, with its identity made when new."""
        name = f"{members['type']}/{members.get('id', members.get('ip'))}"
        if name not in self.tokens:
            salt = hashlib.sha256(name.encode()).digest()[:16]
            self.tokens[name] = made = token_of(canonical_json(members), salt)
            self.rows[made] = {**members, "salt": salt.hex(), "token": made}
        return self.tokens[name]

    def add(self, action: str, **members: Any) -> None:
        """Append an entry; `members` are those of the body beyond what every entry has."""
        seq = len(self.bodies)
        at = START + timedelta(minutes=seq)
        body = {
            "action": action,
            "id": str(UUID(int=seq + (7 << 76) + (2 << 62))),
            "occurred_at": written(at),
            "outcome": "success",
            "recorded_at": written(at + timedelta(milliseconds=80)),
            "source": self.item(type="source", id="k-1", name="HR system"),
            "v": 1,
        }
        self.bodies.append(canonical_json({**body, **members}))


def written(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")[:-6] + "Z"


def entry(log: Log, seq: int) -> None:
    """The ordinary entries: a role given, a profile changed, absence recorded, in turn by eight people."""
    who = seq % 8
    user = log.item(type="user", id=f"u-{who}", name=f'Åse {who} «Berg» \\ "{who}"')
    other = log.item(type="user", id=f"u-{seq % 7}", name=f'Åse {seq % 7} «Berg» \\ "{seq % 7}"')
    origin = {
        "interface": "web",
        "item": log.item(type="origin", ip=f"192.0.2.{who}", user_agent="Mozilla/5.0"),
    }
    actor = {"item": user, "kind": "person"}
    if seq % 3 == 0:
        role = log.item(type="role", id="r-3", name="Manager")
        concerns = [{"item": other, "part": "member"}]
        more = {"correlation": f"{seq:032x}", "purpose": "onboarding"}
        log.add(
            "role.assigned",
            actor=actor,
            category="roles",
            concerns=concerns,
            origin=origin,
            target=role,
            **more,
        )
    elif seq % 3 == 1:
        log.add(
            "user.updated",
            actor=actor,
            category="users",
            fields=["email", "phone"],
            origin=origin,
            target=user,
        )
    else:
        system = {"item": log.item(type="system", id="expiry", name="Expiry"), "kind": "system"}
        absence = log.item(type="absence", id=f"a-{seq}")
        concerns = [{"item": user, "part": "subject"}]
        more = {
            "effective_at": "2026-04-01",
            "on_behalf_of": user,
            "outcome": "denied" if seq % 2 else "success",
        }
        origin = {"interface": "job"}
        log.add(
            "absence.recorded",
            actor=system,
            category="absence",
            concerns=concerns,
            origin=origin,
            target=absence,
            **more,
        )


def sample(size: int = SIZE) -> Log:
    """A log in which user u-7 was erased by entry 540, and bodies were removed by entry 560."""
    log = Log()
    for seq in range(size):
        if seq == ERASED:
            erase(log, "user/u-7", "origin/192.0.2.7")
        elif seq == PRUNED:
            prune(log, REMOVED)
        else:
            entry(log, seq) if seq < ERASED or seq % 8 != 7 else entry(log, seq + 1)
            body = log.bodies[-1]
            assert seq < ERASED or not any(gone.encode() in body for gone in log.gone)
    return log


def operator(log: Log) -> dict[str, Any]:
    admin = {"item": log.item(type="user", id="u-1", name='Åse 1 «Berg» \\ "1"'), "kind": "person"}
    return {"actor": admin, "category": "activity_log", "origin": {"interface": "cli"}}


def erase(log: Log, *names: str) -> None:
    tokens = sorted(log.tokens[name] for name in names)
    manifest = canonical_json({"v": 1, "item": 17, "tokens": tokens})
    digest = hashlib.sha256(manifest).hexdigest()
    log.lists[f"erasures/{digest}.json"] = manifest
    target = log.item(type="erasure", id=f"17-{digest}")
    subject = [{"item": log.tokens[names[0]], "part": "subject"}]
    log.add("activity_log.erased", **operator(log), target=target, concerns=subject)
    log.gone |= set(tokens)
    for gone in tokens:
        del log.rows[gone]


def prune(log: Log, runs: list[list[int]]) -> None:
    manifest = canonical_json({"v": 1, "before": written(START), "class": "standard", "seqs": runs})
    digest = hashlib.sha256(manifest).hexdigest()
    log.lists[f"removals/{digest}.json"] = manifest
    log.add("activity_log.pruned", **operator(log), target=log.item(type="removal", id=digest))


@dataclass
class Cut:
    """What a bundle says of a log; `files` turns it into bytes, honest or not."""

    log: Log
    kind: str = "closed"
    matching: list[int] = field(default_factory=list)
    witnesses: list[int] = field(default_factory=list)
    range: tuple[int, int] = (0, SIZE)
    filter: list[list[str]] = field(default_factory=list)
    filter_tokens: list[list[Any]] = field(default_factory=list)
    removed: frozenset[int] = frozenset(itertools.chain.from_iterable(range(a, b + 1) for a, b in REMOVED))
    size: int = SIZE
    redacted: bool = False
    keys: tuple[SignerKey, ...] = KEYS
    manifest: dict[str, Any] = field(default_factory=dict)  # members to say otherwise

    def seqs(self) -> list[int]:
        """Every seq whose body is in the bundle."""
        numbers = {*self.matching, *self.witnesses}
        if self.kind == "closed":
            numbers |= set(range(max(self.range[0] - 1, 0), self.range[1]))
        return sorted(numbers)


def closed(log: Log, **more: Any) -> Cut:
    """Roles, about u-2, from an hour after the start: matches, with a range that does not begin at 0."""
    first = 60
    since = START + timedelta(minutes=first + 5, microseconds=1) + timedelta(milliseconds=80)
    bob = log.tokens["user/u-2"]
    matching = [
        seq
        for seq in range(first, SIZE)
        if b'"category":"roles"' in log.bodies[seq] and bob.encode() in about(log.bodies[seq])
        if START + timedelta(minutes=seq) >= since
    ]
    given = [["category", "roles"], ["concerns", "user/u-2"], ["from", written(since)]]
    cut = Cut(log, "closed", matching, [ERASED, PRUNED], (first, SIZE), given, [["user/u-2", [bob]]])
    return replace(cut, **more)


def about(body: bytes) -> bytes:
    """The part of a body in which target and concerns stand."""
    concerns = body.partition(b'"concerns":[')[2].partition(b"]")[0]
    return concerns + body.rpartition(b'"target":')[2]


def whole(log: Log, **more: Any) -> Cut:
    """A closed bundle of everything, without a filter."""
    cut = Cut(log, "closed", [])
    cut.matching = [seq for seq in range(SIZE) if seq not in cut.removed]
    return replace(cut, **more)


def inclusion(log: Log, **more: Any) -> Cut:
    """Users' own changes, some of them by the person who was erased."""
    matching = [seq for seq in range(300) if seq % 3 == 1 and not any(a <= seq <= b for a, b in REMOVED)]
    return replace(
        Cut(log, "inclusion", matching, [ERASED], (0, SIZE), [["action", "user.*"], ["text", "åse"]]), **more
    )


def runs(seqs: Iterable[int]) -> list[list[int]]:
    spans: list[list[int]] = []
    for seq in seqs:
        if spans and spans[-1][1] == seq - 1:
            spans[-1][1] = seq
        else:
            spans.append([seq, seq])
    return spans


def tiles(bodies: list[bytes], seqs: Iterable[int]) -> dict[str, bytes]:
    """The tiles that bind these leaves to the root: theirs, those above, and the right edge."""
    row, level, contents = [leaf_hash(body) for body in bodies], 0, dict[str, bytes]()
    wanted = {seq // TILE for seq in seqs}
    while row:
        if len(row) % TILE:
            wanted.add(len(row) // TILE)
        for index in wanted:
            content = row[index * TILE : (index + 1) * TILE]
            contents[tile_path(level, index, len(content))] = b"".join(content)
        whole_ = len(row) // TILE
        row, level = [subtree_root(row[at * TILE : (at + 1) * TILE]) for at in range(whole_)], level + 1
        wanted = {index // TILE for index in wanted if index < whole_}
    return contents


def root(bodies: list[bytes]) -> bytes:
    row = [leaf_hash(body) for body in bodies]
    return fold(row) if row else hashlib.sha256(b"").digest()


def fold(row: list[bytes]) -> bytes:
    """RFC 9162 2.1.1, by halves: tiles of 256 first, so that a long row is quick."""
    while len(row) > TILE:
        row = [subtree_root(row[at : at + TILE]) for at in range(0, len(row), TILE)]
    return subtree_root(row)


def checkpoint(log: Log, size: int, keys: tuple[SignerKey, ...] = KEYS) -> bytes:
    """The signed head of the log's first `size` entries."""
    head = Checkpoint(keys[0].name, size, root(log.bodies[:size]))
    return format_note(sign_checkpoint(head, keys, SIGNED))


def cited(cut: Cut) -> Iterator[str]:
    """The tokens that the bundle must open."""
    for seq in sorted({*cut.matching, *cut.witnesses}):
        body = cut.log.bodies[seq]
        if cut.redacted:
            if b"activity_log.pruned" in body:
                yield body.rpartition(b'"target":"')[2][:32].decode()
        else:
            yield from (known for known in [*cut.log.rows] if known.encode() in body)


def files(cut: Cut) -> dict[str, bytes]:
    """Every file of the bundle but its manifest."""
    log, bodies = cut.log, cut.log.bodies
    lines = [
        b"%d\t-\t%s\n" % (seq, leaf_hash(bodies[seq]).hex().encode())
        if seq in cut.removed
        else b"%d\t%s\n" % (seq, bodies[seq])
        for seq in cut.seqs()
    ]
    shown = {bodies[seq] for seq in (*cut.matching, *cut.witnesses)}
    contents = {
        "checkpoint": checkpoint(log, cut.size, cut.keys),
        "keys": "".join(format_vkey(verifier_of(key)) + "\n" for key in cut.keys).encode(),
        "bodies.tsv": b"".join(lines),
        "matching.json": canonical_json(runs(cut.matching)),
        "VERIFY.md": (PACKAGE / "VERIFY.md").read_bytes(),
        "trailbook_verify.py": (PACKAGE / "trailbook_verify.py").read_bytes(),
        **tiles(bodies[: cut.size], cut.seqs()),
    }
    rows = [canonical_json(log.rows[token]) + b"\n" for token in sorted(set(cited(cut)))]
    if rows or not cut.redacted:
        contents["identities.ndjson"] = b"".join(rows)
    for name, content in log.lists.items():
        action = b"activity_log.erased" if name.startswith("erasures") else b"activity_log.pruned"
        if any(action in body for body in shown) and not (cut.redacted and name.startswith("erasures")):
            contents[name] = content
    return contents


def manifest(cut: Cut, contents: dict[str, bytes]) -> bytes:
    """The signed manifest of these files."""
    digests = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in contents.items()
        if not name.startswith("tile/") and name != "manifest.note"
    }
    members: dict[str, Any] = {
        "as_of": cut.range[1],
        "count": len(cut.matching),
        "created_at": "2026-11-02T09:00:00.000000Z",
        "files": digests,
        "filter": cut.filter,
        "filter_tokens": cut.filter_tokens,
        "filter_words": "Roles, about Åse 2",
        "kind": cut.kind,
        "lang": "en",
        "org": ORG,
        "origin": ORIGIN,
        "redacted": cut.redacted,
        "root": root(cut.log.bodies[: cut.size]).hex(),
        "size": cut.size,
        "tz": "Europe/Oslo",
        "v": 1,
        "witnesses": cut.witnesses,
    }
    if cut.kind == "closed":
        members["range"] = list(cut.range)
    if cut.matching:
        members |= {"first_seq": cut.matching[0], "last_seq": cut.matching[-1]}
    text = canonical_json({**members, **cut.manifest}).decode() + "\n"
    return format_note(Note(text, (sign(text, cut.keys[0]),)))


def signed(cut: Cut, contents: dict[str, bytes] | None = None) -> dict[str, bytes]:
    """All files of a bundle, the manifest made for what they are now."""
    contents = files(cut) if contents is None else contents
    return {"manifest.note": manifest(cut, contents), **contents}


def pack(contents: dict[str, bytes], path: Path) -> Path:
    """The files as a bundle."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for name, content in contents.items():
            out.writestr(name, content)
    return path
