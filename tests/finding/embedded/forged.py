"""An index that somebody with write access to the file has made: other parts under digests that fit.

Owns the forging, as an attacker would do it. Refuses to touch an entry.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import structs

from trailbook.finding.embedded import segments
from trailbook.index import Segment, SegmentHead
from trailbook.index.segment import Part
from trailbook.stores import Blob, ExpectedBlob, Store

Arrays = dict[str, npt.NDArray[Any]]
Forge = Callable[
    [Segment, Arrays], SegmentHead | None
]  # changes arrays in place; a head to go on with, if another


def forge(store: Store, org: str, first: int, change: Forge) -> None:
    """Change the segment from `first` on, and every digest that lies beside it."""
    listing = segments.read_list(store, org)
    listed = next(each for each in listing.segments if each.first == first)
    kept = segments.read_segment(store, org, listed)
    arrays = {name: kept.part(name).copy() for name in kept.head.parts}
    head = change(kept, arrays) or kept.head
    content = {name: array.tobytes() for name, array in arrays.items()}
    parts = {
        name: Part(array.dtype.str, len(array), hashlib.sha256(content[name]).digest())
        for name, array in arrays.items()
    }
    own, blobs = segments.content_of((structs.replace(head, parts=parts), content))
    others = tuple(own if each == listed else each for each in listing.segments)
    put(store, org, blobs, structs.replace(listing, segments=others))


def put(store: Store, org: str, blobs: list[Blob], listing: segments.SegmentList) -> None:
    """Write parts and list as the log itself does."""
    written = msgspec.msgpack.encode(listing)
    stored = hashlib.sha256(written).digest() + written
    expected = ExpectedBlob(*segments.LIST, store.blob(org, *segments.LIST))
    store.put_blobs(org, [*blobs, Blob(*segments.LIST, stored)], expect=expected)


def moved(source: Store, target: Store, org: str) -> None:
    """Move the whole index of one log into another."""
    blobs = [blob for blob in source.every_blob(org) if blob.kind == segments.SEGMENT]
    put(target, org, blobs, segments.read_list(source, org))


def rank_of(kept: Segment, seq: int) -> int:
    """Where an entry stands in its segment."""
    return int(np.flatnonzero(kept.seqs(np.arange(kept.count)) == seq)[0])


def without_posting(field: str, seq: int) -> Forge:
    """One entry is taken out of what finds it by the youngest item in a field; its column stays."""

    def change(kept: Segment, arrays: Arrays) -> None:
        starts, ranks = arrays[f"{field}.starts"].astype(np.int64), arrays[f"{field}.ranks"]
        at = int(np.flatnonzero(ranks == rank_of(kept, seq))[-1])
        arrays[f"{field}.ranks"] = np.delete(ranks, at)
        arrays[f"{field}.starts"] = np.where(starts > at, starts - 1, starts)

    return change


def other_column(field: str, seq: int, number: int) -> Forge:
    """One entry has another number in a column."""

    def change(kept: Segment, arrays: Arrays) -> None:
        arrays[field] = arrays[field].astype(np.int64)
        arrays[field][rank_of(kept, seq)] = number

    return change


def other_count(field: str, code: int, number: int) -> Forge:
    """A code has another count; each entry is as it was."""

    def change(kept: Segment, arrays: Arrays) -> SegmentHead:
        counts = {name: list(each) for name, each in kept.head.counts.items()}
        counts[field][code] = number
        return structs.replace(kept.head, counts=counts)

    return change


def turned_round(field: str) -> Forge:
    """The ranks of a field's longest posting stand in another order."""

    def change(kept: Segment, arrays: Arrays) -> None:
        starts = arrays[f"{field}.starts"].astype(np.int64)
        longest = int(np.argmax(np.diff(starts)))
        low, high = int(starts[longest]), int(starts[longest + 1])
        arrays[f"{field}.ranks"][low:high] = arrays[f"{field}.ranks"][low:high][::-1].copy()

    return change
