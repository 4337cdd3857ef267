"""The sizes of heads that each key signs, as the log's own entries say when one replaced another.

Owns the ranges and their lines in a bundle. Refuses to guess: a key of which no entry says when it began has a range
from 0, and one that no entry ends has no end.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, structs

from trailbook.access import operator
from trailbook.log import Log
from trailbook.query import Query, Term
from trailbook.record import decode_body
from trailbook.tree import COSIGNATURE, ED25519, VerifierKey, format_vkey, key_id

_ROTATED = Query(terms=(Term("action", ("activity_log.key_rotated",)),))


class KeyRange(Struct, frozen=True):
    """A key with the sizes of heads that it signs: `first` and up, below `after` if that is known."""

    key: VerifierKey
    first: int = 0
    after: int | None = None

    @property
    def line(self) -> str:
        """The range as a bundle's `keys` has it."""
        end = "" if self.after is None else f" {self.after}"
        return f"{format_vkey(self.key)} {self.first}{end}\n"

    def is_over(self, size: int) -> bool:
        """Whether another key had replaced this one before a head of this size."""
        return self.after is not None and self.after <= size

    def signs(self, size: int) -> bool:
        """Whether heads of this size are signed by the key."""
        return self.first <= size and not self.is_over(size)


def ranges_of(log: Log, keys: Sequence[VerifierKey]) -> list[KeyRange]:
    """The ranges of a log's keys, oldest first, in the order given: a second key has that of its log key."""
    begun = _begun(log)
    ranges = list(_in_turn([key for key in keys if key.alg == ED25519], begun))
    second = [key for key in keys if key.alg == COSIGNATURE]
    together = ranges if len(ranges) == len(second) else [KeyRange(key) for key in second]
    ranges += [structs.replace(range_, key=key) for range_, key in zip(together, second, strict=True)]
    by_key = {range_.key: range_ for range_ in ranges}
    return [by_key.get(key, KeyRange(key)) for key in keys]


def _in_turn(keys: Sequence[VerifierKey], begun: Mapping[str, int]) -> Iterator[KeyRange]:
    """Each key with its range, which ends where the next one of which that is known begins."""
    firsts = [begun.get(key_id(key).hex()) for key in keys]
    for at, key in enumerate(keys):
        later = [first for first in firsts[at + 1 :] if first is not None]
        # The head just after the entry of the next key is signed by both.
        yield KeyRange(key, firsts[at] or 0, later[0] + 1 if later else None)


def _begun(log: Log) -> dict[str, int]:
    """By the id of a key, the size just after the entry that says it signs from then on."""
    viewer = operator(log.org)  # which key signs what is no secret of an entry
    holdings = log.holdings(viewer=viewer)
    rows = [(row.seq, row.body) for row in holdings.kept(log.seqs(_ROTATED, viewer=viewer))]
    targets = {seq: decode_body(body).target for seq, body in rows if body is not None}
    ids = {i.token: i.id for i in holdings.identities(targets.values())}
    begun: dict[str, int] = {}
    for seq, token in targets.items():
        begun.setdefault(ids.get(token) or "", seq + 1)
    return begun
