"""Bundles: a filter's entries with everything that an outside verifier needs, in one ZIP file.

Owns which rows, identities, tiles and lists go in, and the signed manifest. Refuses to be its own judge: the
verifier that travels inside shares no code with this. Written from docs/reference/format-bundle.md.
"""

import hashlib
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from importlib import resources
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import msgspec
from msgspec import Struct, structs

from trailbook.access import Viewer
from trailbook.errors import Fault, FilterInvalidError, NotCheckpointedError
from trailbook.export import trailbook_verify
from trailbook.log import Log
from trailbook.model import AHEAD, Progress, instant, parse_instant, written
from trailbook.proofs import Evidence
from trailbook.query import Query, Term, in_words, interval, to_params
from trailbook.record import Body, canonical_json, decode_body
from trailbook.tree import TILE, Note, SignerKey, VerifierKey, format_note, format_vkey, sign, tile_path

if TYPE_CHECKING:
    from trailbook.proofs import Identity, StoredEntry

Kind = Literal["inclusion", "closed"]
_LINES = 1000  # hashed, packed and told to `progress` at once
_ITEMS = ("actor", "concerns", "target", "source", "by_or_about")
_ERASED, _PRUNED = "activity_log.erased", "activity_log.pruned"


class BundleRequest(Struct, frozen=True, kw_only=True):
    """What a bundle is to hold: kind, filter, and whether identities stay out; `lang` is of its words."""

    kind: Kind
    query: Query
    redacted: bool = False
    lang: str = "en"


class BundleKeys(Struct, frozen=True):
    """The log key that signs the manifest, and every key that verifies the log's heads."""

    signer: SignerKey
    verifiers: tuple[VerifierKey, ...]


class _Cut(Struct, frozen=True, kw_only=True):
    """Which entries a bundle has, and why."""

    matching: list[int]
    witnesses: list[int]
    first: int
    as_of: int
    shown: "dict[str, Identity]"  # token -> identity of every shown entry, erased ones as stubs
    lists: dict[str, bytes]  # file name -> manifest


def verify_file(arguments: list[str]) -> int:
    """Check a bundle, proof or checkpoint with the verifier that travels inside, as its command line would."""
    return trailbook_verify.main(arguments)


def write_bundle(
    log: Log,
    request: BundleRequest,
    out: BinaryIO,
    *,
    viewer: Viewer,
    keys: BundleKeys,
    progress: Progress = lambda done, of: None,
) -> int:
    """Write a bundle of what the filter finds below the last signed head; the number of entries that match.

    Raises: NotPermittedError; NotCheckpointedError; FilterInvalidError for a closed bundle with text or self.
    """
    evidence = log.evidence(viewer=viewer)
    query = _bound(request, evidence)
    cut = _cut(log, structs.replace(request, query=query), evidence, viewer)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        digests: dict[str, str] = {}
        for name, pieces in _files(request, cut, evidence, keys, progress):
            digests[name] = _write(archive, name, pieces)
        files = {name: digest for name, digest in digests.items() if not name.startswith("tile/")}
        manifest = {**_manifest(log, structs.replace(request, query=query), cut, evidence), "files": files}
        text = canonical_json(manifest).decode() + "\n"
        _write(archive, "manifest.note", [format_note(Note(text, (sign(text, keys.signer),)))])
    return len(cut.matching)


def _bound(request: BundleRequest, evidence: Evidence) -> Query:
    """The filter at the signed size; a closed bundle applies it again, so it takes nothing that needs names."""
    if request.kind == "closed" and (request.query.text or request.query.self_ is not None):
        fault = Fault("/text", "parameter-invalid", "and self cannot be checked again in a closed bundle")
        raise FilterInvalidError(f"text: {fault.detail}", (fault,))
    if request.query.as_of is not None and request.query.as_of > evidence.checkpoint.size:
        raise NotCheckpointedError(
            "the last signed head is older than this as_of; a running server signs within a second"
        )
    as_of = evidence.checkpoint.size if request.query.as_of is None else request.query.as_of
    return structs.replace(request.query, as_of=as_of)


def _cut(log: Log, request: BundleRequest, evidence: Evidence, viewer: Viewer) -> _Cut:
    matching = log.seqs(request.query, viewer=viewer, lang=request.lang)
    as_of = request.query.as_of or 0
    since = interval(request.query, log.clock())[0]
    first = _first(evidence, as_of, since) if request.kind == "closed" else 0
    removed: set[int] = set()
    if request.kind == "closed":
        removed = {row.seq for row in evidence.kept(range(first, as_of)) if row.body is None}
    facts = _Facts(log, evidence, viewer)
    witnesses: set[int] = set()
    pending = set(matching)
    shown: dict[str, Identity] = {}
    lists: dict[str, bytes] = {}
    if removed:
        pending |= witnesses.union(facts.removals(removed))
    while pending:
        tokens = {t for _, body in _bodies(evidence, sorted(pending)) for t in body.tokens()} - shown.keys()
        identities = {i.token: i for i in evidence.identities(tokens)}
        shown.update(identities)
        witnesses |= pending - set(matching)
        gone = {token for token, identity in identities.items() if identity.id is None}
        pending = (set() if request.redacted else facts.erasures(gone)) - witnesses - set(matching)
    lists = facts.lists({*matching, *witnesses}, redacted=request.redacted)
    return _Cut(
        matching=matching, witnesses=sorted(witnesses), first=first, as_of=as_of, shown=shown, lists=lists
    )


def _first(evidence: Evidence, as_of: int, since: int | None) -> int:
    """The first seq that can match: nothing occurs more than five minutes after it is recorded. The row before
    it is kept, for it shows that none before it can."""
    if since is None:
        return 0
    low, high = 0, as_of
    edge = instant(since) - AHEAD - timedelta(microseconds=1)
    while low < high:
        middle = (low + high) // 2
        at = _recorded_at(evidence, middle)
        low, high = (middle + 1, high) if at is not None and at <= edge else (low, middle)
    while low > 0 and _recorded_at(evidence, low - 1) is None:
        low -= 1
    return low


def _recorded_at(evidence: Evidence, seq: int) -> datetime | None:
    body = next(evidence.kept([seq])).body
    return None if body is None else parse_instant(decode_body(body).recorded_at)


class _Citation(Struct, frozen=True):
    """What an entry cites: the list of an erasure or a removal, its SHA-256 in hex, and its bytes."""

    kind: str
    digest: str
    content: bytes


class _Facts:
    """The entries of the log that say what was erased and removed, read when a bundle first needs them."""

    def __init__(self, log: Log, evidence: Evidence, viewer: Viewer) -> None:
        self._evidence = evidence
        self._citations: dict[int, _Citation] = {}  # by the seq of the entry
        query = Query(terms=(Term("action", (_ERASED, _PRUNED)),), as_of=evidence.checkpoint.size)
        for seq, body in _bodies(evidence, log.seqs(query, viewer=viewer)):
            id_ = evidence.identities([body.target])[0].id or ""
            kind, digest = ("erasure", id_.partition("-")[2]) if body.action == _ERASED else ("removal", id_)
            if body.outcome == "success":
                self._citations[seq] = _Citation(kind, digest, evidence.manifest(kind, digest))

    def erasures(self, tokens: set[str]) -> set[int]:
        """The seqs of the entries that erased these tokens."""
        erased = self._listed("erasure", "tokens")
        return {seq for seq, gone in erased.items() if not tokens.isdisjoint(gone)}

    def removals(self, seqs: set[int]) -> set[int]:
        """The seqs of the entries that removed these bodies."""
        removed = self._listed("removal", "seqs")
        return {
            seq
            for seq, runs in removed.items()
            if any(low <= gone <= high for low, high in runs for gone in seqs)
        }

    def lists(self, shown: set[int], *, redacted: bool) -> dict[str, bytes]:
        """The manifests that shown entries cite, by their name in the bundle."""
        return {
            f"{cited.kind}s/{cited.digest}.json": cited.content
            for seq, cited in sorted(self._citations.items())
            if seq in shown and not (redacted and cited.kind == "erasure")
        }

    def _listed(self, kind: str, member: str) -> dict[int, Any]:
        """What each list of a kind has in a member, by the seq of the entry that cites it."""
        cited = {seq: citation for seq, citation in self._citations.items() if citation.kind == kind}
        return {seq: msgspec.json.decode(citation.content)[member] for seq, citation in cited.items()}


def _bodies(evidence: Evidence, seqs: Sequence[int]) -> Iterator[tuple[int, Body]]:
    return ((row.seq, decode_body(row.body)) for row in evidence.kept(seqs) if row.body is not None)


def _files(
    request: BundleRequest, cut: _Cut, evidence: Evidence, keys: BundleKeys, progress: Progress
) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Every file but the manifest, each as pieces."""
    folder = resources.files("trailbook.export")
    seqs = _seqs(request, cut)
    yield "checkpoint", [evidence.note]
    yield "keys", [(format_vkey(key) + "\n").encode() for key in keys.verifiers]
    yield "bodies.tsv", _lines(evidence, seqs, progress)
    yield "matching.json", [canonical_json(_runs(cut.matching))]
    rows = _identities(request, cut, evidence)
    if rows or not request.redacted:
        yield "identities.ndjson", rows
    yield from ((name, [content]) for name, content in cut.lists.items())
    yield from _tiles(evidence, seqs)
    for name in ("VERIFY.md", "trailbook_verify.py"):
        yield name, [(folder / name).read_bytes()]


def _seqs(request: BundleRequest, cut: _Cut) -> list[int]:
    """Every seq whose row is in the bundle, ascending; a closed one has the row before its range too."""
    seqs = {*cut.matching, *cut.witnesses}
    if request.kind == "closed" and cut.as_of:
        seqs |= set(range(max(cut.first - 1, 0), cut.as_of))
    return sorted(seqs)


def _lines(evidence: Evidence, seqs: Sequence[int], progress: Progress) -> Iterator[bytes]:
    for start in range(0, len(seqs), _LINES):
        rows = evidence.kept(seqs[start : start + _LINES])
        yield b"".join([_line(row) for row in rows])
        progress(min(start + _LINES, len(seqs)), len(seqs))


def _line(row: "StoredEntry") -> bytes:
    content = b"-\t" + (row.leaf or b"").hex().encode() if row.body is None else row.body
    return b"%d\t%s\n" % (row.seq, content)


def _identities(request: BundleRequest, cut: _Cut, evidence: Evidence) -> list[bytes]:
    """The rows that open the shown tokens, by token; redacted, only those that name removals."""
    if request.redacted:
        shown = [body for _, body in _bodies(evidence, sorted({*cut.matching, *cut.witnesses}))]
        wanted = {body.target for body in shown if body.action == _PRUNED}
    else:
        wanted = set(cut.shown)
        wanted |= {token for _, tokens in _filter_tokens(request, evidence) for token in tokens}
    opened = {i.token: i for i in evidence.identities(wanted) if i.id is not None}
    return [canonical_json(_row(opened[token])) + b"\n" for token in sorted(opened)]


def _row(identity: "Identity") -> dict[str, str]:
    members: dict[str, str | None] = {"type": identity.type, "token": identity.token}
    if identity.type == "origin":
        members |= {"ip": identity.id or None, "user_agent": identity.name}
    else:
        members |= {"id": identity.id, "name": identity.name}
    members["salt"] = (identity.salt or b"").hex()
    return {name: value for name, value in members.items() if value is not None}


def _tiles(evidence: Evidence, seqs: Sequence[int]) -> Iterator[tuple[str, Iterable[bytes]]]:
    """The tiles that bind these leaves to the root: theirs, those above them, and the right edge."""
    wanted, level, width = {seq // TILE for seq in seqs}, 0, evidence.checkpoint.size
    while width:
        if width % TILE:
            wanted.add(width // TILE)
        for index in sorted(wanted):
            content = evidence.tile(level, index)
            yield tile_path(level, index, len(content) // 32), [content]
        whole = width // TILE
        wanted, level, width = {index // TILE for index in wanted if index < whole}, level + 1, whole


def _manifest(log: Log, request: BundleRequest, cut: _Cut, evidence: Evidence) -> dict[str, object]:
    checkpoint, query = evidence.checkpoint, request.query
    members: dict[str, object] = {
        "as_of": cut.as_of,
        "count": len(cut.matching),
        "created_at": written(log.clock()),
        "filter": _filter(query, log.clock()),
        "filter_tokens": [list(pair) for pair in _filter_tokens(request, evidence)],
        "filter_words": in_words(
            query, lambda field, value: filter_label(log, field, value, request.lang), request.lang
        ),
        "kind": request.kind,
        "lang": request.lang,
        "org": log.org,
        "origin": checkpoint.origin,
        "redacted": request.redacted,
        "root": checkpoint.root.hex(),
        "size": checkpoint.size,
        "tz": query.tz,
        "v": 1,
        "witnesses": cut.witnesses,
    }
    if request.kind == "closed":
        members["range"] = [cut.first, cut.as_of]
    if cut.matching:
        members |= {"first_seq": cut.matching[0], "last_seq": cut.matching[-1]}
    return members


def _filter(query: Query, now: datetime) -> list[list[str]]:
    """The filter's pairs, dates as the instants that were used."""
    dated = ("date", "from", "to", "tz", "as_of")
    pairs = [[name, value] for name, value in to_params(query) if name not in dated]
    since, until = interval(query, now)
    pairs += [["from", written(instant(since))]] if since is not None else []
    return pairs + ([["to", written(instant(until))]] if until is not None else [])


def _filter_tokens(request: BundleRequest, evidence: Evidence) -> list[tuple[str, list[str]]]:
    """For each item that the filter names, the tokens it stands for."""
    values = sorted({v for term in request.query.terms if term.field in _ITEMS for v in term.values})
    return [(value, evidence.tokens_of(*value.split("/", 1))) for value in values]


def filter_label(log: Log, field: str, value: str, lang: str) -> str:
    """A value of a filter as a manifest says it."""
    kinds = {"category": "category", "action": "action", "outcome": "outcome", "origin": "interface"}
    if field in kinds and not value.endswith(".*"):
        return log.catalogue.label(kinds[field], value, lang)
    return log.catalogue.label("kind", value, lang) if field == "actor_kind" else value


def _runs(seqs: Iterable[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for seq in seqs:
        if runs and runs[-1][1] == seq - 1:
            runs[-1][1] = seq
        else:
            runs.append([seq, seq])
    return runs


def _write(archive: zipfile.ZipFile, name: str, pieces: Iterable[bytes]) -> str:
    """Write one file of the archive; the SHA-256 of its content."""
    digest = hashlib.sha256()
    with archive.open(name, "w", force_zip64=True) as file:
        for piece in pieces:
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()
