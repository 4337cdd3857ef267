"""Verifying a stored log: reads everything a store keeps of it, and lets `verify` say what is at fault.

Owns the order of reading, and going on past what cannot be read. Refuses to write, to repair, and to believe
the store: keys and outside checkpoints come from whoever asks.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from msgspec import structs

from trailbook.deployment.granted import GrantRows, bound_access
from trailbook.deployment.index_findings import as_written, index_findings, index_notes
from trailbook.deployment.verification_run import (
    CatalogueRules as CatalogueRules,
    Run,
    VerifyOptions as VerifyOptions,
    catalogue_rules as catalogue_rules,
    fault,
    fault_at,
)
from trailbook.errors import DamagedError, StoreError
from trailbook.finding import SEGMENT, IndexMeans, Rebuild
from trailbook.model import Progress, instant, parse_instant, written
from trailbook.query import words
from trailbook.record import ACCESS, decode_body
from trailbook.stores import Identity, Store, StoredEntry
from trailbook.tree import HASH, TILE, root_of
from trailbook.verify import (
    Finding,
    KeptTile,
    RangeRules,
    Report,
    Seen,
    Signed,
    TreeHead,
    add_tile,
    declarations,
    in_range,
    judge,
    ladder,
    learn,
    open_head,
    overlooked,
    read_rows,
    restarts,
    root_at,
    rotations,
    settle,
    span,
    upper_faults,
)

_CHUNK = 16 * TILE
_END_OF_TIME = 253_402_300_800_000_000  # microseconds since 1970 of the year 10000
_MOST_STRAYS = 1000
_UNSIGNED_FOR = timedelta(minutes=10)
_DECLARING = tuple(
    f'"activity_log.{action}"'.encode() for action in ("erased", "pruned", "restarted", "key_rotated")
)
_UNDERIVED = "whose {} items are is not checked: {} entries about them were recorded under another catalogue"
# Of the index, the tree, its heads, who has seen them, and the manifests that entries cite.
_KINDS = frozenset(
    "index segment tile checkpoint anchor epoch timestamp timestamped witness witnessed".split()
)
_KINDS |= {"erasure", "stubs", "removal", ACCESS}


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
        run.registry, run.given = registry, None if registry is None else run.read(registry.given, org)
        _blobs(run)
        signed = _heads(run)
        _directory(run)
        if run.whole:
            run.index = Rebuild(store, org, IndexMeans(run.directory.held, options.rules.endings))
    _rows(
        run,
        sorted({run.size, *(checkpoint.size for checkpoint in signed if checkpoint.size <= run.size)}),
        progress,
    )
    bound = _bound(run, signed)
    _tree(run, bound)
    _facts(run)
    if run.whole:
        _ids(run)
        _head(run)
    _index(run)
    _engine(run)
    run.findings += run.seen.findings
    return _report(run, bound)


def verify_heads(store: Store, org: str, options: VerifyOptions) -> Report:
    """Check only that the kept tiles hash to every head, kept or outside: nothing but the tail is hashed anew.

    So two checkpoints are compared: both are in `outside`. Raises: as `verify_log`.
    """
    return verify_log(store, org, structs.replace(options, start=0, stop=0))


def _begin(store: Store, org: str, options: VerifyOptions) -> Run:
    head = store.head(org)
    extent = store.extent(org, head.size)
    size = head.size if head.size - extent < TILE else extent  # far more missing is told as one range
    run = Run(store, org, options, head, size, Seen(ids=bytearray(16 * size), rules=options.rules.owners))
    if size < head.size:
        run.findings.append(fault_at("missing", size, "rows that the log's head counts", head.size))
    beyond = store.extent(org)
    while beyond > head.size and len(run.findings) < _MOST_STRAYS:
        run.findings.append(fault_at("inserted", beyond - 1, "a row lies beyond the log's head"))
        beyond = store.extent(org, beyond - 1)
    return run


def _blobs(run: Run) -> None:
    """Read every blob but the tiles, which are many and found when needed, and the index, which proves nothing."""
    try:
        for blob in run.store.every_blob(run.org):
            run.names.add((blob.kind, blob.key))
            if blob.kind not in ("tile", SEGMENT):
                run.blobs[blob.kind, blob.key] = blob.content
    except StoreError as error:
        run.findings.append(
            fault("index", f"blobs cannot all be read: {error.detail}", place="database file")
        )
        for name in run.read(run.store.blob_names, run.org) or []:
            run.names.add(name)
            content = run.blobs.get(name) or run.read(run.store.blob, run.org, *name)
            run.blobs |= {} if content is None else {name: content}
    for kind, key in sorted(run.names):
        if kind.partition("/")[0] not in _KINDS:
            run.findings.append(fault("inserted", "a log has no such blob", place=f"blob {kind} {key}"))


def _heads(run: Run) -> list[Signed]:
    """Every head that is signed as it must be: kept in each epoch, and kept outside."""
    signed = []
    last: dict[str, int] = {}
    for kind, key in sorted(run.names):
        if kind.partition("/")[0] in ("checkpoint", "anchor", "witnessed"):
            raw = run.blob(kind, key) or b""
            head = open_head(raw, run.origin, run.options.keys_of, "kept")
            if isinstance(head, Signed) and not _is_home(head, kind, key):
                head = fault("moved", f"the checkpoint of size {head.size} is kept as {kind} {key}")
            if isinstance(head, Signed):
                signed.append(head)
                last[kind] = max(last.get(kind, 0), head.size)
            elif head is not None:
                run.findings.append(structs.replace(head, place=f"{kind} {key}"))
    run.findings += _latest(run, last)
    for raw in run.options.outside:
        outside = open_head(raw, run.origin, run.options.keys_of, "outside")
        if isinstance(outside, Signed):
            signed.append(outside)
        elif outside is not None:
            run.findings.append(outside)
    run.checked["checkpoints"] = len(signed)
    return signed


def _bound(run: Run, signed: Sequence[Signed]) -> list[Signed]:
    """The heads that the log has to extend: each signed by keys that sign its size, and given up by no restart."""
    again = restarts(run.seen.declared, run.directory.facts)
    rules = RangeRules(
        origin=run.origin,
        keys_of=run.options.keys_of,
        rotations=rotations(run.seen.declared, run.directory.facts),
        restarts=again,
        known=run.options.ranges,
    )
    own, findings, notes = in_range(signed, rules)
    bound, lost = overlooked(own, again, run.size)
    run.findings += [*findings, *lost]
    run.notes += notes
    return bound


def _latest(run: Run, last: dict[str, int]) -> Iterator[Finding]:
    """The latest checkpoint of an epoch is the greatest, and the same bytes under both its names."""
    for kind, size in last.items():
        latest, same = run.blob(kind, "latest"), run.blob(kind, f"{size:020d}")
        if kind.startswith("checkpoint") and latest != same:
            lost = latest is None or same is None
            what = f"the latest checkpoint is not that of size {size}"
            yield fault("missing" if lost else "changed", what, place=f"{kind} latest")


def _is_home(head: Signed, kind: str, key: str) -> bool:
    epoch = int(kind.partition("/")[2] or "0") if kind.partition("/")[2].isdigit() or "/" not in kind else -1
    return head.epoch == epoch and key in ("latest", f"{head.size:020d}")


def _directory(run: Run) -> None:
    rows = run.read(lambda: list(run.store.every_identity(run.org, past_index=True)))
    if rows is None:  # some cannot be read: the rest can, one item at a time
        rows = []
        for item in range(1, min(run.head.items, 4 * run.size + TILE) + 1):
            rows += run.read(run.store.versions, run.org, [item]) or []
    for row in dict.fromkeys(rows):  # a damaged file may give a row twice
        try:
            learn(run.directory, row)
        except (TypeError, ValueError) as error:
            run.findings.append(fault("changed", f"cannot be read: {error}", place=f"directory, {row.token}"))
    _owned(run)
    run.findings += _missing_words(run, rows) if run.whole else []
    run.checked["identities"] = len(rows)


def _owned(run: Run) -> None:
    """Of which items it matters whose they are: personal ones, and those whose row has an owner."""
    types = run.options.rules.owners.types
    held = {token: row for token, row in run.directory.held.items() if row.type != "origin"}
    run.seen.stubs = frozenset(token for token, row in held.items() if row.stub)
    owned = (token for token, row in held.items() if row.owner is not None or types.get(row.type))
    run.seen.personal = frozenset(owned)


def _rows(run: Run, sizes: Sequence[int], progress: Progress) -> None:
    """Read rows tile by tile into the tree; outside the range asked for only entries that declare something."""
    for first in range(0, run.size, _CHUNK):
        stop = min(first + _CHUNK, run.size)
        by_tile: list[list[StoredEntry]] = [[] for _ in range(first, stop, TILE)]
        for row in run.kept(first, stop):
            by_tile[(row.seq - first) // TILE].append(row)
        for number, rows in enumerate(by_tile, first // TILE):
            low, high = number * TILE, min((number + 1) * TILE, stop)
            cuts = [size for size in sizes if low < size < (number + 1) * TILE]
            leaves = read_rows(rows, low, high - low, run.seen) if _must_hash(run, low, high, rows) else None
            add_tile(run.tree, leaves, KeptTile(run.tile(0, number), run.above(number)), cuts)
            _index_rows(run, high)
        progress(stop, run.size)


def _index_rows(run: Run, stop: int) -> None:
    """Hand on the bodies that were read, up to `stop`: a tile's, which the processor still has at hand."""
    if run.index is not None:
        run.index.add(sorted(run.seen.bodies, key=lambda row: row[0]), stop)
    run.seen.bodies.clear()


def _must_hash(run: Run, low: int, high: int, rows: Sequence[StoredEntry]) -> bool:
    """Whether the bodies of a tile are hashed anew: it is in the range, at the end, or something is declared in it."""
    if run.whole or high - low < TILE:
        return True
    stop = run.size if run.options.stop is None else run.options.stop
    if low < stop and high > run.options.start:
        return True
    bodies = [row.body for row in rows if isinstance(row.body, bytes)]
    return any(action in body for body in bodies for action in _DECLARING)


def _tree(run: Run, bound: Sequence[Signed]) -> None:
    whole = all(len(h) == HASH for h in run.head.range)
    head = TreeHead(run.size, root_of(run.head.range) if whole else b"")
    run.findings += settle(run.tree, bound, head)
    run.findings += ladder(run.tree, bound)
    run.findings += upper_faults(run.tree, run.tile)
    tiles = {f"{lv}/{i}" for lv in range(8) for i in range(run.size >> 8 * (lv + 1))}
    for kind, key in sorted(run.names):
        if kind == "tile" and key not in tiles:
            run.findings.append(fault("inserted", "the tree has no such tile", place=f"tile {key}"))
    run.checked["tiles"] = len(tiles)
    root, signed = root_at(run.tree, run.size), max((checkpoint.size for checkpoint in bound), default=0)
    if root is not None and root != head.root and run.size == run.head.size:
        if signed == run.size and any(checkpoint.root == root for checkpoint in bound):
            run.findings.append(fault("index", "the head's range is not that of the tree; entries intact"))
        else:
            what = "the entries after the last checkpoint do not hash to the log's head"
            run.findings.append(fault_at("changed", min(signed, run.size - 1), what, run.size))
    _unsigned(run, signed)


def _unsigned(run: Run, signed: int) -> None:
    if signed >= run.size:
        return
    rows = run.read(run.store.kept_at, run.org, [signed]) or [StoredEntry(signed, None)]
    what = f"no checkpoint covers {span(signed, run.size)}"
    if run.options.now is not None and rows[0].body is not None:
        try:
            since = parse_instant(decode_body(rows[0].body).recorded_at)
        except (DamagedError, ValueError):
            since = run.options.now
        if run.options.now - since > _UNSIGNED_FOR:
            run.findings.append(fault_at("unsigned", signed, what, run.size))
            return
    run.notes.append(f"{what} yet")


def _facts(run: Run) -> None:
    """Erasures, removals and identities; whatever is at fault with a token gets the first seq that cites it."""
    named = declarations(run.seen.declared, run.directory, run.blob)
    run.findings += _epoch(run)
    if not run.whole:
        run.findings += named.findings
        unnamed = [seq for seq in run.seen.removed if seq not in named.removed]
        run.findings += [fault_at("missing", seq, "no removal names it") for seq in unnamed]
        return
    for kind, key in sorted(run.names):
        if kind in ("erasure", "removal", "stubs") and (kind, key) not in named.manifests:
            run.findings.append(fault("inserted", "no entry cites it", place=f"{kind} manifest {key}"))
    underived = [entries for token, entries in run.seen.unknown.items() if token not in named.stubs]
    if underived:
        run.notes.append(_UNDERIVED.format(len(underived), sum(underived)))
    findings = [*judge(run.directory, run.seen, named), *_absent(run)]
    first = _first_citing(run, {f.token for f in findings if f.token is not None})
    run.findings += [f if f.token is None else structs.replace(f, seq=first.get(f.token)) for f in findings]
    run.checked |= {"erased": len(named.tokens), "removed": len(run.seen.removed)}
    _access(run)


def _access(run: Run) -> None:
    given = None if run.registry is None else run.read(run.registry.given, run.org)
    bound = bound_access(
        run.given,
        given,
        seen=run.seen,
        directory=run.directory,
        manifest=lambda key: run.blob(ACCESS, key),
    )
    run.findings += bound.findings
    run.notes += bound.notes
    run.checked |= bound.checked


def _absent(run: Run) -> Iterator[Finding]:
    for token in sorted(run.seen.cited - run.directory.held.keys()):
        try:
            present = bool(run.read(run.store.identities_of, run.org, [token]))
        except ValueError:  # no token at all
            present = False
        what = "index damaged: the row is found by its token only" if present else "entries cite it"
        place = f"directory, token {token}"
        yield Finding(verdict="index" if present else "missing", what=what, place=place, token=token)


def _first_citing(run: Run, tokens: set[str]) -> dict[str, int]:
    """The first seq that cites each token; read again only where something is at fault."""
    seqs: dict[str, int] = {}
    for first in range(0, run.size if tokens else 0, _CHUNK):
        for row in run.kept(first, min(first + _CHUNK, run.size)):
            try:
                cited = decode_body(row.body).tokens() if isinstance(row.body, bytes) else ()
            except DamagedError:
                continue
            for token in tokens.intersection(cited):
                seqs.setdefault(token, row.seq)
    return seqs


def _epoch(run: Run) -> Iterator[Finding]:
    epoch, declared = run.blob("epoch", "latest") or b"0", restarts(run.seen.declared, run.directory.facts)
    if epoch != str(len(declared)).encode():
        what = f"the epoch is not {len(declared)}, as entries declare"
        yield fault("changed", what, place="epoch latest")


def _ids(run: Run) -> None:
    """Every id leads to the entry that has it, and to no other."""
    ids, empty = run.seen.ids, bytes(16)
    removed = set(run.seen.removed)  # of a removed body the id is known by its row alone
    mapped = bytearray(run.size)
    ids_now = run.read(lambda: list(run.store.ids(run.org))) or []
    now = run.read(run.store.head, run.org) or run.head
    newer = range(run.head.size, now.size)  # recorded meanwhile
    for id_, seq in ids_now:
        if seq in newer:
            continue
        if type(seq) is not int or not 0 <= seq < run.size:
            run.findings.append(fault("index", "an id leads to no entry; entries intact", place="entry ids"))
        elif mapped[seq] or (ids[16 * seq : 16 * seq + 16] != id_ and seq not in removed):
            run.findings.append(fault_at("index", seq, "another id leads to the entry; entries intact"))
        else:
            mapped[seq] = 1
    at = mapped.find(0)
    while at >= 0:
        if ids[16 * at : 16 * at + 16] != empty or at in removed:
            run.findings.append(fault_at("index", at, "its id does not lead to the entry; entries intact"))
        at = mapped.find(0, at + 1)


def _missing_words(run: Run, rows: Sequence[Identity]) -> Iterator[Finding]:
    """The words people find items by follow from the directory."""
    named = [row for row in rows if row.name is not None and row.type != "origin"]
    expected = {(word, row.item) for row in named for word in words(row.name or "")}
    stored = run.read(run.store.every_word, run.org) or []
    run.checked["words"] = len(stored)
    wrong = {item for _, item in expected.symmetric_difference(stored)}
    for item in sorted(wrong, key=str):
        yield fault(
            "index", "words do not follow from its names; entries intact", place=f"words of item {item}"
        )


def _head(run: Run) -> None:
    last, at = run.seen.recorded_at, run.head.recorded_at
    is_known = last and run.size - 1 not in run.seen.removed[-1:]  # a removed body says no time
    if is_known and not (0 <= at < _END_OF_TIME and written(instant(at)) == last):
        run.findings.append(fault("index", "the head's time is not that of the last entry", place="head"))
    if run.head.removed != len(run.seen.removed):
        run.findings.append(fault("index", "the head counts other removals than there are", place="head"))
    if run.head.items < run.directory.most or (not run.seen.removed and run.head.items != run.directory.most):
        run.findings.append(fault("index", "the head counts other items than there are", place="head"))


def _index(run: Run) -> None:
    """What is wrong with the index; of a part of a log only whether it is as it was written."""
    if run.index is None:
        run.findings += run.read(lambda: list(as_written(run.store, run.org))) or []
    else:
        run.findings += index_findings(run.index, (*run.findings, *run.seen.findings))
        run.notes += index_notes(run.index)


def _engine(run: Run) -> None:
    for line in run.read(run.store.faults) or []:
        run.findings.append(fault("index", f"the engine says: {line}", place="database file"))


def _report(run: Run, bound: Sequence[Signed]) -> Report:
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
