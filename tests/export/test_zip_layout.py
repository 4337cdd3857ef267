"""A bundle's ZIP file holds its files and nothing else, in whichever way a writer of ours puts them there."""

import io
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

NAMES = ("manifest.note", "keys", "tile/0/000")


class Pipe(io.RawIOBase):
    """A place that takes bytes one after the other and is never asked where it stands."""

    def __init__(self) -> None:
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, piece: bytes) -> int:  # type: ignore[override]
        self.content += piece
        return len(piece)


def written(out: io.RawIOBase | io.BytesIO, method: int = zipfile.ZIP_STORED, *, wide: bool = False) -> None:
    with zipfile.ZipFile(out, "w", method) as archive:
        for name in NAMES:
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=wide) as file:
                file.write(name.encode() * 3)


def is_bare(single: ModuleType, content: bytes, folder: Path) -> bool:
    """Whether it is; what the library itself cannot read is not."""
    path = folder / "b.zip"
    path.write_bytes(content)
    try:
        with zipfile.ZipFile(path) as archive:
            return bool(single.is_bare(str(path), archive))
    except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError):
        return False


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("wide", [False, True])
def test_every_way_of_writing_is_taken(method: int, wide: bool, single: ModuleType, tmp_path: Path) -> None:
    """Into a file or a pipe, packed or not, with sizes of four bytes or eight."""
    file, pipe = io.BytesIO(), Pipe()
    written(file, method, wide=wide)
    written(pipe, method, wide=wide)
    assert is_bare(single, file.getvalue(), tmp_path)
    assert is_bare(single, bytes(pipe.content), tmp_path)


@pytest.mark.parametrize("wide", [False, True])
def test_a_byte_more_or_less_anywhere_is_refused(wide: bool, single: ModuleType, tmp_path: Path) -> None:
    file = io.BytesIO()
    written(file, wide=wide)
    whole = file.getvalue()
    assert is_bare(single, whole, tmp_path)
    for at in (*range(0, len(whole), 7), len(whole)):
        assert not is_bare(single, whole[:at] + b"\0" + whole[at:], tmp_path), at
        assert at == len(whole) or not is_bare(single, whole[:at] + whole[at + 1 :], tmp_path), at


def test_what_two_readers_would_take_for_different_files_is_refused(
    single: ModuleType, tmp_path: Path
) -> None:
    """A name or a size beside the content that is not the one in the list: readers believe the one or the other."""
    file = io.BytesIO()
    written(file)
    whole = file.getvalue()
    name = whole.index(b"keys")
    assert not is_bare(single, whole[:name] + b"Keys" + whole[name + 4 :], tmp_path)
    for at in (18, 22):  # of the local header: packed size, size
        assert not is_bare(single, whole[:at] + b"\1" + whole[at + 1 :], tmp_path)
