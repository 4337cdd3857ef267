"""What a verification says: findings with a verdict and a place, and the report that holds them.

Owns the seven verdicts. Refuses to name a person: a finding speaks of seq, tokens and item numbers.
"""

from typing import Literal

from msgspec import Struct

Verdict = Literal["changed", "missing", "inserted", "moved", "unsigned", "unerased", "index"]


class Finding(Struct, frozen=True, kw_only=True):
    """One fault: at `seq`, or at seq <= x < `stop` where it cannot be placed closer; `place` says so in words.

    Of a fault in the directory `token` is whose row it is, and `seq` the first entry that cites it.

    `index` means that the entries are intact and something derived from them is not.

    Where `count` faults are alike `causes_of` makes one finding of them: `ranges` are the first and last seqs of it,
    `places` where they are that have none. What `follows` from it, such as an id that leads nowhere, is no cause.
    """

    verdict: Verdict
    what: str
    place: str
    seq: int | None = None
    stop: int | None = None
    token: str | None = None
    count: int = 1
    ranges: tuple[tuple[int, int], ...] = ()
    places: tuple[str, ...] = ()
    follows: tuple["Finding", ...] = ()


class Report(Struct, frozen=True, kw_only=True):
    """What was found: every fault, notes that are none, and how much was checked.

    `root` is that of the tree over the log's `size` entries as they are now; None when it cannot be computed.
    `checkpoint` is the size of the greatest checkpoint whose signature holds.
    """

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    size: int
    root: bytes | None
    checkpoint: int
    checked: dict[str, int]


def span(first: int, stop: int) -> str:
    """The place of seq first <= x < stop, in words."""
    return f"seq {first}" if stop == first + 1 else f"seq {first} to {stop - 1}"


def at(verdict: Verdict, seq: int, what: str, stop: int | None = None) -> Finding:
    """A finding about one entry, or about those up to `stop`."""
    return Finding(verdict=verdict, what=what, place=span(seq, stop or seq + 1), seq=seq, stop=stop)
