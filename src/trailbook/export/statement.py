"""A file and its signed statement: whether it is the file that was exported.

Owns where the statement of a file is found, and what of it is compared. Refuses to believe a statement by a key that
whoever asks did not bring, and to read a file into memory.
"""

import hashlib
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

import msgspec
from msgspec import Struct

from trailbook.errors import Fault, InvalidError, ProofInvalidError
from trailbook.export.format import FORMATS
from trailbook.export.packing import STATEMENT
from trailbook.tree import KeyRange, key_id, parse_note, verify_note

_MOST = 1_000_000  # bytes of a statement
_PIECE = 1 << 20
_BUNDLE, _WORKBOOK = "manifest.note", "[Content_Types].xml"


class Statement(Struct, frozen=True, kw_only=True):
    """What a log signed of a file: how many entries it has, of which question, and its SHA-256 by its name.

    `size` is that of the log's last signed head then.
    """

    kind: Literal["file"]
    v: Literal[1]
    files: dict[str, str]
    count: int
    created_at: str
    filter_words: str
    org: str
    origin: str
    size: int
    sizes: dict[str, int] = {}


_statement = msgspec.json.Decoder(Statement)


class Comparison(Struct, frozen=True, kw_only=True):
    """A file beside its statement: its own size and digest, the key that signed, and what is at fault, or None."""

    name: str
    size: int
    digest: str
    key: str
    statement: Statement
    fault: str | None


def is_exported(file: Path, statement: Path | None) -> bool:
    """Whether a file is to be judged by a statement: one is named or beside it, or it is what exports are."""
    if statement is not None or beside(file).is_file() or file.suffix[1:] in FORMATS:
        return True
    names = _names(file)
    return _WORKBOOK in names or (_BUNDLE not in names and any(name.endswith(STATEMENT) for name in names))


def beside(file: Path) -> Path:
    """Where the statement of a file lies if nobody says."""
    return file.with_name(f"{file.name}{STATEMENT}")


def compare(file: Path, statement: Path | None, keys: Sequence[KeyRange]) -> Comparison:
    """Compare a file, or the one of a ZIP with its statement, with what was signed.

    Raises: ProofInvalidError for a statement that does not hold; InvalidError without one, or a key of its log.
    """
    with _pair(file, statement) as (name, content, note):
        claims, key = _read(note, keys)
        digest, size = hashlib.sha256(), 0
        while piece := content.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    ((exported, expected),) = claims.files.items()
    fault = None
    if digest.hexdigest() != expected:
        fault = _difference(size, claims.sizes.get(exported))
    return Comparison(name=name, size=size, digest=digest.hexdigest(), key=key, statement=claims, fault=fault)


def _difference(size: int, signed: int | None) -> str:
    """How a file differs, as far as its length tells."""
    if signed is None or size == signed:
        return "its bytes are not those that were exported"
    return f"it has {size:,} bytes, and {signed:,} were exported"


@contextmanager
def _pair(file: Path, statement: Path | None) -> Iterator[tuple[str, IO[bytes], bytes]]:
    """A file's name and content, and its statement: named, in one ZIP with it, or beside it."""
    names = [] if statement is not None else _names(file)
    if names and _WORKBOOK not in names:
        with zipfile.ZipFile(file) as archive, _whole(file):
            name = _packed(file, names)
            with archive.open(f"{name}{STATEMENT}") as note, archive.open(name) as content:
                yield name, content, note.read(_MOST)
        return
    place = statement or beside(file)
    if not place.is_file():
        raise _refused(
            f"there is no statement beside it ({place.name}): fetch it where the file came from, or name it with"
            " --statement",
            file,
        )
    with file.open("rb") as content, place.open("rb") as note:
        yield file.name, content, note.read(_MOST)


def _packed(file: Path, names: Sequence[str]) -> str:
    """The one file of a ZIP that has its statement with it. Raises: InvalidError."""
    named = [name for name in names if f"{name}{STATEMENT}" in names]
    if len(named) != 1 or len(names) != 2:
        raise _refused("is a ZIP of something else than one file and its statement", file)
    return named[0]


@contextmanager
def _whole(file: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ProofInvalidError(f"{file.name}: the ZIP is damaged: {error}") from error


def _names(file: Path) -> list[str]:
    """The names in a ZIP; none of what is no ZIP that can be read."""
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.namelist()
    except zipfile.BadZipFile:
        return []


def _read(raw: bytes, keys: Sequence[KeyRange]) -> tuple[Statement, str]:
    """What a statement says, and which key signed it. Raises: ProofInvalidError; InvalidError without a key for it."""
    note = parse_note(raw)
    try:
        claims = _statement.decode(note.text)
    except msgspec.DecodeError as error:
        raise ProofInvalidError(f"statement: is none of a file: {error}") from None
    if len(claims.files) != 1:
        raise ProofInvalidError("statement: is not of one file")
    ranges = {range_.key: range_ for range_ in keys if range_.key.name == claims.origin}
    own = list(ranges)
    if not own:
        raise _refused(f"none of the keys is of the log {claims.origin}, which is said to have signed", None)
    signed = {signature.key_id for signature in note.signatures if signature.name == claims.origin}
    if not signed & {key_id(key) for key in own}:
        ids = ", ".join(sorted(id_.hex() for id_ in signed)) or "nobody"
        raise ProofInvalidError(
            f"statement: is signed by {ids}, which is no key of {claims.origin} that is trusted here"
        )
    verified = verify_note(note, own)
    for signature in verified:
        if ranges[signature.key].is_over(claims.size):
            raise ProofInvalidError(
                f"statement: is signed by {key_id(signature.key).hex()}, which had been replaced at size {claims.size}"
            )
    return claims, f"{claims.origin}+{key_id(verified[0].key).hex()}"


def _refused(why: str, file: Path | None) -> InvalidError:
    name, pointer = ("key", "/key") if file is None else (str(file), "/file")
    return InvalidError(f"{name}: {why}", (Fault(pointer, "invalid", why),))
