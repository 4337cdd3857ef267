"""Bundles of version 2, made from the written format beside `bundles`: ranges of keys, counts, hours, newer erasures.

Owns what version 2 has besides, and the golden log. Refuses to use the exporter, and to write version 1 otherwise than
`bundles` does: whatever is not named in section 12 of the format is taken from there.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import bundles

from trailbook.record.canonical import canonical_json
from trailbook.tree.checkpoint import (
    COSIGNATURE,
    ED25519,
    Note,
    SignerKey,
    format_note,
    format_vkey,
    key_id,
    sign,
    verifier_of,
)

V1_FILES, V1_MANIFEST = (
    bundles.files,
    bundles.manifest,
)  # as they are before a test puts those of version 2 there
BEGIN = "0001-01-01T00:00:00.000000Z"
OLD_KEYS = (
    SignerKey(bundles.ORIGIN, ED25519, bytes([5]) * 32),
    SignerKey(bundles.ORIGIN, COSIGNATURE, bytes([6]) * 32),
)
GOLDEN, ROTATED, GOLDEN_SIZE = Path(__file__).parents[1] / "golden" / "bundle-v2.zip", 9, 40


def key_lines(keys: Iterable[SignerKey], first: int = 0, after: int | None = None) -> bytes:
    """The lines of these keys, which sign the sizes first <= size < after."""
    end = "" if after is None else f" {after}"
    return "".join(f"{format_vkey(verifier_of(key))} {first}{end}\n" for key in keys).encode()


def files(cut: bundles.Cut) -> dict[str, bytes]:
    """Every file of the bundle but its manifest; its keys sign every size."""
    held, named = counts(cut).values()
    first = f"This bundle holds {held:,} entries; {named:,} outside its filter can be read by name."
    title, _, rest = (bundles.PACKAGE / "VERIFY.md").read_text("utf-8").partition("\n\n")
    page = f"{title}\n\n{first}\n\n{rest}".encode()
    return {**V1_FILES(cut), "keys": key_lines(cut.keys), "VERIFY.md": page}


def manifest(cut: bundles.Cut, made: dict[str, bytes]) -> bytes:
    """The signed manifest of these files."""
    old = json.loads(V1_MANIFEST(replace(cut, manifest={}), made).rpartition(b"\n\n")[0])
    text = canonical_json({**old, "v": 2, **counts(cut), **cut.manifest}).decode() + "\n"
    return format_note(Note(text, (sign(text, cut.keys[0]),)))


def counts(cut: bundles.Cut) -> dict[str, int]:
    """How many bodies an honest bundle holds, and how many outside the filter name what it has an identity of."""
    kept = [seq for seq in cut.seqs() if seq not in cut.removed]
    opened = set(bundles.cited(cut))
    outside = [seq for seq in kept if seq not in set(cut.matching) and opened & names_in(cut.log.bodies[seq])]
    return {"held": len(kept), "named_outside": len(outside)}


def names_in(raw: bytes) -> set[str]:
    """The tokens by which an entry says who and what it is about."""
    body = json.loads(raw)
    concerned = (concern["item"] for concern in body.get("concerns", ()))
    return {body["actor"]["item"], body["target"], body.get("on_behalf_of", ""), *concerned} - {""}


def signed(cut: bundles.Cut, made: dict[str, bytes] | None = None) -> dict[str, bytes]:
    """All files of a bundle, the manifest made for what they are now."""
    made = files(cut) if made is None else made
    return {"manifest.note": manifest(cut, made), **made}


def offsets(zone: str, first: datetime, last: datetime) -> list[list[Any]]:
    """The offsets of a zone from before `first` to after `last`, each change found by halving."""
    place = ZoneInfo(zone)

    def at(when: datetime) -> int:
        offset = when.astimezone(place).utcoffset()
        assert offset is not None
        return int(offset.total_seconds())

    pairs: list[list[Any]] = [[BEGIN, at(first)]]
    when, week = first, timedelta(days=7)
    while when < last:
        low, high = when, when + week
        if at(low) != at(high):
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                middle = middle.replace(microsecond=0)
                low, high = (middle, high) if at(middle) == at(when) else (low, middle)
            pairs.append([bundles.written(high), at(high)])
        when += week
    return pairs


def erase(log: bundles.Log, number: int, *names: str) -> None:
    """Erase items with a manifest of version 2, whose list of stubs stays here."""
    tokens = sorted(log.tokens[name] for name in names)
    stubs = [[log.tokens[name], name.partition("/")[0]] for name in sorted(names, key=log.tokens.__getitem__)]
    secret = hashlib.sha256(b"stubs").digest()[:16]
    digest = hashlib.sha256(b"trailbook/stubs/v1\0" + secret + canonical_json(stubs)).hexdigest()
    cite(log, number, canonical_json({"item": number, "stubs": digest, "tokens": tokens, "v": 2}), names[0])
    log.gone |= set(tokens)
    for gone in tokens:
        del log.rows[gone]


def cite(log: bundles.Log, number: int, content: bytes, whom: str) -> None:
    """Record that a list of erased tokens, as these bytes, is that of an item."""
    digest = hashlib.sha256(content).hexdigest()
    log.lists[f"erasures/{digest}.json"] = content
    target = log.item(type="erasure", id=f"{number}-{digest}")
    subject = [{"item": log.tokens[whom], "part": "subject"}]
    log.add("activity_log.erased", **bundles.operator(log), target=target, concerns=subject)


def rotate(log: bundles.Log, key: SignerKey) -> None:
    """Record that a key signs from now on."""
    target = log.item(type="key", id=key_id(verifier_of(key)).hex())
    log.add("activity_log.key_rotated", **bundles.operator(log), target=target)


def golden_log() -> bundles.Log:
    """Forty entries: keys replaced, bodies removed, and two people erased, one with a list of each version."""
    log = bundles.Log()
    for seq in range(GOLDEN_SIZE):
        if seq == ROTATED:
            rotate(log, bundles.KEYS[0])
        elif seq == 30:
            bundles.erase(log, "user/u-7", "origin/192.0.2.7")
        elif seq == 31:
            erase(log, 18, "user/u-6", "origin/192.0.2.6")
        elif seq == 32:
            bundles.prune(log, [[22, 23]])
        else:
            bundles.entry(log, seq if seq < 30 else 8 * seq + 1)
    return log


def golden_cut() -> bundles.Cut:
    """What was done until sixteen past nine and from half past nine on by Oslo's clocks, with all in its range."""
    log = golden_log()
    since = ["from", bundles.written(bundles.START + timedelta(minutes=8))]
    hours = [["hours", "09:30-23:59"], ["hours", "08:59-09:16"], since]
    matching = [*range(8, 16), *range(30, GOLDEN_SIZE)]
    spring = offsets("Europe/Oslo", datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 5, tzinfo=UTC))
    cut = bundles.Cut(
        log, "closed", matching, [], (3, GOLDEN_SIZE), hours, [], frozenset({22, 23}), GOLDEN_SIZE
    )
    words = "Between 08:59 and 09:16 or between 09:30 and 23:59, from 2 March 2026, 09:08"
    return replace(cut, manifest={"filter_words": words, "offsets": spring, "tzdata": "2025b"})


def golden_files() -> dict[str, bytes]:
    """Every file of the golden bundle, its two pages as they are today."""
    cut = golden_cut()
    old = key_lines(OLD_KEYS, 0, ROTATED + 2).splitlines(keepends=True)
    new = key_lines(bundles.KEYS, ROTATED + 1).splitlines(keepends=True)
    return signed(cut, {**files(cut), "keys": old[0] + new[0] + old[1] + new[1]})


def write_golden(path: Path) -> None:
    """The golden bundle as a file."""
    with zipfile.ZipFile(path, "w") as out:
        for name, content in golden_files().items():
            out.writestr(zipfile.ZipInfo(name, (2026, 11, 30, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
