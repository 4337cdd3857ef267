"""The oracle: a `Store` in plain dicts and lists, obvious rather than fast.

Owns nothing durable. Every other engine is held against it, so it refuses to be clever.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

from msgspec import Struct, field, structs

from trailbook.errors import HeadMovedError, NotFoundError, StoreError
from trailbook.stores.blobs import Blob, ExpectedBlob
from trailbook.stores.directory import Hint, Identity
from trailbook.stores.ledger import Append, Head, StoredEntry


class _Log(Struct, eq=False):
    lock: threading.RLock = field(default_factory=threading.RLock)  # whoever holds the log appends to it
    head: Head = Head()
    rows: list[StoredEntry] = field(default_factory=list)
    ids: dict[UUID, int] = field(default_factory=dict)
    directory: list[Identity] = field(default_factory=list)
    words: set[tuple[str, int]] = field(default_factory=set)
    hints: dict[int, Hint] = field(default_factory=dict)
    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)


class MemoryStore:
    """A `Store` that forgets everything when the process ends."""

    def __init__(self) -> None:
        self._logs: dict[str, _Log] = {}

    def create(self, org: str) -> None:
        self._logs.setdefault(org, _Log())

    def orgs(self) -> list[str]:
        return sorted(self._logs)

    def head(self, org: str) -> Head:
        return self._log(org).head

    def append(self, org: str, expected: Head, batch: Append) -> None:
        log = self._log(org)
        with log.lock:
            _append(log, expected, batch)

    @contextmanager
    def holding(self, org: str) -> Iterator[None]:
        with self._log(org).lock:
            yield

    def erase(self, org: str, expected: Head, batch: Append, *, items: Sequence[int]) -> None:
        log, gone = self._log(org), set(items)
        with log.lock:
            self.append(org, expected, batch)
            log.directory = [_stub(i) if i.item in gone else i for i in log.directory]
            log.words = {(word, item) for word, item in log.words if item not in gone}
            log.hints = {item: hint for item, hint in log.hints.items() if item not in gone}

    def remove(
        self,
        org: str,
        expected: Head,
        batch: Append,
        *,
        leaves: Mapping[int, bytes],
        sweep: Sequence[str],
        forget: Sequence[tuple[str, int]] = (),
    ) -> None:
        log, swept = self._log(org), set(sweep)
        with log.lock:
            self.append(org, expected, batch)
            for seq, leaf in leaves.items():
                log.rows[seq] = StoredEntry(seq, None, leaf)
            log.directory = [i for i in log.directory if i.token not in swept]
            left = {i.item for i in log.directory}
            log.words = {(word, item) for word, item in log.words if item in left} - set(forget)
            log.hints = {item: hint for item, hint in log.hints.items() if item in left}

    def seq_of(self, org: str, ids: Sequence[UUID]) -> dict[UUID, int]:
        seqs = self._log(org).ids
        return {id_: seqs[id_] for id_ in ids if id_ in seqs}

    def kept(self, org: str, start: int, stop: int) -> Iterator[StoredEntry]:
        return iter(self._log(org).rows[start:stop])

    def kept_at(self, org: str, seqs: Sequence[int]) -> list[StoredEntry]:
        rows = self._log(org).rows
        return [rows[seq] for seq in seqs if 0 <= seq < len(rows)]

    def identities(self, org: str, keys: Iterable[tuple[str, str, int | None]]) -> list[Identity]:
        wanted = set(keys)
        return [i for i in self._log(org).directory if i.id is not None and _key(i) in wanted]

    def identities_of(self, org: str, tokens: Iterable[str]) -> list[Identity]:
        wanted = set(tokens)
        return [i for i in self._log(org).directory if i.token in wanted]

    def versions(self, org: str, items: Iterable[int]) -> list[Identity]:
        wanted = set(items)
        return [i for i in self._log(org).directory if i.item in wanted]

    def owned(self, org: str, items: Iterable[int]) -> list[Identity]:
        wanted = set(items)
        return [i for i in self._log(org).directory if i.owner in wanted]

    @contextmanager
    def still(self, org: str) -> Iterator[None]:
        with self._log(org).lock:
            yield

    def every_identity(self, org: str, *, past_index: bool = False) -> Iterator[Identity]:
        return iter(list(self._log(org).directory))

    def hints(self, org: str, items: Iterable[int]) -> dict[int, str]:
        kept, wanted = self._log(org).hints, set(items)
        return {item: kept[item].text for item in wanted if item in kept and kept[item].text}

    def vocabulary(self, org: str) -> list[str]:
        return list({word for word, _ in self._log(org).words})

    def items_of_words(self, org: str, words: Iterable[str], limit: int) -> list[tuple[str, int]]:
        own = self._log(org).words
        return [(word, item) for word in words for other, item in sorted(own) if other == word][:limit]

    def items_by_word(self, org: str, prefix: str) -> set[int]:
        return {item for word, item in self._log(org).words if word.startswith(prefix)}

    def items_by_words(self, org: str, prefixes: Sequence[str], limit: int) -> list[int]:
        first, *others = prefixes
        having = [self.items_by_word(org, prefix) for prefix in others]
        hits = sorted(pair for pair in self._log(org).words if pair[0].startswith(first))
        matching = [item for _, item in hits if all(item in items for items in having)]
        return list(dict.fromkeys(matching))[:limit]

    def blob(self, org: str, kind: str, key: str) -> bytes | None:
        return self._log(org).blobs.get((kind, key))

    def put_blob(self, org: str, blob: Blob) -> None:
        self._log(org).blobs[blob.kind, blob.key] = blob.content

    def put_blobs(
        self,
        org: str,
        put: Sequence[Blob],
        *,
        drop: Sequence[tuple[str, str]] = (),
        expect: ExpectedBlob,
    ) -> None:
        log = self._log(org)
        with log.lock:
            blobs = log.blobs
            if blobs.get((expect.kind, expect.key)) != expect.content:
                raise HeadMovedError(f"the blob {expect.kind}/{expect.key} is another by now")
            for name in drop:
                blobs.pop(name, None)
            blobs.update({(blob.kind, blob.key): blob.content for blob in put})

    def blob_names(self, org: str) -> list[tuple[str, str]]:
        return sorted(self._log(org).blobs)

    def every_blob(self, org: str) -> Iterator[Blob]:
        return (Blob(kind, key, content) for (kind, key), content in list(self._log(org).blobs.items()))

    def ids(self, org: str) -> Iterator[tuple[bytes, int]]:
        return iter(sorted((id_.bytes, seq) for id_, seq in self._log(org).ids.items()))

    def every_word(self, org: str) -> list[tuple[str, int]]:
        return sorted(self._log(org).words)

    def extent(self, org: str, below: int | None = None) -> int:
        rows = len(self._log(org).rows)
        return rows if below is None else min(rows, below)

    def faults(self) -> list[str]:
        return []

    def close(self) -> None:
        """Nothing to let go of."""

    def _log(self, org: str) -> _Log:
        if org not in self._logs:
            raise NotFoundError("there is no such organisation")
        return self._logs[org]


def _append(log: _Log, expected: Head, batch: Append) -> None:
    if log.head != expected:
        raise HeadMovedError(f"the log has {log.head.size} entries, not {expected.size}")
    ids = [row.id for row in batch.rows]
    if len(set(ids)) < len(ids) or not log.ids.keys().isdisjoint(ids):
        raise StoreError("an entry of the batch is in the log already")
    for row in batch.rows:
        log.ids[row.id] = len(log.rows)
        log.rows.append(StoredEntry(len(log.rows), row.body))
    log.directory.extend(batch.identities)
    if batch.owners:
        whose = batch.owners
        log.directory = [structs.replace(i, owner=whose.get(i.token, i.owner)) for i in log.directory]
    log.words.update(batch.words)
    for hint in batch.hints:
        if hint.item not in log.hints or hint.at >= log.hints[hint.item].at:
            log.hints[hint.item] = hint
    for blob in batch.blobs:
        log.blobs[blob.kind, blob.key] = blob.content
    log.head = batch.head


def _stub(identity: Identity) -> Identity:
    return structs.replace(identity, id=None, name=None, salt=None)


def _key(identity: Identity) -> tuple[str, str, int | None]:
    return (identity.type, identity.id or "", identity.owner if identity.type == "origin" else None)
