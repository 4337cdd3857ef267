"""Ranges of keys: which sizes of heads a key signs, as the entries that replaced it say, and as lines of text.

Owns the ranges and how they follow from those entries. Refuses to guess: a key of which no entry says when it began
has a range from 0, one that none ended has no end. Source: docs/reference/format-bundle.md section 12.2.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, structs

from trailbook.errors import InvalidError, ProofInvalidError
from trailbook.tree.checkpoint import (
    COSIGNATURE,
    ED25519,
    Opened,
    VerifierKey,
    format_vkey,
    key_id,
    parse_vkey,
)

_LINE = re.compile(r"(\S+)(?: (0|[1-9][0-9]{0,18})(?: ([1-9][0-9]{0,18}))?)?")
_FACT = re.compile(r"([0-9a-f]{8})(?:-([0-9a-f]{8}))?")


class KeyRange(Struct, frozen=True):
    """A key with the sizes of heads that it signs: `first` and up, below `after` if that is known."""

    key: VerifierKey
    first: int = 0
    after: int | None = None

    def is_over(self, size: int) -> bool:
        """Whether another key had replaced this one before a head of this size."""
        return self.after is not None and self.after <= size

    def signs(self, size: int) -> bool:
        """Whether heads of this size are signed by the key."""
        return self.first <= size and not self.is_over(size)


class Rotation(Struct, frozen=True):
    """An entry that replaced the keys: the size just after it, and the ids of the new log key and cosigning key.

    Versions before ranges named the log key alone.
    """

    size: int
    log: str
    cosigning: str | None = None


def read_rotation(size: int, fact: str) -> Rotation | None:
    """The rotation that an entry's target states; None where that is none. Source: docs/reference/format-record.md."""
    match = _FACT.fullmatch(fact)
    return None if match is None else Rotation(size, match[1], match[2])


def format_fact(log: VerifierKey, cosigning: VerifierKey) -> str:
    """What the target of a rotation's entry is called: the ids of the keys that sign from then on."""
    return f"{key_id(log).hex()}-{key_id(cosigning).hex()}"


def key_ranges(
    keys: Sequence[VerifierKey], rotations: Iterable[Rotation], origins: Sequence[str] = ()
) -> list[KeyRange]:
    """The ranges of a log's keys, log keys and cosigning keys each oldest first, in the order given.

    A cosigning key has the range of its log key. `origins`: those of earlier epochs, under which entries may name it.
    """
    rotations = list(rotations)
    ranges = list(_in_turn([key for key in keys if key.alg == ED25519], rotations, origins))
    second = [key for key in keys if key.alg == COSIGNATURE]
    together = ranges if len(ranges) == len(second) else [KeyRange(key) for key in second]
    ranges += [structs.replace(range_, key=key) for range_, key in zip(together, second, strict=True)]
    by_key = {range_.key: range_ for range_ in ranges}
    return [by_key.get(key, KeyRange(key)) for key in keys]


def _in_turn(
    keys: Sequence[VerifierKey], rotations: Sequence[Rotation], origins: Sequence[str]
) -> Iterator[KeyRange]:
    """Each key with its range, which ends with the head just after the entry of the next one that any names."""
    named = [_naming(key, rotations, origins) for key in keys]
    for at, key in enumerate(keys):
        first = min((rotation.size for rotation in named[at]), default=0) if at else 0
        later = next((rotations for rotations in named[at + 1 :] if rotations), None)
        # That head is signed by both keys.
        yield KeyRange(key, first, None if later is None else _settled(later) + 1)


def _naming(key: VerifierKey, rotations: Sequence[Rotation], origins: Sequence[str]) -> list[Rotation]:
    ids = {key_id(structs.replace(key, name=name)).hex() for name in (key.name, *origins)}
    return [rotation for rotation in rotations if rotation.log in ids]


def _settled(rotations: Sequence[Rotation]) -> int:
    """When the key before is over: of a server that went on with it, a later entry in the form of today says so."""
    exact = [rotation.size for rotation in rotations if rotation.cosigning is not None]
    return min(exact or [rotation.size for rotation in rotations])


def format_range(range_: KeyRange) -> str:
    """A key and the sizes that it signs, as a line without its end."""
    end = "" if range_.after is None else f" {range_.after}"
    return f"{format_vkey(range_.key)} {range_.first}{end}"


def format_key(range_: KeyRange) -> str:
    """A key alone where it signs every size, else with its range: other people's tools read a key alone."""
    return format_range(range_) if range_.first or range_.after is not None else format_vkey(range_.key)


def parse_range(line: str) -> KeyRange:
    """Read a verifier key, with or without a range behind it. Raises: InvalidError naming what is wrong."""
    match = _LINE.fullmatch(line)
    first, after = (int(match[2] or 0), None if match[3] is None else int(match[3])) if match else (0, None)
    if match is None or (after is not None and after <= first):
        raise InvalidError(
            f"key: {line[:80]!r} is not a verifier key, with the sizes that it signs behind it"
        )
    return KeyRange(parse_vkey(match[1]), first, after)


def require_in_range(opened: Opened, ranges: Iterable[KeyRange]) -> None:
    """Refuse a head that one of these keys signed outside its range, whoever else signed it.

    Raises: ProofInvalidError.
    """
    by_key, size = {range_.key: range_ for range_ in ranges}, opened.checkpoint.size
    for signature in opened.signed:
        range_ = by_key.get(signature.key)
        if range_ is not None and not range_.signs(size):
            raise ProofInvalidError(
                f"signature: the key {key_id(range_.key).hex()} does not sign heads of size {size}"
            )
