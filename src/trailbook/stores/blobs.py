"""The blobs of an engine: named pieces of bytes, such as tiles, segments of the index and signed heads.

Owns the promise that several are written together, and only if a certain one still is as expected. Refuses to know
what any of them means. It needs no other part of a store, so that a folder or an object storage can keep it alone.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Blob(Struct, frozen=True, gc=False):
    """A named piece of bytes of one organisation: kind (`tile`, `manifest` ...), key and content."""

    kind: str
    key: str
    content: bytes


class ExpectedBlob(Struct, frozen=True):
    """What a blob must hold for something to be written; `content` is None where it must not be there."""

    kind: str
    key: str
    content: bytes | None


class Blobs(Protocol):
    """Keeps blobs by kind and key, of each organisation apart.

    An engine that keeps a ledger too takes those of organisations that were begun there, another one those of any.
    """

    def blob(self, org: str, kind: str, key: str) -> bytes | None:
        """The content of a blob, or None."""

    def put_blob(self, org: str, blob: Blob) -> None:
        """Write or replace a blob, durably."""

    def put_blobs(
        self,
        org: str,
        put: Sequence[Blob],
        *,
        drop: Sequence[tuple[str, str]] = (),
        expect: ExpectedBlob,
    ) -> None:
        """Write these blobs and remove those of `drop`, by kind and key, durably and all at once.

        Raises: HeadMovedError, and nothing is done, when a blob is not what `expect` says; StorageFullError;
        StoreError.
        """

    def blob_names(self, org: str) -> list[tuple[str, str]]:
        """Kind and key of every blob, sorted."""
