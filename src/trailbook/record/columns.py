"""Bodies as columns of the index, many at once: what verification compares with the index that is kept.

Owns reading a body into numbers a second time, apart from `row.py`, which the writer goes by. Refuses to look anything
up: items come by token, and what ends a target by action.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from trailbook.catalogue import Catalogue
from trailbook.index import CODED, Array, Codes, Fields, Ints, Lives
from trailbook.record.canonical import Body
from trailbook.record.row import alive_after, sixty_bits

_INSTANT = len("2026-11-02T08:15:00.123456Z")
_MARKS = {4: b"-", 7: b"-", 10: b"T", 13: b":", 16: b":", 19: b".", 26: b"Z"}
_DIGITS = [place for place in range(_INSTANT) if place not in _MARKS]
NumberedBody = tuple[int, Body]  # with its seq


class KnownItem(Protocol):
    """What of a directory row the index keeps."""

    @property
    def item(self) -> int: ...
    @property
    def type(self) -> str: ...


def body_fields(
    rows: Sequence[NumberedBody], items: Mapping[str, KnownItem], codes: Mapping[str, Codes]
) -> Fields:
    """The columns of these bodies; `items` by token.

    Raises: KeyError for a token that is not there; ValueError for a time that is none.
    """
    bodies = [body for _, body in rows]
    targets = [items[body.target] for body in bodies]
    concerned = [list(dict.fromkeys([items[c.item].item for c in body.concerns])) for body in bodies]
    numbers = {
        "seq": [seq for seq, _ in rows],
        "actor": [items[body.actor.item].item for body in bodies],
        "target": [target.item for target in targets],
        "source": [items[body.source].item for body in bodies],
        "behalf": [_item(items, body.on_behalf_of) for body in bodies],
        "origin": [_item(items, body.origin.item) for body in bodies],
        "correlation": [sixty_bits(body.correlation) for body in bodies],
        "cause": [sixty_bits(body.caused_by) for body in bodies],
    }
    people = zip(numbers["behalf"], numbers["actor"], numbers["target"], concerned, strict=True)
    numbers["own"] = [
        not behalf and (actor == target or actor in others) for behalf, actor, target, others in people
    ]
    words = _words(bodies, [target.type for target in targets])
    of = {name: np.asarray(column, np.int64) for name, column in numbers.items()}
    of |= {name: np.asarray(codes[name].all(words[name]), np.int64) for name in CODED}
    of["at"] = _microseconds([body.occurred_at for body in bodies])
    starts = np.concatenate([[0], np.cumsum([len(others) for others in concerned], dtype=np.int64)])
    return Fields(of, starts, np.asarray([item for others in concerned for item in others], np.int64))


def body_lives(
    rows: Sequence[NumberedBody], items: Mapping[str, KnownItem], endings: Mapping[str, bool | None]
) -> Lives:
    """When targets ended or came back in these bodies; `endings` as of `endings_of`. Raises: KeyError, ValueError."""
    ended = [
        (seq, body)
        for seq, body in rows
        if endings.get(body.action) is not None and body.outcome == "success"
    ]
    at = _microseconds([body.occurred_at for _, body in ended])
    return Lives(
        _array(items[body.target].item for _, body in ended),
        at,
        _array(seq for seq, _ in ended),
        _array(endings[body.action] for _, body in ended),
    )


def endings_of(catalogue: Catalogue) -> dict[str, bool | None]:
    """Of each declared action whether the target is there after it: no longer, again, or (None) as before."""
    return {action: alive_after(catalogue, action, "success") for action in catalogue.actions}


def _item(items: Mapping[str, KnownItem], token: str | None) -> int:
    return 0 if token is None else items[token].item


def _words(bodies: Sequence[Body], types: list[str]) -> dict[str, list[str]]:
    return {
        "kind": [body.actor.kind for body in bodies],
        "type": types,
        "category": [body.category for body in bodies],
        "action": [body.action for body in bodies],
        "outcome": [body.outcome for body in bodies],
        "interface": [body.origin.interface for body in bodies],
    }


def _array(numbers: Iterable[int | None]) -> Ints:
    return np.asarray(list(numbers), np.int64)


def _microseconds(instants: Sequence[str]) -> Ints:
    """Instants as bodies write them, in microseconds since 1970. Raises: ValueError."""
    if not instants:
        return _array(())
    if {*map(len, instants)} != {_INSTANT}:
        raise ValueError("a time is not written as in a body")
    letters: Array = np.frombuffer("".join(instants).encode("ascii"), np.uint8).reshape(-1, _INSTANT)
    digits = letters[:, _DIGITS]
    marked = all((letters[:, place] == mark[0]).all() for place, mark in _MARKS.items())
    if not marked or digits.min() < ord("0") or digits.max() > ord("9"):
        raise ValueError("a time is not written as in a body")
    texts: Array = letters[:, : _INSTANT - 1].copy().view(f"S{_INSTANT - 1}").ravel()
    return texts.astype("M8[us]").astype(np.int64)
