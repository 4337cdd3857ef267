"""A filter bound to one log: the question that every engine of finding is asked.

Owns its meaning: terms of one field are OR-ed, fields AND-ed, negated ones subtract. Items are numbers of the
directory, which no engine keeps; all else stands as entries write it. Refuses names of anybody, and the clock.
"""

import hashlib
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from msgspec import Struct

from trailbook.index import Ints
from trailbook.query import HoursRule

Sees = Callable[[str], bool]  # whether somebody sees entries of a category
Hidden = tuple[str, ...]  # the categories of a log that somebody does not see
_encoder = msgspec.msgpack.Encoder(enc_hook=np.ndarray.tobytes)


class BoundTerm(Struct, frozen=True):
    """One field's terms: `values` as entries write them, or `items` by number, many as an array; `types` of targets.

    Beside the fields of a filter: `citing` finds an item in any part, `cause` and `correlation` what bears that id.
    """

    field: str
    values: tuple[str, ...] = ()
    items: Sequence[int] | Ints = ()
    negated: bool = False
    types: tuple[str, ...] = ()


class BoundWord(Struct, frozen=True):
    """One word of text: the items whose names have it and the actions whose label has it."""

    items: tuple[int, ...]
    actions: tuple[str, ...]


class BoundQuery(Struct, frozen=True, kw_only=True):
    """What is asked of the first `as_of` entries; `since` and `until` are half-open microseconds.

    Entries of the `hidden` categories count for nothing, as removed ones do.
    """

    as_of: int
    since: int | None = None
    until: int | None = None
    terms: tuple[BoundTerm, ...] = ()
    text: tuple[BoundWord, ...] = ()
    own: bool | None = None
    hours: HoursRule | None = None
    hidden: Hidden = ()


def key_of(query: BoundQuery) -> bytes:
    """What stands for a query where its answer is remembered: a digest, for a query may name all items of a log."""
    return hashlib.blake2b(_encoder.encode(query), digest_size=16).digest()
