"""A toy: blobs in a folder, held to what is promised of blobs by the one suite, with nothing of it known elsewhere.

It keeps no log and no directory. That is the point: an engine implements what it can keep.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

import pytest

from trailbook.errors import HeadMovedError
from trailbook.stores import Blob, Blobs, ExpectedBlob
from trailbook.testing.blobs import BlobsConformance

Names = dict[tuple[str, str], str]  # kind and key of a blob, and the file that holds it


class FolderBlobs:
    """Each content in a file of its own, and a file for each organisation that names them.

    The file of names is replaced in one step: until then nothing that was put is there, and after it everything is.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def blob(self, org: str, kind: str, key: str) -> bytes | None:
        with self._locked():
            return self._content(self._names(org), (kind, key))

    def put_blob(self, org: str, blob: Blob) -> None:
        with self._locked():
            self._change(org, [blob], ())

    def put_blobs(
        self, org: str, put: Sequence[Blob], *, drop: Sequence[tuple[str, str]] = (), expect: ExpectedBlob
    ) -> None:
        with self._locked():
            if self._content(self._names(org), (expect.kind, expect.key)) != expect.content:
                raise HeadMovedError(f"the blob {expect.kind}/{expect.key} is another by now")
            self._change(org, put, drop)

    def blob_names(self, org: str) -> list[tuple[str, str]]:
        with self._locked():
            return sorted(self._names(org))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        handle = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _index(self, org: str) -> Path:
        return self._folder / f"{sha256(org.encode()).hexdigest()}.json"

    def _names(self, org: str) -> Names:
        index = self._index(org)
        rows = json.loads(index.read_text("utf-8")) if index.exists() else []
        return {(kind, key): file for kind, key, file in rows}

    def _content(self, names: Names, name: tuple[str, str]) -> bytes | None:
        return (self._folder / names[name]).read_bytes() if name in names else None

    def _change(self, org: str, put: Sequence[Blob], drop: Sequence[tuple[str, str]]) -> None:
        before = self._names(org)
        names = {name: file for name, file in before.items() if name not in set(drop)}
        names |= {(blob.kind, blob.key): self._written(blob.content).name for blob in put}
        rows = [[kind, key, file] for (kind, key), file in names.items()]
        self._written(json.dumps(rows).encode()).replace(self._index(org))
        _sync(self._folder)
        for file in set(before.values()) - set(names.values()):
            (self._folder / file).unlink()

    def _written(self, content: bytes) -> Path:
        file = self._folder / token_hex(16)
        file.write_bytes(content)
        _sync(file)
        return file


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class TestFolder(BlobsConformance):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> Blobs:
        return FolderBlobs(tmp_path)

    def test_nothing_is_left_behind(self, tmp_path: Path) -> None:
        """A folder is looked into by people: what was replaced or dropped is no file any more."""
        blobs = FolderBlobs(tmp_path)
        blobs.put_blob("acme", Blob("tile", "0/0", b"old"))
        blobs.put_blob("acme", Blob("tile", "0/0", b"new"))
        assert len(list(tmp_path.iterdir())) == 3
        blobs.put_blobs("acme", [], drop=[("tile", "0/0")], expect=ExpectedBlob("tile", "0/0", b"new"))
        assert len(list(tmp_path.iterdir())) == 2
