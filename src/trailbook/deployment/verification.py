"""Verifying a stored log: reads everything a store keeps of it, and lets `verify` say what is at fault.

Owns the order of reading, and going on past what cannot be read. Refuses to write, to repair, and to believe
the store: keys and outside checkpoints come from whoever asks.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec import Struct, field, structs

from trailbook.deployment.granted import GrantRows, bound_access
from trailbook.errors import DamagedError, StoreError
from trailbook.finding import SEGMENT, Parts, Sealed
from trailbook.model import Progress, instant, parse_instant, written
from trailbook.query import words
from trailbook.record import ACCESS, decode_body
from trailbook.stores import Head, Identity, Store, StoredEntry
from trailbook.tree import HASH, TILE, root_of
from trailbook.verify import (
    DirectoryRead,
    Finding,
    Given,
    KeptTile,
    KeysOf,
    Report,
    Seen,
    Signed,
    Tree,
    TreeHead,
    add_tile,
    declarations,
    judge,
    ladder,
    learn,
    open_head,
    overlooked,
    read_rows,
    restarts,
    root_at,
    settle,
    span,
    upper_faults,
)

_CHUNK = 16 * TILE
_END_OF_TIME = 253_402_300_800_000_000  # microseconds since 1970 of the year 10000
_MOST_STRAYS = 1000
_UNSIGNED_FOR = timedelta(minutes=10)
_DECLARING = (b'"activity_log.erased"', b'"activity_log.pruned"', b'"activity_log.restarted"')
# Of the index, the tree, its heads, who has seen them, and the manifests that entries cite.
_KINDS = frozenset(
    "index segment tile checkpoint anchor epoch timestamp timestamped witness witnessed".split()
)
_KINDS |= {"erasure", "stubs", "removal", ACCESS}
_T = TypeVar("_T")


class VerifyOptions(Struct, frozen=True, kw_only=True):
    """What to verify by: the log's origin, its keys for an origin, heads kept outside, and what may be known.

    `start` and `stop` narrow the re-hash of bodies to whole tiles around them; every tile is still bound to the
    signed head. `now` is needed to say that entries have been unsigned for too long, `types` are declared types.
    """

    origin: str
    keys_of: KeysOf
    outside: Sequence[bytes] = ()
    start: int = 0
    stop: int | None = None
    now: datetime | None = None
    types: frozenset[str] = frozenset()


class _Run(Struct):
    """One verification under way."""

    store: Store
    org: str
    options: VerifyOptions
    head: Head
    size: int  # entries that can be there: those of the head, as far as rows reach
    seen: Seen
    registry: GrantRows | None = None
    given: Given | None = None  # by the registry as the verification began
    tree: Tree = field(default_factory=Tree)
    directory: DirectoryRead = field(default_factory=DirectoryRead)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)
    names: set[tuple[str, str]] = field(default_factory=set)
    blobs: dict[tuple[str, str], bytes] = field(
        default_factory=dict
    )  # all but tiles, and tiles no name finds

    @property
    def whole(self) -> bool:
        return self.options.start <= 0 and (self.options.stop is None or self.options.stop >= self.size)


def verify_log(
    store: Store,
    org: str,
    options: VerifyOptions,
    *,
    registry: GrantRows | None = None,
    progress: Progress = lambda done, total: None,
) -> Report:
    """Check a stored log against its signed heads, and everything in it against the log; names every fault.

    With a `registry` it is held against the entries of access too.
    Raises: NotFoundError when there is no such log; StoreError when not even its head can be read.
    """
    # Of one moment, or what is recorded meanwhile looks like a fault; entries themselves stay what they are.
    with store.still(org):
        run = _begin(store, org, options)
        run.registry, run.given = registry, None if registry is None else _read(run, registry.given, org)
        _blobs(run)
        signed = _heads(run)
        _directory(run)
    _rows(
        run,
        sorted({run.size, *(checkpoint.size for checkpoint in signed if checkpoint.size <= run.size)}),
        progress,
    )
    bound, findings = overlooked(signed, restarts(run.seen.declared, run.directory.facts), run.size)
    run.findings += findings
    _tree(run, bound)
    _facts(run)
    if run.whole:
        _ids(run)
        _head(run)
    _engine(run)
    run.findings += run.seen.findings
    return _report(run, bound)


def verify_heads(store: Store, org: str, options: VerifyOptions) -> Report:
    """Check only that the kept tiles hash to every head, kept or outside: nothing but the tail is hashed anew.

    So two checkpoints are compared: both are in `outside`. Raises: as `verify_log`.
    """
    return verify_log(store, org, structs.replace(options, start=0, stop=0))


def _begin(store: Store, org: str, options: VerifyOptions) -> _Run:
    head = store.head(org)
    extent = store.extent(org, head.size)
    size = head.size if head.size - extent < TILE else extent  # far more missing is told as one range
    run = _Run(store, org, options, head, size, Seen(ids=bytearray(16 * size)))
    if size < head.size:
        run.findings.append(_at("missing", size, "rows that the log's head counts", head.size))
    beyond = store.extent(org)
    while beyond > head.size and len(run.findings) < _MOST_STRAYS:
        run.findings.append(_at("inserted", beyond - 1, "a row lies beyond the log's head"))
        beyond = store.extent(org, beyond - 1)
    return run


def _blobs(run: _Run) -> None:
    """Read every blob but the tiles, which are many and found when needed, and the index, which proves nothing."""
    try:
        for blob in run.store.every_blob(run.org):
            run.names.add((blob.kind, blob.key))
            if blob.kind not in ("tile", SEGMENT):
                run.blobs[blob.kind, blob.key] = blob.content
    except StoreError as error:
        run.findings.append(
            _finding("index", f"blobs cannot all be read: {error.detail}", place="database file")
        )
        for name in _read(run, run.store.blob_names, run.org) or []:
            run.names.add(name)
            content = run.blobs.get(name) or _read(run, run.store.blob, run.org, *name)
            run.blobs |= {} if content is None else {name: content}
    for kind, key in sorted(run.names):
        if kind.partition("/")[0] not in _KINDS:
            run.findings.append(_finding("inserted", "a log has no such blob", place=f"blob {kind} {key}"))


def _heads(run: _Run) -> list[Signed]:
    """Every head that is signed as it must be: kept in each epoch, and kept outside."""
    signed = []
    last: dict[str, int] = {}
    for kind, key in sorted(run.names):
        if kind.partition("/")[0] in ("checkpoint", "anchor"):
            raw = _blob(run, kind, key) or b""
            head = open_head(raw, _origin(run), run.options.keys_of, "kept")
            if isinstance(head, Signed) and not _is_home(head, kind, key):
                head = _finding("moved", f"the checkpoint of size {head.size} is kept as {kind} {key}")
            if isinstance(head, Signed):
                signed.append(head)
                last[kind] = max(last.get(kind, 0), head.size)
            elif head is not None:
                run.findings.append(structs.replace(head, place=f"{kind} {key}"))
    run.findings += _latest(run, last)
    for raw in run.options.outside:
        outside = open_head(raw, _origin(run), run.options.keys_of, "outside")
        if isinstance(outside, Signed):
            signed.append(outside)
        elif outside is not None:
            run.findings.append(outside)
    run.checked["checkpoints"] = len(signed)
    return signed


def _latest(run: _Run, last: dict[str, int]) -> Iterator[Finding]:
    """The latest checkpoint of an epoch is the greatest, and the same bytes under both its names."""
    for kind, size in last.items():
        latest, same = _blob(run, kind, "latest"), _blob(run, kind, f"{size:020d}")
        if kind.startswith("checkpoint") and latest != same:
            lost = latest is None or same is None
            what = f"the latest checkpoint is not that of size {size}"
            yield _finding("missing" if lost else "changed", what, place=f"{kind} latest")


def _is_home(head: Signed, kind: str, key: str) -> bool:
    epoch = int(kind.partition("/")[2] or "0") if kind.partition("/")[2].isdigit() or "/" not in kind else -1
    return head.epoch == epoch and key in ("latest", f"{head.size:020d}")


def _directory(run: _Run) -> None:
    rows = _read(run, lambda: list(run.store.every_identity(run.org, past_index=True)))
    if rows is None:  # some cannot be read: the rest can, one item at a time
        rows = []
        for item in range(1, min(run.head.items, 4 * run.size + TILE) + 1):
            rows += _read(run, run.store.versions, run.org, [item]) or []
    for row in dict.fromkeys(rows):  # a damaged file may give a row twice
        try:
            learn(run.directory, row)
        except (TypeError, ValueError) as error:
            run.findings.append(
                _finding("changed", f"cannot be read: {error}", place=f"directory, {row.token}")
            )
    run.seen.personal = frozenset(
        token
        for token, held in run.directory.held.items()
        if held.owner is not None and held.type != "origin"
    )
    run.findings += _missing_words(run, rows) if run.whole else []
    run.checked["identities"] = len(rows)


def _rows(run: _Run, sizes: Sequence[int], progress: Progress) -> None:
    """Read rows tile by tile into the tree; outside the range asked for only entries that declare something."""
    for first in range(0, run.size, _CHUNK):
        stop = min(first + _CHUNK, run.size)
        by_tile: list[list[StoredEntry]] = [[] for _ in range(first, stop, TILE)]
        for row in _kept(run, first, stop):
            by_tile[(row.seq - first) // TILE].append(row)
        for number, rows in enumerate(by_tile, first // TILE):
            low, high = number * TILE, min((number + 1) * TILE, stop)
            cuts = [size for size in sizes if low < size < (number + 1) * TILE]
            leaves = read_rows(rows, low, high - low, run.seen) if _must_hash(run, low, high, rows) else None
            add_tile(run.tree, leaves, KeptTile(_tile(run, 0, number), _above(run, number)), cuts)
        progress(stop, run.size)


def _must_hash(run: _Run, low: int, high: int, rows: Sequence[StoredEntry]) -> bool:
    """Whether the bodies of a tile are hashed anew: it is in the range, at the end, or something is declared in it."""
    if run.whole or high - low < TILE:
        return True
    stop = run.size if run.options.stop is None else run.options.stop
    if low < stop and high > run.options.start:
        return True
    bodies = [row.body for row in rows if isinstance(row.body, bytes)]
    return any(action in body for body in bodies for action in _DECLARING)


def _kept(run: _Run, first: int, stop: int) -> Iterable[StoredEntry]:
    rows = _read(run, lambda: list(run.store.kept(run.org, first, stop)))
    if rows is not None and all(first <= row.seq < stop for row in rows):
        return rows
    singles = (_read(run, run.store.kept_at, run.org, [seq]) for seq in range(first, stop))
    return [row for rows in singles if rows for row in rows if first <= row.seq < stop]


def _tree(run: _Run, bound: Sequence[Signed]) -> None:
    whole = all(len(h) == HASH for h in run.head.range)
    head = TreeHead(run.size, root_of(run.head.range) if whole else b"")
    run.findings += settle(run.tree, bound, head)
    run.findings += ladder(run.tree, bound)
    run.findings += upper_faults(run.tree, lambda level, index: _tile(run, level, index))
    tiles = {f"{lv}/{i}" for lv in range(8) for i in range(run.size >> 8 * (lv + 1))}
    for kind, key in sorted(run.names):
        if kind == "tile" and key not in tiles:
            run.findings.append(_finding("inserted", "the tree has no such tile", place=f"tile {key}"))
    run.checked["tiles"] = len(tiles)
    root, signed = root_at(run.tree, run.size), max((checkpoint.size for checkpoint in bound), default=0)
    if root is not None and root != head.root and run.size == run.head.size:
        if signed == run.size and any(checkpoint.root == root for checkpoint in bound):
            run.findings.append(_finding("index", "the head's range is not that of the tree; entries intact"))
        else:
            what = "the entries after the last checkpoint do not hash to the log's head"
            run.findings.append(_at("changed", min(signed, run.size - 1), what, run.size))
    _unsigned(run, signed)


def _unsigned(run: _Run, signed: int) -> None:
    if signed >= run.size:
        return
    rows = _read(run, run.store.kept_at, run.org, [signed]) or [StoredEntry(signed, None)]
    what = f"no checkpoint covers {span(signed, run.size)}"
    if run.options.now is not None and rows[0].body is not None:
        try:
            since = parse_instant(decode_body(rows[0].body).recorded_at)
        except (DamagedError, ValueError):
            since = run.options.now
        if run.options.now - since > _UNSIGNED_FOR:
            run.findings.append(_at("unsigned", signed, what, run.size))
            return
    run.notes.append(f"{what} yet")


def _facts(run: _Run) -> None:
    """Erasures, removals and identities; whatever is at fault with a token gets the first seq that cites it."""
    named = declarations(run.seen.declared, run.directory, lambda kind, key: _blob(run, kind, key))
    run.findings += _epoch(run)
    if not run.whole:
        run.findings += named.findings
        unnamed = [seq for seq in run.seen.removed if seq not in named.removed]
        run.findings += [_at("missing", seq, "no removal names it") for seq in unnamed]
        return
    for kind, key in sorted(run.names):
        if kind in ("erasure", "removal") and (kind, key) not in named.manifests:
            run.findings.append(_finding("inserted", "no entry cites it", place=f"{kind} manifest {key}"))
    findings = [*judge(run.directory, run.seen, named, run.options.types), *_absent(run)]
    first = _first_citing(run, {f.token for f in findings if f.token is not None})
    run.findings += [f if f.token is None else structs.replace(f, seq=first.get(f.token)) for f in findings]
    run.checked |= {"erased": len(named.tokens), "removed": len(run.seen.removed)}
    _access(run)


def _access(run: _Run) -> None:
    given = None if run.registry is None else _read(run, run.registry.given, run.org)
    bound = bound_access(
        run.given,
        given,
        seen=run.seen,
        directory=run.directory,
        manifest=lambda key: _blob(run, ACCESS, key),
    )
    run.findings += bound.findings
    run.notes += bound.notes
    run.checked |= bound.checked


def _absent(run: _Run) -> Iterator[Finding]:
    for token in sorted(run.seen.cited - run.directory.held.keys()):
        try:
            present = bool(_read(run, run.store.identities_of, run.org, [token]))
        except ValueError:  # no token at all
            present = False
        what = "index damaged: the row is found by its token only" if present else "entries cite it"
        place = f"directory, token {token}"
        yield Finding(verdict="index" if present else "missing", what=what, place=place, token=token)


def _first_citing(run: _Run, tokens: set[str]) -> dict[str, int]:
    """The first seq that cites each token; read again only where something is at fault."""
    seqs: dict[str, int] = {}
    for first in range(0, run.size if tokens else 0, _CHUNK):
        for row in _kept(run, first, min(first + _CHUNK, run.size)):
            try:
                cited = decode_body(row.body).tokens() if isinstance(row.body, bytes) else ()
            except DamagedError:
                continue
            for token in tokens.intersection(cited):
                seqs.setdefault(token, row.seq)
    return seqs


def _epoch(run: _Run) -> Iterator[Finding]:
    epoch, declared = _blob(run, "epoch", "latest") or b"0", restarts(run.seen.declared, run.directory.facts)
    if epoch != str(len(declared)).encode():
        what = f"the epoch is not {len(declared)}, as entries declare"
        yield _finding("changed", what, place="epoch latest")


def _ids(run: _Run) -> None:
    """Every id leads to the entry that has it, and to no other."""
    ids, empty = run.seen.ids, bytes(16)
    removed = set(run.seen.removed)  # of a removed body the id is known by its row alone
    mapped = bytearray(run.size)
    ids_now = _read(run, lambda: list(run.store.ids(run.org))) or []
    now = _read(run, run.store.head, run.org) or run.head
    newer = range(run.head.size, now.size)  # recorded meanwhile
    for id_, seq in ids_now:
        if seq in newer:
            continue
        if type(seq) is not int or not 0 <= seq < run.size:
            run.findings.append(
                _finding("index", "an id leads to no entry; entries intact", place="entry ids")
            )
        elif mapped[seq] or (ids[16 * seq : 16 * seq + 16] != id_ and seq not in removed):
            run.findings.append(_at("index", seq, "another id leads to the entry; entries intact"))
        else:
            mapped[seq] = 1
    at = mapped.find(0)
    while at >= 0:
        if ids[16 * at : 16 * at + 16] != empty or at in removed:
            run.findings.append(_at("index", at, "its id does not lead to the entry; entries intact"))
        at = mapped.find(0, at + 1)


def _missing_words(run: _Run, rows: Sequence[Identity]) -> Iterator[Finding]:
    """The words people find items by follow from the directory."""
    named = [row for row in rows if row.name is not None and row.type != "origin"]
    expected = {(word, row.item) for row in named for word in words(row.name or "")}
    stored = _read(run, run.store.every_word, run.org) or []
    run.checked["words"] = len(stored)
    wrong = {item for _, item in expected.symmetric_difference(stored)}
    for item in sorted(wrong, key=str):
        yield _finding(
            "index", "words do not follow from its names; entries intact", place=f"words of item {item}"
        )


def _head(run: _Run) -> None:
    last, at = run.seen.recorded_at, run.head.recorded_at
    is_known = last and run.size - 1 not in run.seen.removed[-1:]  # a removed body says no time
    if is_known and not (0 <= at < _END_OF_TIME and written(instant(at)) == last):
        run.findings.append(_finding("index", "the head's time is not that of the last entry", place="head"))
    if run.head.removed != len(run.seen.removed):
        run.findings.append(_finding("index", "the head counts other removals than there are", place="head"))
    if run.head.items < run.directory.most or (not run.seen.removed and run.head.items != run.directory.most):
        run.findings.append(_finding("index", "the head counts other items than there are", place="head"))


def _engine(run: _Run) -> None:
    for fault in _read(run, Sealed(run.store, run.org, Parts(0)).check) or []:
        run.findings.append(_finding("index", f"{fault}; entries intact", place="index"))
    for line in _read(run, run.store.faults) or []:
        run.findings.append(_finding("index", f"the engine says: {line}", place="database file"))


def _above(run: _Run, number: int) -> bytes | None:
    tile = _tile(run, 1, number // TILE) if (number // TILE + 1) * TILE * TILE <= run.size else None
    at = number % TILE * HASH
    return tile[at : at + HASH] if tile is not None and len(tile) == TILE * HASH else None


def _tile(run: _Run, level: int, index: int) -> bytes | None:
    if (index + 1) << 8 * (level + 1) > run.size:
        return None
    return _blob(run, "tile", f"{level}/{index}")


def _blob(run: _Run, kind: str, key: str) -> bytes | None:
    content = run.blobs.get((kind, key))
    if content is None and kind == "tile":
        content = _read(run, run.store.blob, run.org, kind, key)
        if content is None and (kind, key) in run.names:  # kept, but its name does not find it
            tiles = _read(run, lambda: [b for b in run.store.every_blob(run.org) if b.kind == "tile"])
            run.blobs |= {(b.kind, b.key): b.content for b in tiles or []}
            content = run.blobs.get((kind, key))
    return content if isinstance(content, bytes) else None


def _read(run: _Run, read: Callable[..., _T], *arguments: object) -> _T | None:
    """What a store answers; None, and a finding said once, where it cannot."""
    try:
        return read(*arguments)
    except StoreError as error:
        finding = _finding("index", f"the store cannot read something: {error.detail}", place="database file")
        if finding not in run.findings:
            run.findings.append(finding)
        return None


def _origin(run: _Run) -> str:
    return f"{run.options.origin}/{run.org}"


def _at(verdict: str, seq: int, what: str, stop: int | None = None) -> Finding:
    return structs.replace(_finding(verdict, what, place=span(seq, stop or seq + 1)), seq=seq, stop=stop)


def _finding(verdict: str, what: str, *, place: str = "head") -> Finding:
    return Finding(verdict=verdict, what=what, place=place)  # type: ignore[arg-type]


def _report(run: _Run, bound: Sequence[Signed]) -> Report:
    last = 2**63
    findings = sorted(set(run.findings), key=lambda f: (last if f.seq is None else f.seq, f.place, f.what))
    return Report(
        findings=tuple(findings),
        notes=tuple(run.notes),
        size=run.head.size,
        root=root_at(run.tree, run.size),
        checkpoint=max((checkpoint.size for checkpoint in bound), default=0),
        checked={"entries": run.seen.entries, **run.checked},
    )
