#!/usr/bin/env python3
"""Check a Trailbook bundle, proof or checkpoint with the standard library of Python 3.9 or later alone; see VERIFY.md.

Owns a second reading of the written formats (format-bundle.md, format-tree.md, RFC 8032, RFC 9162), sharing no code
with the package that it checks; ML-DSA keys alone need the package `cryptography`. Refuses to repair or to guess: every
fault is named with its place.
"""

# Laid out by hand, so that it can be read in one sitting.
# fmt: off
from __future__ import annotations

import argparse
import base64
import bisect
import hashlib
import importlib
import io
import json
import re
import struct
import sys
import time as clock
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

NOTE_LIMIT, MOST_SIGNATURES, MOST_HASHES, PROOF = 1_000_000, 100, 63, b"c2sp.org/tlog-proof@v1\n"
LOG_KEY, COSIGNING_KEY, ML_DSA_KEY = 1, 4, 6  # signature types
KEY_BYTES = {LOG_KEY: 32, COSIGNING_KEY: 32, ML_DSA_KEY: 1312}
UNKNOWN, NO_END = -1, 1 << 64  # where a key's range of sizes begins and ends, if nobody says
EPOCH, AHEAD = datetime.fromisoformat("1970-01-01"), timedelta(minutes=5)  # `occurred_at` after `recorded_at`
def some(of: str) -> str:
    return rf"\[(?:{of}(?:,{of})*)?\]"
SLUG, TOKEN, HEX, TEXT = r"[a-z][a-z0-9_]{0,63}", r"[A-Za-z0-9_-]{32}", "[0-9a-f]", r'"(?:[^"\\]|\\.)*"'
NAME = r"[^+\s\0-\x1f\ud800-\udfff]+"  # of a key
NUMBER, DAY = r"(?:0|[1-9][0-9]{0,18})", r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
UUID = f"{HEX}{{8}}-{HEX}{{4}}-{HEX}{{4}}-{HEX}{{4}}-{HEX}{{12}}"
INSTANT = DAY + r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z"
CONCERN, SALTED = rf'\{{"item":"{TOKEN}","part":"{SLUG}"\}}', rf'"salt":"{HEX}{{32}}","token":"{TOKEN}","type":'
RUNS, TOKENS, KINDS = some(rf"\[{NUMBER},{NUMBER}\]"), some(f'"{TOKEN}"'), "person|integration|system"
INTERFACES, OUTCOMES = "web|mobile|api|cli|job|import|database", "success|failure|denied"
FILTER, NAMED, SEQS = some(rf"\[{TEXT},{TEXT}\]"), some(rf"\[{TEXT},{TOKENS}\]"), some(NUMBER)
OFFSETS, HOUR = some(rf'\["{INSTANT}",-?[0-9]{{1,5}}\]'), "((?:[01][0-9]|2[0-3]):[0-5][0-9])"
# What is written in canonical JSON, members in their one order: nothing else is of the closed sets.
BODY = (
    rf'\{{"action":"(?=[^"]{{3,64}}")(({SLUG})\.{SLUG})","actor":\{{"item":"({TOKEN})","kind":"({KINDS})"\}},"category":"({SLUG})"'
    rf'(?:,"caused_by":"{UUID}")?(?:,"concerns":\[({CONCERN}(?:,{CONCERN})*)\])?(?:,"correlation":"{HEX}{{32}}")?'
    rf'(?:,"effective_at":"({DAY})")?(?:,"fields":\[("{SLUG}"(?:,"{SLUG}")*)\])?,"id":"{UUID}"'
    rf',"occurred_at":"({INSTANT})"(?:,"on_behalf_of":"({TOKEN})")?,"origin":\{{"interface":"({INTERFACES})"'
    rf'(?:,"item":"({TOKEN})")?\}},"outcome":"({OUTCOMES})"(?:,"purpose":"{SLUG}")?,"recorded_at":"({INSTANT})"'
    rf',"source":"({TOKEN})","target":"({TOKEN})","v":1\}}'
)
ACTION, ENTITY, ACTOR, KIND, CATEGORY, CONCERNS, EFFECTIVE, FIELDS = range(8)  # its groups
OCCURRED, BEHALF, INTERFACE, ORIGIN, OUTCOME, RECORDED, SOURCE, TARGET = range(8, 16)
def manifest_form(version: int, held: str = "", named: str = "", tzdata: str = "") -> str:
    return (
        rf'\{{"as_of":{NUMBER},"count":{NUMBER},"created_at":"{INSTANT}","files":\{{(?:"[^"]+":"{HEX}{{64}}",?)*\}}'
        rf',"filter":{FILTER},"filter_tokens":{NAMED},"filter_words":{TEXT}(?:,"first_seq":{NUMBER})?{held}'
        rf',"kind":"(?:inclusion|closed)","lang":{TEXT}(?:,"last_seq":{NUMBER})?{named},"org":{TEXT},"origin":{TEXT}'
        rf'(?:,"range":\[{NUMBER},{NUMBER}\])?,"redacted":(?:true|false),"root":"{HEX}{{64}}","size":{NUMBER}'
        rf',"tz":{TEXT}{tzdata},"v":{version},"witnesses":{SEQS}\}}'
    )
NAMED_OUTSIDE = rf',"named_outside":{NUMBER}(?:,"offsets":{OFFSETS})?'
MANIFEST = manifest_form(1) + "|" + manifest_form(2, f',"held":{NUMBER}', NAMED_OUTSIDE, f'(?:,"tzdata":{TEXT})?')
ROW = rf'\{{(?:"id":{TEXT},(?:"name":{TEXT},)?{SALTED}"(?!origin"){SLUG}"|(?:"ip":{TEXT},)?{SALTED}"origin"'
ROW += rf'(?:,"user_agent":{TEXT})?)\}}'
REMOVAL = rf'\{{"before":"{INSTANT}","class":"{SLUG}","seqs":{RUNS},"v":1\}}'
ERASURE = rf'\{{"item":{NUMBER},"tokens":{TOKENS},"v":1\}}'
ERASURES = rf'{ERASURE}|\{{"item":{NUMBER},"stubs":"{HEX}{{64}}","tokens":{TOKENS},"v":2\}}'
LISTED = {"erasure": ("", ERASURE, ERASURES), "removal": ("", REMOVAL, REMOVAL)}  # by the version of the bundle
TILE = re.compile(r"tile/(0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/[1-9][0-9]{0,2})?")
CITED, PART = re.compile(rf"(?:erasure|removal)s/{HEX}{{64}}\.json"), re.compile(rb'"item":"([^"]*)","part":"([^"]*)"')
LIMITS = {"bodies.tsv": 1 << 42, "identities.ndjson": 1 << 36, "matching.json": 1 << 28}
LIMITS.update(dict.fromkeys("manifest.note checkpoint keys VERIFY.md trailbook_verify.py".split(), NOTE_LIMIT))
BY_VALUE = {"action": (ACTION, ENTITY), "actor_kind": (KIND,), "category": (CATEGORY,), "origin": (INTERFACE,)}
BY_TOKEN = {"actor": (ACTOR,), "by_or_about": (ACTOR, TARGET, CONCERNS), "concerns": (TARGET, CONCERNS)}
BY_VALUE["outcome"], BY_TOKEN["source"], BY_TOKEN["target"] = (OUTCOME,), (SOURCE,), (TARGET,)
canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
Entry = tuple[bytes, ...]  # the groups of BODY; one that is absent is None
Key = tuple[str, bytes, int, bytes, int, int]  # name, key id, type, public key, signs heads from size, to below
Tile = tuple[int, int]  # level, index
Point = tuple[int, int, int, int]
class BrokenError(Exception):
    """Something does not hold; told as a finding by whoever knows its place. An OSError: nothing to read."""

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
def add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P
def multiply(number: int, point: Point) -> Point:
    product = (0, 1, 1, 0)
    while number:
        product = add(product, point) if number & 1 else product
        point, number = add(point, point), number >> 1
    return product
def point_of(raw: bytes) -> Point:
    y, sign = int.from_bytes(raw, "little") & ((1 << 255) - 1), raw[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x * pow(2, (P - 1) // 4, P) % P if (x * x - square) % P else x
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        raise BrokenError("has a public key that is no point of the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P
def check_ed25519(public: bytes, message: bytes, signature: bytes) -> None:
    """Raises BrokenError unless [S]B - [k]A, encoded, is the signature's R."""
    s, base = int.from_bytes(signature[32:], "little"), point_of(bytes([0x58]) + bytes([0x66]) * 31)
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    x, y, z, t = point_of(public)
    x, y, z, t = add(multiply(s % L, base), multiply(k, (P - x, y, z, P - t)))
    encoded = y * pow(z, P - 2, P) % P | (x * pow(z, P - 2, P) % P & 1) << 255
    if len(signature) != 64 or s >= L or encoded != int.from_bytes(signature[:32], "little"):
        raise BrokenError("has a signature that does not hold")
def check_ml_dsa(public: bytes, message: bytes, signature: bytes) -> None:
    """Raises BrokenError unless an ML-DSA-44 signature holds; OSError where its package is not there."""
    try:
        ml_dsa = importlib.import_module("cryptography.hazmat.primitives.asymmetric.mldsa")
        key = ml_dsa.MLDSA44PublicKey.from_public_bytes(public)
    except Exception as error:  # noqa: BLE001 - not there, or built without it, which has an error of its own
        raise OSError(f"an ML-DSA key needs the Python package cryptography, 48 or later: {error}") from None
    try:
        key.verify(signature, message)
    except Exception:  # noqa: BLE001 - whatever it raises, this signature was not accepted
        raise BrokenError("has a signature that does not hold") from None

def base64_of(text: str) -> bytes:
    raw = base64.b64decode(text) if re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", text) and len(text) % 4 == 0 else b""
    if not raw or base64.b64encode(raw).decode() != text:
        raise BrokenError("has base64 that is not in its canonical form")
    return raw
def number_of(text: str) -> int:
    if not re.fullmatch(NUMBER, text) or int(text) > 1 << 63:
        raise BrokenError(f"has {text[:40]!r} for a number: digits without leading zeros, 2^63 at most")
    return int(text)
def hash_of(text: str) -> bytes:
    if len(raw := base64_of(text)) != 32:
        raise BrokenError(f"has {text[:60]!r} for a hash of 32 bytes")
    return raw
def keys_of(text: str) -> list[Key]:
    keys, form = [], re.compile(rf"({NAME})\+({HEX}{{8}})\+([^ ]+)(?: ({NUMBER})(?: ({NUMBER}))?)?").fullmatch
    for line in filter(None, text.split("\n")):
        match = form(line)
        name, typed = (match[1], base64_of(match[3])) if match else ("", b"\0")
        first, after = (int(match[4] or UNKNOWN), int(match[5] or NO_END)) if match else (0, 0)
        key = (name, hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4], typed[0], typed[1:], first, after)
        if not match or key[1].hex() != match[2] or KEY_BYTES.get(typed[0]) != len(typed) - 1 or first >= after:
            raise BrokenError(f"has {line[:80]!r}, which is not a verifier key: name+keyid+base64, with sizes after it")
        keys.append(key)
    return keys
def time_signed(key: Key, text: str, signature: bytes) -> int:
    """When a key says that it signed a note, in seconds since 1970; 0 of a type without a time. Raises: BrokenError."""
    if key[2] == LOG_KEY:
        check_ed25519(key[3], text.encode(), signature)
        return 0
    (origin, size, root), time = checkpoint_of(text[:-1].split("\n")), int.from_bytes(signature[:8], "big")
    if time >= 1 << 63:
        raise BrokenError(f"has a time of {key[0]} beyond all time")
    if key[2] == COSIGNING_KEY:
        check_ed25519(key[3], f"cosignature/v1\ntime {time}\n{text}".encode(), signature[8:])
        return time
    cosigner, log = key[0].encode(), origin.encode()
    if max(len(cosigner), len(log)) > 255:
        raise BrokenError("is cosigned by ML-DSA, with a name of more than 255 bytes")
    message = b"subtree/v1\n\0%c%b%b%c%b" % (len(cosigner), cosigner, signature[:8], len(log), log)
    check_ml_dsa(key[3], message + struct.pack(">QQ", 0, size) + root, signature[8:])
    return time
def note_of(raw: bytes, keys: list[Key], origin: str | None = None) -> tuple[list[str], dict[Key, int]]:
    """The lines of a note that a key named as its origin signed; who signed it, and when. Raises: BrokenError."""
    whole = raw.decode("utf-8", "surrogateescape")
    text, blank, ending = whole.rpartition("\n\n")
    lines, text, form = ending.split("\n"), text + "\n", re.compile(rf"\u2014 ({NAME}) ([^ ]+)").fullmatch
    if len(raw) > NOTE_LIMIT or not blank or lines.pop() or re.search("[\0-\t\v-\x1f\ud800-\udfff]", whole):
        raise BrokenError("is not a signed note")
    if len(lines) > MOST_SIGNATURES or len(set(lines)) < len(lines):
        raise BrokenError(f"has more than {MOST_SIGNATURES} signature lines, or one twice")
    by_id: dict[tuple[str, bytes], Key] = {key[:2]: key for key in keys}
    if any(by_id[key[:2]][:4] != key[:4] for key in keys):
        raise BrokenError("cannot be checked by keys of which two have the same name and key id")
    signed: dict[Key, int] = {}
    for line in lines:
        match = form(line)
        signature = base64_of(match[2]) if match else b""
        key = by_id.get((match[1], signature[:4])) if match else None
        if len(signature) < 5 or key in signed:
            raise BrokenError("has a malformed signature line, or two of one key")
        if key:
            signed[key] = time_signed(key, text, signature[4:])
    origin = text.partition("\n")[0] if origin is None else origin
    if not any((key[0], key[2]) == (origin, LOG_KEY) for key in signed):
        raise BrokenError(f"is not signed by a known key of the log, named {origin}")
    return text[:-1].split("\n"), signed
def checkpoint_of(lines: list[str]) -> tuple[str, int, bytes]:
    if len(lines) < 3 or not all(lines):
        raise BrokenError("is not a checkpoint: origin, size and root")
    return lines[0], number_of(lines[1]), hash_of(lines[2])
def head_of(raw: bytes, keys: list[Key], policy: Policy) -> tuple[tuple[str, int, bytes], dict[Key, int]]:
    """A head that the log signed, and when which key did. Raises: BrokenError."""
    lines, signed = note_of(raw, [*keys, *policy.witnesses.values()])
    head = checkpoint_of(lines)
    if not all(first <= head[1] < after for *_, first, after in signed):
        raise BrokenError(f"is signed by a key that does not sign heads of size {head[1]}")
    times = {key: time for key, time in signed.items() if key[2] != LOG_KEY}
    if any(key[0] == head[0] and key[2] != LOG_KEY for key in keys) and not any(key[0] == head[0] for key in times):
        raise BrokenError("has no time that the log's second key signed")
    policy.check(head[0], keys, times)
    return head, times
def seq_of(proof: bytes, leaf: bytes, head: tuple[str, int, bytes]) -> int:
    """The place of these bytes under a head. Raises: BrokenError. Source: C2SP tlog-proof, RFC 9162 2.1.3.2."""
    form, text = r"(?:extra ([^\n]+)\n)?index ([^\n]+)((?:\n[^\n]+)*)", proof[len(PROOF) :].decode("latin-1")
    match = re.fullmatch(form, text)
    index = number_of(match[2]) if match else head[1]
    hashes = [hash_of(line) for line in match[3].split("\n")[1:]] if match else []
    if not match or index >= head[1] or len(hashes) > MOST_HASHES or (match[1] is not None and not base64_of(match[1])):
        raise BrokenError("is not an index below the size of its tree, and hashes")
    at, last, node = index, head[1] - 1, hashlib.sha256(b"\0" + leaf).digest()
    for beside in hashes:
        left = at & 1 or at == last
        node = hashlib.sha256(b"\1" + (beside + node if left else node + beside)).digest() if last else b""
        while left and at and not at & 1:
            at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
    if last or node != head[2]:
        raise BrokenError("does not lead from these bytes to the signed root")
    return index
class Policy:
    """Which logs and witnesses count, how many, and when they may have signed. Source: C2SP tlog-policy."""
    def __init__(self, text: bytes | None = None, earliest: int = 0, latest: int = 1 << 63) -> None:
        self.logs, self.witnesses, self.quorum = list[Key](), dict[str, Key](), "none" if text is None else None
        self.groups, self.earliest, self.latest = {"none": (0, list[str]())}, earliest, latest
        if text is None:
            return
        *lines, rest = text.decode("utf-8", "surrogateescape").split("\n")
        if len(text) > NOTE_LIMIT or rest or re.search("[\0-\x08\v-\x1f\x7f]", "".join(lines)):
            raise BrokenError("policy: is not lines of text that end in newlines")
        for number, line in enumerate(lines, 1):
            words = re.findall(r"[^ \t]+", line)
            if words and words[0][0] != "#" and not self.take(*words[:2], rest=words[2:]):
                raise BrokenError(f"policy: line {number} is not one that a policy has at this place")
        if self.quorum is None:
            raise BrokenError("policy: has no line for the quorum")
    def take(self, kind: str, name: str = "", *, rest: list[str]) -> bool:
        """Take in a line of the policy; whether it is right."""
        known, members = {*self.witnesses, *self.groups}, rest[1:]
        if kind == "log" and name and len(rest) < 2:
            self.logs += keys_of(name)
            return self.are_apart()
        if kind == "witness" and name not in known and 0 < len(rest) < 3:
            (self.witnesses[name],) = keys_of(rest[0])
            return self.witnesses[name][2] != LOG_KEY and self.are_apart()
        if kind == "group" and name not in known and members:
            words = {"any": 1, "all": len(members)}
            least = words[rest[0]] if rest[0] in words else number_of(rest[0])
            listed = [*members, *(member for _, others in self.groups.values() for member in others)]
            self.groups[name] = least, members
            return 1 <= least <= len(members) and len(set(listed)) == len(listed) and set(members) <= known - {"none"}
        if kind == "quorum" and name in known and not rest and self.quorum is None:
            self.quorum = name
            return True
        return False
    def are_apart(self) -> bool:
        """Whether nobody stands here twice: no key, and no log as a witness of itself."""
        publics = [key[3] for key in (*self.logs, *self.witnesses.values())]
        origins = {key[0] for key in self.logs}
        return len(set(publics)) == len(publics) and not any(key[0] in origins for key in self.witnesses.values())
    def check(self, origin: str, keys: list[Key], times: dict[Key, int]) -> None:
        """Raises BrokenError unless the log signed in time, enough witnesses did, and nobody later than is allowed."""
        own = {key[3] for key in keys if key[0] == origin}
        if any(key[0] == origin or key[3] in own for key in self.witnesses.values()):
            raise BrokenError("cannot be checked by a policy in which a key of the log is a witness")
        for key, time in times.items():
            if time > self.latest:
                raise BrokenError(f"was signed by {key[0]} at {utc(time)}, which is later than {utc(self.latest)}")
        last = max((time for key, time in times.items() if key[0] == origin), default=-1)
        if self.earliest and last < self.earliest:
            when = f"at {utc(last)}" if last >= 0 else "at no time that a key says"
            raise BrokenError(f"was signed by {origin} {when}, and not since {utc(self.earliest)}")
        cosigned = {name for name, key in self.witnesses.items() if times.get(key, 0) >= max(self.earliest, 1)}
        if not self.is_met(self.quorum or "none", cosigned):
            names = ", ".join(sorted(cosigned)) or "none"
            raise BrokenError(f"has not the witnesses that the policy asks for ({self.quorum}), but {names}")
    def is_met(self, name: str, cosigned: set[str]) -> bool:
        if name in self.witnesses:
            return name in cosigned
        least, members = self.groups[name]
        return sum(self.is_met(member, cosigned) for member in members) >= least
def utc(time: int) -> str:
    return f"{EPOCH + timedelta(seconds=min(time, 1 << 37))} UTC"
def seconds_of(text: str) -> int:
    """A span of time such as 90s, 30m, 12h or 7d. Raises: ValueError."""
    if not re.fullmatch("[1-9][0-9]{0,8}[smhd]", text):
        raise ValueError
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[text[-1]]
def instant_of(text: str) -> int:
    """A day or an instant of UTC, in seconds since 1970. Raises: ValueError."""
    if not re.fullmatch(rf"{DAY}(?:T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}Z)?", text):
        raise ValueError
    return int((datetime.fromisoformat(text.rstrip("Z")) - EPOCH).total_seconds())
def tile_root(hashes: bytes) -> bytes:
    """The root over the joined hashes of a tile. Source: RFC 9162 section 2.1.1."""
    sha256, row = hashlib.sha256, [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
    while len(row) > 1:
        odd = row[-1:] if len(row) & 1 else []
        row = [sha256(b"\1" + left + right).digest() for left, right in zip(row[::2], row[1::2])] + odd  # noqa: B905
    return row[0]
def edge_of(size: int) -> list[Tile]:
    return [(level, size >> 8 * level + 8) for level in range(8) if size >> 8 * level & 255]
def root_at(tiles: dict[Tile, bytes], size: int) -> bytes | None:
    """The root of the first `size` leaves, or None when a tile that it takes is not there."""
    root = b"" if size else hashlib.sha256(b"").digest()
    for level, index in edge_of(size):
        width = 32 * (size >> 8 * level & 255)
        if len(tiles.get((level, index), b"")) < width:
            return None
        root = tile_root(tiles[level, index][:width] + root)
    return root
def tile_name(tile: Tile, size: int) -> str:
    width, index = (size >> 8 * tile[0]) - 256 * tile[1], tile[1]
    path = "".join(f"x{index // 1000**n % 1000:03}/" for n in range(6, 0, -1) if index >= 1000**n)
    return f"tile/{tile[0]}/{path}{index % 1000:03}" + (f".p/{width}" if width < 256 else "")
def merged(runs: Iterable[Iterable[int]]) -> list[list[int]]:
    joined: list[list[int]] = []
    for first, last in sorted(map(list, runs)):
        if joined and first <= joined[-1][1] + 1:
            joined[-1][1] = max(joined[-1][1], last)
        else:
            joined.append([first, last])
    return joined
def within(runs: list[list[int]], seq: int) -> bool:
    at = bisect.bisect_right(runs, [seq, 1 << 64]) - 1
    return at >= 0 and seq <= runs[at][1]
def json_of(raw: bytes, form: str) -> Any:
    """Canonical JSON of a form: one spelling, no repeated keys. Raises: BrokenError."""
    try:
        value, text = json.loads(raw), raw.decode()
        if canonical(value) == text and re.fullmatch(form, text):
            return value
    except (ValueError, RecursionError):
        pass
    raise BrokenError("is not canonical JSON of its form")
def concerned(entry: Entry) -> list[bytes]:
    return [item for item, _ in PART.findall(entry[CONCERNS])] if entry[CONCERNS] else []
def moment(text: bytes) -> datetime:
    return datetime.fromisoformat(text[:-1].decode())
def body_fault(entry: Entry, latest: bytes) -> str | None:
    """What the form of a body cannot say: days that exist, order, repeats, and when it was recorded."""
    try:
        ahead = moment(entry[OCCURRED]) - moment(entry[RECORDED])
        date.fromisoformat((entry[EFFECTIVE] or b"2000-01-01").decode())
    except ValueError:
        return "has a day that does not exist"
    if ahead > AHEAD or entry[RECORDED] < latest:
        return "was recorded before the entry before it, or more than 5 minutes before it occurred"
    parts = [pair[::-1] for pair in PART.findall(entry[CONCERNS])] if entry[CONCERNS] else []
    fields = entry[FIELDS].split(b",") if entry[FIELDS] else []
    unordered = parts != sorted(set(parts)) or fields != sorted(set(fields))
    return "has concerns or fields out of order or twice" if unordered else None
def minute_of(manifest: dict[str, Any]) -> Callable[[Entry], int]:
    """The minute of the local day on which an entry occurred, by the offsets of the manifest. Raises: BrokenError."""
    offsets: list[tuple[str, int]] = manifest.get("offsets", [])
    instants = [at.encode() for at, _ in offsets]
    right = instants == sorted(set(instants)) and instants[:1] == [b"0001-01-01T00:00:00.000000Z"]
    if not right or "tzdata" not in manifest or any(abs(seconds) >= 86_400 for _, seconds in offsets):
        raise BrokenError("has a filter hours, and no offsets of its zone from the first instant on, ascending")
    def minute(entry: Entry) -> int:
        at, seconds = entry[OCCURRED], offsets[bisect.bisect_right(instants, entry[OCCURRED]) - 1][1]
        return (int(at[11:13]) * 3600 + int(at[14:16]) * 60 + int(at[17:19]) + seconds) % 86_400 // 60
    return minute
def minutes_of(hours: str) -> set[int]:
    """The minutes of a day from a start to an end, past midnight where the end is the smaller. Raises: BrokenError."""
    match = re.fullmatch(f"{HOUR}-{HOUR}", hours)
    start, end = (int(text[:2]) * 60 + int(text[3:]) for text in match.groups()) if match else (0, 0)
    if start == end:
        raise BrokenError("has a filter hours that is not HH:MM-HH:MM, two times of a day")
    return set(range(start, end) if start < end else [*range(start, 1440), *range(end)])
def filter_of(manifest: dict[str, Any]) -> Callable[[Entry], bool]:
    """The filter as a test of an entry. Raises: BrokenError for one that cannot be applied."""
    tokens, bounds, closed = dict(manifest["filter_tokens"]), {"from": b"", "to": b"\xff"}, manifest["kind"] == "closed"
    terms, hours, new = dict[str, set[bytes]](), dict[str, set[int]](), manifest["v"] > 1
    for name, value in manifest["filter"]:
        plain = name[:-4] if name.endswith(".not") else name
        if (plain in BY_TOKEN and value in tokens) or plain in BY_VALUE:
            values = tokens[value] if plain in BY_TOKEN else [re.sub(r"[.][*]$", "", value)]
            terms.setdefault(name, set()).update(text.encode() for text in values)
        elif bounds.get(name) in (b"", b"\xff") and re.fullmatch(INSTANT, value):
            bounds[name] = value.encode()
        elif new and plain == "hours":
            hours.setdefault(name, set()).update(minutes_of(value))
        elif closed or not (name in ("text", "self") or (new and plain == "ip" and not value)):
            raise BrokenError(f"has a filter {name} that cannot be applied")
    if not hours and ("offsets" in manifest or "tzdata" in manifest):
        raise BrokenError("has offsets of a zone, and no filter that needs them")
    where, minute = {**BY_VALUE, **BY_TOKEN}, minute_of(manifest) if hours else None
    tests = [(where[name.split(".")[0]], wanted, name.endswith(".not")) for name, wanted in terms.items()]
    times = [(minutes, name.endswith(".not")) for name, minutes in hours.items()]
    def matches(entry: Entry) -> bool:
        for places, wanted, negated in tests:
            hit = any(entry[at] in wanted for at in places)
            if (hit or (CONCERNS in places and not wanted.isdisjoint(concerned(entry)))) is negated:
                return False
        if minute and any((minute(entry) in minutes) is negated for minutes, negated in times):
            return False
        return bounds["from"] <= entry[OCCURRED] < bounds["to"]
    return matches
def row_of(line: bytes) -> dict[str, str]:
    row: dict[str, str] = json_of(line[:-1] if line[-1:] == b"\n" else b"", ROW)
    opened = canonical({name: value for name, value in row.items() if name not in ("salt", "token")})
    commitment = hashlib.sha256(b"trailbook/item/v1\0" + bytes.fromhex(row["salt"]) + opened.encode()).digest()
    if base64.urlsafe_b64encode(commitment[:24]).decode() != row["token"]:
        raise BrokenError("has a token that is not the commitment to it")
    return row

class Bundle:
    """A bundle (format-bundle.md), a proof or a checkpoint, and what the steps of its check tell each other."""
    def __init__(self, path: str, keys: list[Key], policy: Policy, leaf: str | None = None) -> None:
        self.path, self.keys, self.zip, self.leaf, self.seq = path, keys, opened(path), leaf or path + ".leaf", -1
        self.policy = policy
        self.names = dict(self.zip.NameToInfo) if self.zip else {}
        self.findings, self.manifest, self.tiles = list[dict[str, Any]](), dict[str, Any](), dict[Tile, bytes]()
        self.head, self.times, self.removed = ("", 0, b""), dict[Key, int](), list[int]()
        self.places, self.need = dict[bytes, int](), dict[str, int]()  # leaf hash -> seq; token -> first seq citing it
        self.cites = list[tuple[int, str, str, set[str]]]()  # seq, erasure or removal, target, concerned
        self.rows, self.opened = list[bytes](), set[bytes]()  # the lines of identities, and the tokens in them
        self.held, self.named = 0, 0  # bodies here, and those that are not listed and cite a token with an identity

    def find(self, verdict: str, file: str, detail: str, seq: int | None = None, last: int | None = None) -> None:
        finding = {"verdict": verdict, "file": file, "detail": detail}
        before: dict[str, Any] = self.findings[-1] if self.findings else {"last": None}
        if seq is not None and before["last"] == seq - 1 and finding.items() <= before.items():
            before["last"] = seq if last is None else last
        else:
            self.findings.append({**finding, "seq": seq, "last": seq if last is None else last})
    def attempt(self, verdict: str, file: str, step: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return step(*arguments)
        except BrokenError as broken:
            self.find(verdict, file, str(broken))
            return None
    def lines(self, name: str, most: int = 1 << 20) -> Iterator[bytes]:
        """The lines of a file, cut at `most` bytes; its digest is compared at the end."""
        digest = hashlib.sha256()
        if self.zip is None or name not in self.names:
            return
        try:
            with io.BufferedReader(self.zip.open(name), 1 << 20) as reader:  # type: ignore[type-var]
                for line in iter(lambda: reader.readline(most), b""):
                    digest.update(line)
                    yield line
        except Exception as error:  # noqa: BLE001 - a damaged ZIP file raises anything
            raise OSError(f"{self.path}: {name} cannot be read: {error}") from None
        if self.manifest.get("files", {}).get(name, digest.hexdigest()) != digest.hexdigest():
            self.find("changed", name, "is not the file of which the manifest has the digest")
    def read(self, name: str) -> bytes:
        return b"".join(self.lines(name))
    def check(self) -> None:
        if self.zip is None:
            raw = read_file(self.path)
            proof, note = raw.split(b"\n\n", 1) if raw.startswith(PROOF) and b"\n\n" in raw else (b"", raw)
            head = self.attempt("unsigned", "checkpoint", head_of, note, self.keys, self.policy)
            self.head, self.times = head or (self.head, {})
            if proof and self.head[0]:
                self.seq = self.attempt("changed", "proof", seq_of, proof, read_file(self.leaf), self.head)
        elif self.check_manifest():
            self.check_tiles()
            if self.attempt("changed", "manifest.note", self.check_bodies):
                self.check_identities()
    def check_manifest(self) -> bool:
        """Keys, signatures, list of files and checkpoint; whether there is something to build on."""
        raw, own = self.read("manifest.note"), self.read("keys").decode("utf-8", "replace")
        own_keys = self.attempt("changed", "keys", keys_of, own) or []
        self.keys = self.keys or own_keys
        manifest = self.attempt("changed", "manifest.note", json_of, raw.rpartition(b"\n\n")[0], MANIFEST)
        ranges = {key[:4]: key for key in own_keys}
        self.keys = [ranges.get(key[:4], key) if key[4] == UNKNOWN else key for key in self.keys]
        origin = manifest["origin"] if manifest else ""
        note = self.attempt("unsigned", "manifest.note", note_of, raw, self.keys, origin)
        if not manifest:
            return False
        if any(key[5] <= manifest["size"] for key in (note[1] if note else ())):
            self.find("unsigned", "manifest.note", "is signed by a key that had been replaced at that size")
        if any((key[4] == UNKNOWN) is (manifest["v"] > 1) for key in own_keys):
            self.find("changed", "keys", "has keys without a range of sizes, or with one where v 1 has none")
        self.manifest, present = manifest, {name for name in self.names if not TILE.fullmatch(name)} - {"manifest.note"}
        needed = set(LIMITS) - {"manifest.note"} - ({"identities.ndjson"} if manifest["redacted"] else set())
        for name in sorted((present ^ set(manifest["files"])) | (needed - present)):
            self.find("inserted" if name in present else "missing", name, "is not in manifest and bundle both")
        for name in ("keys", "VERIFY.md", "trailbook_verify.py"):
            self.read(name)
        raw = self.read("checkpoint")
        head, self.times = self.attempt("unsigned", "checkpoint", head_of, raw, self.keys, self.policy) or (None, {})
        self.head = (manifest["origin"], manifest["size"], bytes.fromhex(manifest["root"]))
        if (head and head != self.head) or manifest["org"] not in manifest["origin"].split("/")[-2:]:
            self.find("changed", "checkpoint", "has not the origin, size and root of which the manifest speaks")
        return needed <= present
    def find_tile(self, verdict: str, tile: Tile, detail: str) -> None:
        first, after = (index << 8 * tile[0] + 8 for index in (tile[1], tile[1] + 1))
        self.find(verdict, tile_name(tile, self.head[1]), detail, first, min(after, self.head[1]) - 1)
    def check_tiles(self) -> None:
        size, tiles, edge = self.head[1], self.tiles, set(edge_of(self.head[1]))
        for name in self.names:
            if match := TILE.fullmatch(name):
                tile, content = (int(match[1]), int(re.sub("[x/]", "", match[2]))), self.read(name)
                if name != tile_name(tile, size) or (size >> 8 * tile[0]) <= 256 * tile[1]:
                    self.find("inserted", name, "is no tile of this tree")
                elif len(content) == 32 * min(256, (size >> 8 * tile[0]) - 256 * tile[1]):
                    tiles[tile] = content
        above = {tile: (tile[0] + 1, tile[1] >> 8) for tile in tiles if tile not in edge}
        for tile in sorted({*edge, *above.values()} - set(tiles)):
            self.find_tile("missing", tile, "is a tile that binds others to the root, and not here as a whole")
        slots = {tile: tiles.get(parent, b"")[32 * (tile[1] & 255) :][:32] for tile, parent in above.items()}
        wrong = {tile for tile, slot in slots.items() if slot and slot != tile_root(tiles[tile])}
        bad = set() if root_at(tiles, size) in (None, self.head[2]) else {above[tile] for tile in wrong} & edge or edge
        for tile in sorted(wrong, reverse=True):
            bad |= set() if above[tile] in bad else {tile}  # else the fault is the one above
        for tile in sorted(bad):
            self.find_tile("changed", tile, "is a tile that does not lead to the signed root")
    def seqs(self) -> tuple[list[list[int]], list[list[int]]]:
        """The seqs that match, and all that must be here. Raises: BrokenError when the manifest contradicts itself."""
        manifest, runs, size = self.manifest, json_of(self.read("matching.json"), RUNS), self.head[1]
        (first, after), witnesses = manifest.get("range", [0, manifest["as_of"]]), manifest["witnesses"]
        ends = (runs[0][0], runs[-1][1]) if runs else (None, None)
        right = first <= after == manifest["as_of"] <= size and ("range" in manifest) is (manifest["kind"] == "closed")
        right &= runs == merged(runs) and sum(last - low + 1 for low, last in runs if low <= last) == manifest["count"]
        right &= ends == (manifest.get("first_seq"), manifest.get("last_seq"))
        right &= not runs or first <= runs[0][0] <= runs[-1][1] < after
        if not right or witnesses != sorted(set(witnesses)) or any(seq >= size for seq in witnesses):
            raise BrokenError("contradicts itself, its list of matching entries or the tree")
        expected = [*runs, *([seq, seq] for seq in witnesses)]
        if manifest["kind"] == "closed" and after:  # with the entry before, which shows that none before it matches
            expected.append([max(first - 1, 0), after - 1])
        return runs, merged(expected)
    def ordered(self, expected: list[list[int]]) -> Iterator[tuple[int, bytes]]:
        """Seq and body of every line that must be here; every other line and every gap is a finding."""
        seqs, file = (seq for low, last in expected for seq in range(low, last + 1)), "bodies.tsv"
        want, form = next(seqs, None), re.compile(NUMBER.encode()).fullmatch
        for number, line in enumerate(self.lines(file, 65_535 + 22), 1):
            head, tab, body = line.partition(b"\t")
            if not tab or body[-1:] != b"\n" or not form(head):
                self.find("changed", file, f"line {number} is not a seq, a tab and a body")
                continue
            while want is not None and want < int(head) and within(expected, int(head)):
                self.find("missing", file, "its body is not here", want)
                want = next(seqs, None)
            if want == int(head):
                want = next(seqs, None)
                yield int(head), body[:-1]
            else:
                self.find("inserted", file, f"line {number} is no entry of this bundle, or not in order", int(head))
        for seq in [*([] if want is None else [want]), *seqs]:
            self.find("missing", file, "its body is not here", seq)
    def check_leaf(self, seq: int, leaf: bytes) -> bool:
        at, tile = 32 * (seq & 255), self.tiles.get((0, seq >> 8))
        if tile is None or tile[at : at + 32] == leaf:  # a tile that is not here was told
            return True
        if not self.places:
            tiles = [(256 * index, tile) for (level, index), tile in self.tiles.items() if level == 0]
            self.places = {tile[32 * n : 32 * n + 32]: low + n for low, tile in tiles for n in range(len(tile) // 32)}
        other = self.places.get(leaf)
        detail = "its body and its leaf in the tree differ" if other is None else f"has the body of entry {other}"
        self.find("changed" if other is None else "moved", "bodies.tsv", detail, seq)
        return False
    def check_bodies(self) -> bool:
        """Every body at its place in the tree, canonical, and matching or not as listed. Raises: BrokenError."""
        (matching, expected), matches, file = self.seqs(), filter_of(self.manifest), "bodies.tsv"
        first, after = self.manifest.get("range", [0, 0])  # of a closed bundle
        since, latest = dict(self.manifest["filter"]).get("from"), b""
        witnesses, sha256, form = (set(self.manifest["witnesses"]), hashlib.sha256, re.compile(BODY.encode()).fullmatch)
        self.rows = list(self.lines("identities.ndjson", 1 << 14))
        self.opened = {line.partition(b'"token":"')[2][:32] for line in self.rows}
        present = {index for level, index in self.tiles if level == 0}
        for index in sorted({n for low, last in expected for n in range(low >> 8, (last >> 8) + 1)} - present):
            self.find_tile("missing", (0, index), "is the tile of entries that belong here")
        for seq, raw in self.ordered(expected):
            listed = within(matching, seq)
            if raw[:2] == b"-\t" and re.fullmatch(rb"[0-9a-f]{64}", raw[2:]):
                if self.check_leaf(seq, bytes.fromhex(raw[2:].decode())):
                    self.removed.append(seq)
                if listed or seq in witnesses or not first <= seq < after:
                    self.find("missing", file, "its body is needed and was removed", seq)
                continue
            self.held += 1
            if not self.check_leaf(seq, sha256(b"\0" + raw).digest()):
                continue
            match = form(raw)
            entry: Entry = match.groups() if match else ()
            if fault := body_fault(entry, latest) if match else "is not a body in canonical form":
                self.find("changed", file, fault, seq)
                continue
            latest, hit = entry[RECORDED], matches(entry)
            if listed is not hit and (listed or first <= seq < after):
                detail = "is listed and does not match the filter" if listed else "matches the filter and is not listed"
                self.find("inserted" if listed else "missing", "matching.json", detail, seq)
            if not listed:
                items = (entry[ACTOR], entry[BEHALF], entry[TARGET], *concerned(entry))
                self.named += not self.opened.isdisjoint(items)
            if listed or seq in witnesses:
                self.show(seq, entry)
            if seq == first - 1 and (since is None or moment(since.encode()) - moment(latest) <= AHEAD):
                self.find("missing", file, "entries before the range could match too", 0, seq)
        return True
    def show(self, seq: int, entry: Entry) -> None:
        kind = {b"activity_log.erased": "erasure", b"activity_log.pruned": "removal"}.get(entry[ACTION])
        kind = kind if entry[OUTCOME] == b"success" else None
        cited = [entry[ACTOR], entry[TARGET], entry[SOURCE], entry[BEHALF], entry[ORIGIN], *concerned(entry)]
        tokens = [(token or b"").decode() for token in cited]
        if kind:
            self.cites.append((seq, kind, tokens[1], set(tokens[5:])))
        if self.manifest["redacted"]:
            tokens = tokens[1:2] if kind == "removal" else []
        for token in filter(None, tokens):
            self.need.setdefault(token, seq)
    def check_identities(self) -> None:
        """Each shown token has one identity, or was erased; and there is no other identity."""
        file, before, doubt = "identities.ndjson", "", bool(self.findings)  # what is changed may have cited anything
        values = {value: set(tokens) for value, tokens in self.manifest["filter_tokens"]}
        redacted, ids, seen = self.manifest["redacted"], dict[str, str](), dict[str, Any]()
        for number, line in enumerate(self.rows, 1):
            try:
                row = row_of(line)
            except BrokenError as broken:
                token = line.decode("latin-1").partition('"token":"')[2][:32]
                seen[token] = self.need.get(token)
                self.find("changed", file, f"line {number} {broken}", seen[token])
                continue
            token, seq, item = row["token"], self.need.get(row["token"]), f"{row['type']}/{row.get('id')}"
            expected = {item, f"{row['type']}/*"} & set(values) if "id" in row else set()
            named = {value for value, tokens in values.items() if token in tokens}
            if token <= before or (seq is None and not doubt and (redacted or not named)):
                self.find("inserted", file, f"line {number} is cited by no entry here, or not in order", seq)
            elif expected != named:
                self.find("changed", file, f"line {number} is not what the filter says that it is", seq)
            before, seen[token], ids[token] = max(before, token), seq, item
        gone = self.check_cited(ids)
        for token, at in sorted(self.need.items(), key=lambda pair: pair[1]):
            if token not in seen and token not in gone:
                self.find("missing", file, f"has no identity for {token}, which no entry here erased", at)
        for token in sorted(gone & set(seen)):
            self.find("unerased", file, f"has the identity of {token}, which was erased", seen[token])
        says = (self.manifest.get("held", self.held), self.manifest.get("named_outside", self.named))
        if not self.findings and says != (self.held, self.named):  # what is missing would have been counted
            detail = f"says that it holds {says[0]} bodies, {says[1]} of them readable by name outside the filter"
            self.find("changed", "manifest.note", f"{detail}, and there are {self.held} and {self.named}")
    def check_cited(self, ids: dict[str, str]) -> set[str]:
        """The tokens that entries here erased; each removed body must be in a list that an entry here cites."""
        gone, runs, used = set[str](), list[list[int]](), set[str]()
        for seq, kind, target, subjects in self.cites:
            if target not in ids:
                continue  # told as a missing identity, or not needed where the bundle is redacted
            number, _, digest = ids[target].partition("/")[2].rpartition("-")
            file = f"{kind}s/{digest}.json"
            raw = self.read(file)
            form = LISTED[kind][self.manifest["v"]]
            listing = (self.attempt("changed", file, json_of, raw, form) if raw else None) or {}
            used.add(file)
            tokens, seqs = listing.get("tokens", []), listing.get("seqs", [])
            if "stubs" in listing and tokens != sorted(set(tokens)):
                self.find("changed", file, "has its tokens out of order or twice", seq)
            if hashlib.sha256(raw).hexdigest() != digest or ids[target].partition("/")[0] != kind:
                self.find("changed" if raw else "missing", file, "is not the list that the entry cites", seq)
            elif (kind == "erasure") is not bool(tokens and subjects <= set(tokens) and str(listing["item"]) == number):
                self.find("changed", file, "does not say what its entry says", seq)
            else:
                gone |= set(tokens)
                runs += [[low, min(last, seq - 1)] for low, last in seqs if low < seq]
        for file in sorted(name for name in self.names if CITED.fullmatch(name) and name not in used):
            self.find("inserted", file, "is cited by no entry here")
        runs = merged(runs)
        for seq in (seq for seq in self.removed if not within(runs, seq)):
            self.find("missing", "bodies.tsv", "its body was removed, and no entry here says so", seq)
        return gone

def read_file(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(NOTE_LIMIT + 1)
def opened(path: str) -> zipfile.ZipFile | None:
    """A ZIP file with the names of a bundle, each once, none too large; None for a proof or checkpoint."""
    if not (begin := read_file(path)).startswith(b"PK"):
        if not begin:
            raise OSError(f"{path}: is empty: there is nothing to check")
        return None
    try:
        archive, seen = zipfile.ZipFile(path), set[str]()
    except Exception as error:  # noqa: BLE001 - a damaged ZIP file raises anything
        raise OSError(f"{path}: cannot be read: {error}") from None
    for member in archive.infolist():
        name = member.filename
        most = 8192 if TILE.fullmatch(name) else 1 << 28 if CITED.fullmatch(name) else LIMITS.get(name, -1)
        odd = member.orig_filename != name or member.flag_bits & 1 or member.compress_type not in (0, 8)
        if name in seen or odd or member.file_size > most:
            raise OSError(f"{path}: has a file {name[:80]!r} that no bundle has, or twice, too large or encrypted")
        seen.add(name)
    if not is_bare(path, archive):
        raise OSError(f"{path}: is a ZIP file with something between, before or behind its files, or said of them")
    if "manifest.note" not in seen:
        raise OSError(f"{path}: has no manifest.note")
    return archive
def is_bare(path: str, archive: zipfile.ZipFile) -> bool:
    """Whether a ZIP file holds its files and nothing else: no comment, gap or extra field, and each name as listed."""
    members = sorted(archive.infolist(), key=lambda member: member.header_offset)
    at, header, wide = 0, struct.Struct("<4s5H3L2H"), struct.Struct("<HHQQ")  # the extra field for sizes of 8 bytes
    with open(path, "rb") as file:
        for member in members:
            file.seek(at)
            mark, _, flags, method, *_, packed, size, names, more = header.unpack(file.read(30).ljust(30, b"\0"))
            name, extra, streamed = file.read(names), file.read(more), flags & 8
            sizes = (0, 0) if streamed else (member.compress_size, member.file_size)
            right = (mark, name, at) == (b"PK\3\4", member.filename.encode(), member.header_offset)
            right &= (flags, method) == (member.flag_bits, member.compress_type)
            right &= (packed, size) == ((0xFFFFFFFF, 0xFFFFFFFF) if extra else sizes)
            if not right or extra not in (b"", wide.pack(1, 16, *sizes[::-1])):
                return False
            at += 30 + names + more + member.compress_size
            file.seek(at)
            at += (24 if extra else 16) if streamed and file.read(4) == b"PK\7\10" else 0
        listed = sum(46 + len(member.filename) + len(member.extra) + len(member.comment) for member in members)
        extras = {member.extra[:2] for member in members if member.extra}  # in the list, too, only for sizes
        bare = extras <= {b"\1\0"} and not archive.comment and not any(member.comment for member in members)
        return bare and at == archive.start_dir and file.seek(0, 2) - at - listed in (22, 98)
def compare(mine: Bundle, other: Bundle) -> tuple[str, bool]:
    """Whether one tree begins with the other: what to say of them, and whether that is proved."""
    small, large = sorted((mine, other), key=lambda side: side.head[1])
    size, name = small.head[1], f"{mine.path} and {other.path}, at sizes {mine.head[1]} and {other.head[1]},"
    root = large.head[2] if size == large.head[1] else root_at(large.tiles, size)
    if small.head[0] != large.head[0] or root is None:
        return f"{name} cannot be compared: other origins (a restart?), or not the tiles that it takes.", False
    leaves = [{256 * n[1] + at: tile[32 * at : 32 * at + 32] for n, tile in side.tiles.items() if n[0] == 0
               for at in range(len(tile) // 32)} for side in (small, large)]
    for seq in sorted(seq for seq, leaf in leaves[0].items() if leaves[1].get(seq, leaf) != leaf):
        mine.find("changed", "bodies.tsv", f"differs from {other.path}", seq)
    if root != small.head[2]:
        mine.find("changed", "checkpoint", f"{name} are not of one history", 0, max(size - 1, 0))
    return f"{name} are of one history: nothing before seq {size} differs.", True
def sentences(bundle: Bundle, whose: str) -> tuple[list[str], list[str]]:
    manifest, size = bundle.manifest, bundle.head[1]
    proved = [f"The checkpoint of {bundle.head[0]} at size {size} is signed with a key that {whose}."]
    proved += [f"{key[0]} says that it signed it at {utc(time)}." for key, time in bundle.times.items()]
    if bundle.policy.witnesses:
        proved.append(f"The witnesses that the policy asks for signed it: {bundle.policy.quorum}.")
    ahead = sorted({key[0] for key, time in bundle.times.items() if time > clock.time() + AHEAD.total_seconds()})
    unproved = [f"{name} signed at a time that has not come yet, by the clock here: see --not-after." for name in ahead]
    unproved.append(f"A change after checkpoint {size} is found by anyone who kept checkpoint {size}: keep it.")
    unproved.append("Nothing here shows that an entry was true when it was recorded, or that all was recorded.")
    proved += [] if bundle.seq < 0 else [f"The bytes in {bundle.leaf} are entry {bundle.seq} of that tree."]
    if not manifest:
        return proved, unproved
    proved.append("Its filter: {filter_words} ({count} entries). Each is in that tree, at its seq.".format(**manifest))
    counts = "It holds {held} entries{all}; {named_outside} outside the filter can be read by name."
    of_all = " of all categories" if manifest["kind"] == "closed" else ""
    proved += [counts.format(**manifest, all=of_all)] if manifest["v"] > 1 else []
    named = sorted({name for name, _ in manifest["filter"]} & {"text", "self", "ip", "ip.not"})
    unproved += [f"Whether they match the filter {name} was not checked: it needs what is not here." for name in named]
    clocks = "Hours are by the offsets of {tz} in the manifest (time zone data {tzdata}), which nothing here proves."
    unproved += [clocks.format(**manifest)] if "offsets" in manifest else []
    if manifest["redacted"]:
        unproved.append("The bundle is redacted: whom its tokens stand for was not checked.")
    else:
        proved.append("Each item in them is the one that was recorded, or was erased by an entry in the bundle.")
    if manifest["kind"] == "inclusion":
        unproved.append("Other entries may match the filter: only a closed bundle shows that none is left out.")
    else:
        whole = f"Every entry from {manifest['range'][0]} to {manifest['range'][1] - 1} is here"
        proved.append(f"{whole}, {len(bundle.removed)} of them removed by a retention run that it cites.")
        proved.append("The filter, applied again, gives just those: complete for the tokens of the filter.")
        unproved.append("Which tokens an item had is what the log says: complete for tokens, not for a person.")
    return proved, unproved
def in_words(answer: dict[str, Any]) -> str:
    lines = [f"{answer['file']}: {'holds' if answer['holds'] else 'DOES NOT HOLD'}"]
    lines += [] if answer["keys_trusted"] else ["WARNING: the keys came with the bundle, unchecked: see --key"]
    for finding in answer["findings"][:50]:
        last = f" to {finding['last']}" if finding["last"] != finding["seq"] else ""
        where = "" if finding["seq"] is None else f"entry {finding['seq']}{last}: "
        lines.append(f"  {finding['verdict'].upper()} {where}{finding['file']} {finding['detail']}")
    lines += [f"  and {len(answer['findings']) - 50} more: see --json"] if len(answer["findings"]) > 50 else []
    for title, member in (("Proved", "proved"), ("Could not be shown", "not_shown"), ("Not proved", "not_proved")):
        lines += [title + ":", *(f"  {sentence}" for sentence in answer[member])] if answer[member] else []
    return "\n".join("".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line) for line in lines)

def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check a Trailbook bundle, proof or checkpoint.")
    parser.add_argument("file", help="a bundle, a proof of one entry, or a signed checkpoint")
    parser.add_argument("--leaf", help="the bytes that a proof is about; else FILE.leaf")
    parser.add_argument("--key", action="append", default=[], help="a verifier key that you trust, or a file of them")
    parser.add_argument("--since", help="an older checkpoint that you kept: nothing before it may differ")
    parser.add_argument("--against", help="another bundle or checkpoint of the same log")
    parser.add_argument("--json", action="store_true", help="the answer as JSON")
    parser.add_argument("--policy", help="a C2SP tlog-policy file: which logs, which witnesses, how many of them")
    parser.add_argument("--max-age", type=seconds_of, metavar="7d", help="no head is older: s, m, h or d")
    parser.add_argument("--not-after", type=instant_of, metavar="UTC", help="nobody signed later: a day or instant")
    options = parser.parse_args(arguments)
    proved, not_shown, not_proved, keys = list[str](), list[str](), list[str](), list[Key]()
    now = int(clock.time())
    latest = now + int(AHEAD.total_seconds()) if options.max_age else 1 << 63
    latest = latest if options.not_after is None else options.not_after
    try:
        lines = read_file(options.policy) if options.policy else None
        policy = Policy(lines, now - (options.max_age or now), latest)
        for key in options.key:
            text = key if re.fullmatch(r"[^+]+\+[0-9a-f]{8}\+.+", key) else read_file(key).decode("utf-8", "replace")
            keys += keys_of(text)
        if keys and policy.logs:
            raise BrokenError("the policy names keys of the log: leave out --key")
        keys += policy.logs
        bundle = Bundle(options.file, keys, policy, options.leaf)
        bundle.check()
        if not bundle.findings:
            proved, not_proved = sentences(bundle, "you gave" if keys else "came with it")
        for path in filter(None, (options.since, options.against)):
            other = Bundle(path, bundle.keys, Policy())
            other.check()
            bundle.findings += [{**finding, "in": path} for finding in other.findings]
            if not bundle.findings:
                sentence, is_proved = compare(bundle, other)
                (proved if is_proved else not_shown).append(sentence)
    except (BrokenError, OSError) as error:
        print(f"{error.filename}: {error.strerror}" if isinstance(error, FileNotFoundError) else error, file=sys.stderr)
        return 2
    holds, findings = not bundle.findings and not not_shown, bundle.findings
    answer = {"file": options.file, "holds": holds, "keys_trusted": bool(keys), "findings": findings}
    answer.update(proved=[] if findings else proved, not_shown=not_shown, not_proved=not_proved)
    print(json.dumps(answer) if options.json else in_words(answer))
    return 0 if holds else 1

if __name__ == "__main__":
    sys.exit(main())
