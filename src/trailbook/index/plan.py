"""A query in numbers: what search and counts are asked.

Owns the meaning of a plan: terms of one field are OR-ed, fields AND-ed, negated ones subtract; `citing` is any part of
an entry. Refuses names: whoever asks has turned them into item numbers and codes.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Clause(Struct, frozen=True):
    """One field's terms: `numbers` are item numbers, many of them an array, or codes where `field` is coded.

    `types` are target types.
    """

    field: str
    numbers: Sequence[int] | Ints
    negated: bool = False
    types: tuple[int, ...] = ()


class Word(Struct, frozen=True):
    """One word of text: the items whose names have it and the codes of the actions whose label has it."""

    items: tuple[int, ...]
    actions: tuple[int, ...]


class Plan(Struct, frozen=True, kw_only=True):
    """A query in numbers; `since` and `until` are half-open microseconds, `as_of` a log size.

    `hours` says which of a piece's times, ascending, are asked for; None for all.
    """

    since: int | None = None
    until: int | None = None
    clauses: tuple[Clause, ...] = ()
    text: tuple[Word, ...] = ()
    own: bool | None = None
    hours: Callable[[Ints], Mask] | None = None
    as_of: int


class Place(Struct, frozen=True, order=True):
    """A place in the order: (occurred_at, seq)."""

    at: int
    seq: int
