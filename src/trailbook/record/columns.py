"""Bodies as columns of the index, many at once: what verification compares with the index that is kept.

Owns reading a body into numbers a second time, apart from `row.py`, which the writer goes by. Refuses to look anything
up: items come by token, and what ends a target by action.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from trailbook.catalogue import Catalogue
from trailbook.index import Array, Codes, Fields, Ints, Lives
from trailbook.record.canonical import Body
from trailbook.record.row import alive_after, sixty_bits

_FORM = np.frombuffer(b"0000-00-00T00:00:00.000000Z", np.uint8)
_INSTANT = len(_FORM)
_DIGITS = ord("0") == _FORM
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
    # As few steps an entry as can be, and written out: this is done for every entry of a log.
    of = {
        "seq": _array([seq for seq, _ in rows]),
        "at": _microseconds([body.occurred_at for body in bodies]),
        "actor": _array([items[body.actor.item].item for body in bodies]),
        "target": _array([target.item for target in targets]),
        "source": _array([items[body.source].item for body in bodies]),
        "behalf": _array([0 if (t := body.on_behalf_of) is None else items[t].item for body in bodies]),
        "origin": _array([0 if (t := body.origin.item) is None else items[t].item for body in bodies]),
        "correlation": _array([0 if (c := body.correlation) is None else sixty_bits(c) for body in bodies]),
        "cause": _array([0 if (c := body.caused_by) is None else sixty_bits(c) for body in bodies]),
        **_coded(bodies, targets, codes),
    }
    owner, concerned = _concerned(bodies, items)
    mine = np.zeros(len(bodies), np.bool_)
    mine[owner[concerned == of["actor"][owner]]] = True
    of["own"] = ((of["behalf"] == 0) & (mine | (of["actor"] == of["target"]))).astype(np.int64)
    counts = np.bincount(owner, minlength=len(bodies))
    return Fields(of, np.concatenate([[0], np.cumsum(counts)]), concerned)


def body_lives(
    rows: Sequence[NumberedBody], items: Mapping[str, KnownItem], endings: Mapping[str, bool | None]
) -> Lives:
    """When targets ended or came back in these bodies; `endings` as of `endings_of`. Raises: KeyError, ValueError."""
    ended = [
        (seq, body, alive)
        for seq, body in rows
        if (alive := endings.get(body.action)) is not None and body.outcome == "success"
    ]
    return Lives(
        _array([items[body.target].item for _, body, _ in ended]),
        _microseconds([body.occurred_at for _, body, _ in ended]),
        _array([seq for seq, _, _ in ended]),
        _array([alive for _, _, alive in ended]),
    )


def endings_of(catalogue: Catalogue) -> dict[str, bool | None]:
    """Of each declared action whether the target is there after it: no longer, again, or (None) as before."""
    return {action: alive_after(catalogue, action, "success") for action in catalogue.actions}


def _concerned(bodies: Sequence[Body], items: Mapping[str, KnownItem]) -> tuple[Ints, Ints]:
    """The items that these bodies concern, each once for a body, and to which of them each belongs."""
    owner = np.repeat(np.arange(len(bodies)), [len(body.concerns) for body in bodies])
    concerned = _array([items[concern.item].item for body in bodies for concern in body.concerns])
    pairs = owner * (concerned.max(initial=0) + 1) + concerned
    first = np.sort(np.unique(pairs, return_index=True)[1])
    return owner[first], concerned[first]


def _coded(
    bodies: Sequence[Body], targets: Sequence[KnownItem], codes: Mapping[str, Codes]
) -> dict[str, Ints]:
    words: dict[str, list[str]] = {
        "kind": [body.actor.kind for body in bodies],
        "type": [target.type for target in targets],
        "category": [body.category for body in bodies],
        "action": [body.action for body in bodies],
        "outcome": [body.outcome for body in bodies],
        "interface": [body.origin.interface for body in bodies],
    }
    return {name: _array(codes[name].all(column)) for name, column in words.items()}


def _array(numbers: Sequence[int]) -> Ints:
    return np.fromiter(numbers, np.int64, len(numbers))


def _microseconds(instants: Sequence[str]) -> Ints:
    """Instants as bodies write them, in microseconds since 1970. Raises: ValueError."""
    if not instants:
        return _array(())
    letters: Array = np.frombuffer("".join(instants).encode("ascii"), np.uint8).reshape(len(instants), -1)
    if not ((letters == _FORM) | (_DIGITS & (letters - ord("0") < 10))).all():
        raise ValueError("a time is not written as in a body")
    texts: Array = letters[:, : _INSTANT - 1].copy().view(f"S{_INSTANT - 1}").ravel()
    return texts.astype("M8[us]").astype(np.int64)
