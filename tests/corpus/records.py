"""The cases of bodies and bundles: what an entry's bytes are, and a file of them with everything to check it by."""

import io
import json
import struct
import zipfile
from collections.abc import Iterator
from typing import Any

from tests.corpus.cases import Case

TOKENS = [letter * 32 for letter in "ABCDE"]
BODY = {
    "action": "role.assigned",
    "actor": {"item": TOKENS[0], "kind": "person"},
    "category": "roles",
    "caused_by": "019a3c1e-7d2b-7c40-9f0e-6f1f0a6f2b10",
    "concerns": [{"item": TOKENS[1], "part": "member"}, {"item": TOKENS[0], "part": "scope"}],
    "correlation": "4bf92f3577b34da6a3ce929d0e0e4736",
    "effective_at": "2026-12-01",
    "fields": ["from", "to"],
    "id": "019a3c1e-7d2b-7c40-9f0e-6f1f0a6f2b11",
    "occurred_at": "2026-11-02T08:15:00.123456Z",
    "on_behalf_of": TOKENS[2],
    "origin": {"interface": "web", "item": TOKENS[3]},
    "outcome": "success",
    "purpose": "onboarding",
    "recorded_at": "2026-11-02T08:15:00.201007Z",
    "source": TOKENS[4],
    "target": TOKENS[1],
    "v": 1,
}
OPTIONAL = ("caused_by", "concerns", "correlation", "effective_at", "fields", "on_behalf_of", "purpose")


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def bodies() -> Iterator[Case]:
    def case(name: str, content: bytes, holds: bool, reason: str) -> Case:
        return Case("body", name, content, holds, reason)

    def changed(**members: Any) -> bytes:
        return canonical({name: value for name, value in {**BODY, **members}.items() if value is not None})

    yield case("full", canonical(BODY), True, "every member")
    least = {name: value for name, value in BODY.items() if name not in OPTIONAL}
    yield case(
        "least", canonical({**least, "origin": {"interface": "job"}}), True, "no member that may be absent"
    )
    yield case("action-64", changed(action="a" * 31 + "." + "b" * 32), True, "an action of 64 characters")
    yield case("action-65", changed(action="a" * 32 + "." + "b" * 32), False, "an action of 65 characters")
    yield case("category-64", changed(category="a" * 64), True, "a category of 64 characters")
    yield case("category-65", changed(category="a" * 65), False, "a category of 65 characters")
    yield case("ahead-5-minutes", changed(occurred_at="2026-11-02T08:20:00.201007Z"), True, "5 minutes ahead")
    yield case(
        "ahead-more", changed(occurred_at="2026-11-02T08:20:00.201008Z"), False, "more than 5 minutes ahead"
    )
    yield case("leap-day", changed(effective_at="2024-02-29"), True, "a day that exists")
    for name, members, reason in (
        ("no-leap-day", {"effective_at": "2026-02-29"}, "a day that does not exist"),
        ("no-month", {"effective_at": "2026-13-01"}, "a month that does not exist"),
        ("hour-24", {"occurred_at": "2026-11-01T24:00:00.000000Z"}, "an hour that does not exist"),
        ("second-60", {"occurred_at": "2026-11-01T08:00:60.000000Z"}, "a second that does not exist"),
        ("milliseconds", {"occurred_at": "2026-11-02T08:15:00.123Z"}, "three digits of a second"),
        ("offset", {"occurred_at": "2026-11-02T08:15:00.123456+00:00"}, "an offset"),
        ("no-target", {"target": None}, "a member that is always there is not"),
        ("empty-fields", {"fields": []}, "an empty list is left out"),
        ("fields-unsorted", {"fields": ["to", "from"]}, "fields out of order"),
        ("fields-twice", {"fields": ["to", "to"]}, "a field twice"),
        ("field-65", {"fields": ["a" * 65]}, "a field's name of 65 characters"),
        ("concerns-unsorted", {"concerns": BODY["concerns"][::-1]}, "concerns out of order"),  # type: ignore[index]
        ("token-short", {"target": "A" * 31}, "a token of 31 characters"),
        ("token-alphabet", {"target": "A" * 31 + "+"}, "a token in another alphabet"),
        ("id-capitals", {"id": "019A3C1E-7D2B-7C40-9F0E-6F1F0A6F2B11"}, "a UUID in capitals"),
        ("id-bare", {"id": "019a3c1e7d2b7c409f0e6f1f0a6f2b11"}, "a UUID without hyphens"),
        ("outcome", {"outcome": "unknown"}, "an outcome that there is not"),
        ("interface", {"origin": {"interface": "fax"}}, "an interface that there is not"),
        ("kind", {"actor": {"item": TOKENS[0], "kind": "robot"}}, "a kind of actor that there is not"),
        ("version-2", {"v": 2}, "another version"),
        ("member-more", {"note": "x"}, "a member that there is not"),
        ("action-without-dot", {"action": "assigned"}, "no action"),
        ("action-capitals", {"action": "Role.assigned"}, "an action in capitals"),
    ):
        yield case(name, changed(**members), False, reason)  # type: ignore[arg-type]
    plain = canonical(BODY)
    for name, content, reason in (
        ("spaces", plain.replace(b",", b", "), "white space"),
        ("newline", plain + b"\n", "a newline behind it"),
        ("order", canonical({}).replace(b"}", b'"v":1,') + plain[1:-7] + b"}", "members in another order"),
        ("escape", plain.replace(b"roles", b"\\u0072oles"), "an escape where none is needed"),
        ("member-twice", plain[:-1] + b',"v":1}', "a member twice"),
        ("version-real", plain.replace(b'"v":1', b'"v":1.0'), "1.0 is not 1"),
        ("null", plain.replace(b'"onboarding"', b"null"), "null where the member is left out"),
        ("not-an-object", b"[" + plain + b"]", "no object"),
        ("byte-order-mark", b"\xef\xbb\xbf" + plain, "a mark before it"),
        ("nothing", b"", "there is nothing"),
    ):
        yield case(name, content, False, reason)


def packed(files: dict[str, bytes], **odd: Any) -> bytes:
    """A bundle's files, stored one after the other; `odd` is what no bundle has."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.comment = odd.get("comment", b"")
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.extra = odd.get("extra", {}).get(name, b"")
            info.comment = odd.get("remark", b"")
            archive.writestr(info, content)
    return out.getvalue()


def bundles(files: dict[str, bytes], keys: list[str]) -> Iterator[Case]:
    """Bundles of one log of forty entries: as it was written, and changed in one place."""

    def case(name: str, content: bytes, holds: bool, reason: str) -> Case:
        return Case("bundle", name, content, holds, reason, members={"verifier_keys": keys})

    def changed(name: str, at: int) -> dict[str, bytes]:
        content = files[name]
        return {**files, name: content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]}

    tile = next(name for name in files if name.startswith("tile/"))
    lines = files["bodies.tsv"].splitlines(keepends=True)
    names = files["identities.ndjson"].splitlines(keepends=True)
    erasure = next(name for name in files if name.startswith("erasures/"))
    plain = packed(files)
    yield case("whole", plain, True, "a closed bundle of version 2: 36 bodies, two people erased")
    yield case("body", packed(changed("bodies.tsv", 100)), False, "a byte of a body is another")
    yield case("tile", packed(changed(tile, 40)), False, "a byte of a tile is another")
    yield case(
        "identity", packed(changed("identities.ndjson", 20)), False, "a byte of an identity is another"
    )
    yield case("manifest", packed(changed("manifest.note", 30)), False, "a byte of the manifest is another")
    yield case(
        "checkpoint", packed(changed("checkpoint", 21)), False, "the size of the checkpoint is another"
    )
    yield case(
        "body-less",
        packed({**files, "bodies.tsv": b"".join(lines[:5] + lines[6:])}),
        False,
        "a body is not there",
    )
    yield case(
        "identity-less",
        packed({**files, "identities.ndjson": b"".join(names[1:])}),
        False,
        "an identity is not there",
    )
    yield case(
        "erasure-less", packed({n: c for n, c in files.items() if n != erasure}), False, "a list is not there"
    )
    yield case(
        "keys-less", packed({n: c for n, c in files.items() if n != "keys"}), False, "a file is not there"
    )
    yield case("file-more", packed({**files, "README": b"hello"}), False, "a file that no bundle has")
    yield case("zip-comment", packed(files, comment=b"hello"), False, "the ZIP file has a comment")
    yield case("zip-remark", packed(files, remark=b"hello"), False, "a file has a comment")
    yield case("zip-prepended", b"PK hello" + plain, False, "something stands before the first file")
    yield case("zip-appended", plain + b"hello", False, "something stands behind the last")
    yield case(
        "zip-extra",
        packed(files, extra={"keys": struct.pack("<HH4s", 0x5455, 4, b"time")}),
        False,
        "a field of a file",
    )
    yield case("zip-gap", gap(files), False, "something stands between two files")
    yield case("zip-name-twice", twice(files), False, "a name stands there twice")


def gap(files: dict[str, bytes]) -> bytes:
    """Something between the last file and the list of them, and the list found all the same."""
    plain, between = packed(files), b"hello"
    at = plain.index(b"PK\1\2")
    end = plain.rindex(b"PK\5\6")
    moved = struct.pack("<L", at + len(between))
    return plain[:at] + between + plain[at : end + 16] + moved + plain[end + 20 :]


def twice(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO(packed(files))
    name = "keys"
    with zipfile.ZipFile(out, "a") as archive:
        archive.NameToInfo.pop(name)  # or it would be warned of
        archive.writestr(zipfile.ZipInfo(name), files[name])
    return out.getvalue()
