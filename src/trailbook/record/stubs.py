"""The list of stubs that an erasure binds: what the directory keeps of each row that it erased, and its digest.

Owns the bytes of the list, under a salt of its own: types tell what somebody had, and the digest alone leaves the
store. Refuses to hold an id or a name. Source: docs/reference/format-record.md, erasure manifest of version 2.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from trailbook.record.canonical import canonical_json

_PREFIX = b"trailbook/stubs/v1\0"
_SALT = 16
_decoder = msgspec.json.Decoder(list[tuple[Any, ...]])


class Stub(Struct, frozen=True):
    """What stays of an erased row beside its token: its type, and the number of the item that owned it."""

    type: str
    owner: int | None


def stub_list(salt: bytes, stubs: Mapping[str, Stub]) -> bytes:
    """The list as the store keeps it, a salt of 16 bytes before canonical JSON; `stubs` by token."""
    rows = (
        [token, stub.type, *(() if stub.owner is None else (stub.owner,))] for token, stub in stubs.items()
    )
    return salt + canonical_json(sorted(rows))


def stubs_digest(kept: bytes) -> str:
    """What a manifest binds of a kept list, in hex."""
    return hashlib.sha256(_PREFIX + kept).hexdigest()


def read_stubs(kept: bytes) -> dict[str, Stub]:
    """The stubs of a kept list by token. Raises: ValueError for what is no list."""
    return {row[0]: Stub(row[1], *(row[2:] or (None,))) for row in _decoder.decode(kept[_SALT:])}
