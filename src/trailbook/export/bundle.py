"""Bundles: a filter's entries with everything that an outside verifier needs, in one ZIP file.

Owns the files and the signed manifest. Refuses to be its own judge: the verifier that travels inside shares no code
with this. Written from docs/reference/format-bundle.md, version 2.
"""

import hashlib
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct, structs

from trailbook.access import Viewer
from trailbook.errors import NotCheckpointedError
from trailbook.export import trailbook_verify
from trailbook.export.cut import BundleFigures, BundleRequest, Cut, Tally, cut_of, figures_in_words
from trailbook.export.inspection import require_sound
from trailbook.log import Log
from trailbook.model import Progress, instant, microseconds, parse_instant, written
from trailbook.proofs import Evidence, Holdings
from trailbook.query import (
    FIELDS,
    HoursRule,
    Query,
    daily_span,
    hours_in_words,
    hours_rule,
    in_words,
    interval,
    offsets_between,
    to_params,
    unnamed,
    zone_data_version,
)
from trailbook.record import canonical_json
from trailbook.tree import (
    TILE,
    KeyRange,
    Note,
    SignerKey,
    format_note,
    format_range,
    key_id,
    parse_note,
    sign,
    tile_path,
    verifier_of,
)

if TYPE_CHECKING:
    from trailbook.proofs import Identity, StoredEntry

_LONG_AGO = "0001-01-01T00:00:00.000000Z"  # before every entry
_LINES = 1000  # hashed, packed and told to `progress` at once


class BundleKeys(Struct, frozen=True):
    """The log key that signs the manifest, and every key that verifies the log's heads, with the sizes it signs."""

    signer: SignerKey
    ranges: tuple[KeyRange, ...]


class _Parts(Struct, frozen=True):
    """What a bundle is written from."""

    request: BundleRequest
    cut: Cut
    evidence: Evidence
    ranges: Sequence[KeyRange]
    tally: Tally


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
) -> BundleFigures:
    """Write a bundle of what the filter finds below the last signed head, and check it; how much it holds.

    `out` is a file that has a name, by which the verifier that travels inside opens it. Raises: NotPermittedError, for
    a closed one also where any category is withheld; NotCheckpointedError; FilterInvalidError for a closed one with
    text or self, and for hours with days of the week; FiguresOfAPersonError; ExportFailedError when it does not hold.
    """
    evidence = log.evidence(viewer=viewer)
    bound = log.frozen(_bound(request.query, evidence), viewer=viewer)
    request = structs.replace(request, query=bound)
    size = evidence.checkpoint.size
    cut = cut_of(log, request, evidence.holdings, viewer=viewer, size=size)
    _require_ranges(evidence, keys)
    parts = _Parts(request, cut, evidence, keys.ranges, Tally(cut))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        digests: dict[str, str] = {}
        for name, pieces in _files(parts, lambda done, of: progress(done, 2 * of)):
            digests[name] = _write(archive, name, pieces)
        files = {name: digest for name, digest in digests.items() if not name.startswith("tile/")}
        text = canonical_json({**_manifest(log, parts), "files": files}).decode() + "\n"
        _write(archive, "manifest.note", [format_note(Note(text, (sign(text, keys.signer),)))])
    out.flush()
    require_sound(out.name, keys.ranges, lambda done, of: progress(of + done, 2 * of))
    return parts.tally.figures()


def _bound(query: Query, evidence: Evidence) -> Query:
    """The filter at the signed size. Raises: NotCheckpointedError."""
    size = evidence.checkpoint.size
    if query.as_of is not None and query.as_of > size:
        raise NotCheckpointedError(
            "the last signed head is older than this as_of; a running server signs within a second"
        )
    return structs.replace(query, as_of=size if query.as_of is None else query.as_of)


def _require_ranges(evidence: Evidence, keys: BundleKeys) -> None:
    """Let no bundle begin that its own verifier would refuse. Raises: NotCheckpointedError."""
    size, by_id = evidence.checkpoint.size, {key_id(range_.key): range_ for range_ in keys.ranges}
    signed = [by_id.get(signature.key_id) for signature in parse_note(evidence.note).signatures]
    ours = by_id.get(key_id(verifier_of(keys.signer)))
    if any(range_ and not range_.signs(size) for range_ in signed) or (ours and ours.is_over(size)):
        raise NotCheckpointedError(
            "the last head is signed by a key that another one had replaced; restart whatever signs with the old key"
        )


def _files(parts: _Parts, progress: Progress) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Every file but the manifest, each as pieces; the page comes after what it counts."""
    folder, cut, evidence = resources.files("trailbook.export"), parts.cut, parts.evidence
    yield "checkpoint", [evidence.note]
    yield "keys", [f"{format_range(range_)}\n".encode() for range_ in parts.ranges]
    yield "bodies.tsv", _lines(evidence.holdings, cut.seqs, parts.tally, progress)
    yield "matching.json", [canonical_json(_runs(cut.matching))]
    rows = [canonical_json(_row(cut.opened[token])) + b"\n" for token in sorted(cut.opened)]
    if rows or not parts.request.redacted:
        yield "identities.ndjson", rows
    yield from ((name, [content]) for name, content in cut.lists.items())
    yield from _tiles(evidence, cut.seqs)
    yield "VERIFY.md", [_page((folder / "VERIFY.md").read_text("utf-8"), parts.tally.figures())]
    yield "trailbook_verify.py", [(folder / "trailbook_verify.py").read_bytes()]


def _page(text: str, figures: BundleFigures) -> bytes:
    """How to check the bundle, what it holds first."""
    title, _, rest = text.partition("\n\n")
    words = figures_in_words(figures, "its")
    return f"{title}\n\nThis bundle is of the kind *{figures.kind}* and {words}.\n\n{rest}".encode()


def _lines(holdings: Holdings, seqs: Sequence[int], tally: Tally, progress: Progress) -> Iterator[bytes]:
    for start in range(0, len(seqs), _LINES):
        rows = list(holdings.kept(seqs[start : start + _LINES]))
        for row in rows:
            tally.take(row)
        yield b"".join(map(_line, rows))
        progress(min(start + _LINES, len(seqs)), len(seqs))


def _line(row: "StoredEntry") -> bytes:
    content = b"-\t" + (row.leaf or b"").hex().encode() if row.body is None else row.body
    return b"%d\t%s\n" % (row.seq, content)


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


def _manifest(log: Log, parts: _Parts) -> dict[str, object]:
    checkpoint, query, cut = parts.evidence.checkpoint, unnamed(parts.request.query), parts.cut
    figures, lang = parts.tally.figures(), parts.request.lang
    members: dict[str, object] = {
        "as_of": cut.as_of,
        "count": figures.count,
        "created_at": written(log.clock()),
        "filter": _filter(query, log.clock()),
        "filter_tokens": [list(pair) for pair in cut.filter_tokens],
        "filter_words": in_words(query, lambda field, value: filter_label(log, field, value, lang), lang),
        "held": figures.held,
        "kind": cut.kind,
        "lang": lang,
        "named_outside": figures.named_outside,
        "org": log.org,
        "origin": checkpoint.origin,
        "redacted": parts.request.redacted,
        "root": checkpoint.root.hex(),
        "size": checkpoint.size,
        "tz": query.tz,
        "v": 2,
        "witnesses": cut.witnesses,
    }
    if query.hours is not None:
        members |= _clocks(hours_rule(query.hours), parts.tally)
    if cut.kind == "closed":
        members["range"] = [cut.first, cut.as_of]
    if cut.matching:
        members |= {"first_seq": cut.matching[0], "last_seq": cut.matching[-1]}
    return members


def _clocks(rule: HoursRule, tally: Tally) -> dict[str, object]:
    """By which clocks the hours are taken: the zone, for `tz` is theirs here, and its offsets, between the bodies."""
    low, high = (microseconds(parse_instant(at)) for at in tally.times or (_LONG_AGO, _LONG_AGO))
    (_, first), *changes = offsets_between(rule.tz, low, high)
    offsets = [[_LONG_AGO, first], *([written(instant(at)), seconds] for at, seconds in changes)]
    return {"offsets": offsets, "tz": rule.tz, "tzdata": zone_data_version()}


def _filter(query: Query, now: datetime) -> list[list[str]]:
    """The filter's pairs, dates as the instants that were used, hours as the span of a day that they are."""
    elsewhere = ("date", "from", "to", "tz", "as_of", "hours")
    pairs = [[name, value] for name, value in to_params(query) if name not in elsewhere]
    if query.hours is not None and (span := daily_span(hours_rule(query.hours))) is not None:
        pairs.append(["hours", span])
    since, until = interval(query, now)
    pairs += [["from", written(instant(since))]] if since is not None else []
    return pairs + ([["to", written(instant(until))]] if until is not None else [])


def filter_label(log: Log, field: str, value: str, lang: str) -> str:
    """A value of a filter as a manifest says it."""
    if field == "hours":
        return hours_in_words(hours_rule(value, log.working_hours()), lang)
    label = FIELDS[field].label if field in FIELDS else None
    return log.catalogue.label(label, value, lang) if label and not value.endswith(".*") else value


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
