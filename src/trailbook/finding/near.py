"""Near names: whom somebody may have meant by a name that nobody has.

Owns how far a word may lie from one that was typed, and how much is looked at: every word of the directory once, then
at most so many items. Refuses an item that whoever asks could not have found by its own name, and to remember a word:
each question reads them anew, so that none outlives an erasure.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from trailbook.finding.answers import FoundItem
from trailbook.finding.finder import sight
from trailbook.finding.namesakes import told_apart
from trailbook.finding.reader import Reader
from trailbook.finding.typeahead import ItemQuery, Named, find_items, named_items, offer, visible_items
from trailbook.index import Ints
from trailbook.query import words
from trailbook.stores import Identity

NEAR = 3  # names that are offered
_LONGEST, _MOST_WORDS = 24, 6  # letters of a word, and words of what was typed
_PAIRS, _ITEMS, _CHUNK = 50_000, 1_000, 100
_MISSING = 3  # what a typed word costs that no word of an item is near
Letters = npt.NDArray[np.uint32]
Distances = npt.NDArray[np.int8]
Costs = dict[str, int]  # by folded word: how far it lies from one that was typed


class Meant(Struct, frozen=True):
    """Who is meant by a typed name: the `items` that have it, or, where there are none, those with the `near`est."""

    items: tuple[FoundItem, ...]
    near: tuple[FoundItem, ...] = ()


def meant_items(reader: Reader, query: ItemQuery) -> Meant:
    """Whom a typed name means, or whom it may have meant. Raises: as `find_items`."""
    items = find_items(reader, query)
    return Meant(tuple(items)) if items else Meant((), tuple(_near_items(reader, query)))


def _near_items(reader: Reader, query: ItemQuery) -> list[FoundItem]:
    typed = words(query.q)
    if not typed or len(typed) > _MOST_WORDS:
        return []
    costs = costs_of(typed, reader.store.vocabulary(reader.org))
    seen = sight(reader.finder, query.sees)

    def fits(versions: Sequence[Identity]) -> bool:
        own = {word for version in versions for word in words(version.name or "")}
        return _total([min((of[word] for word in own & of.keys()), default=None) for of in costs]) is not None

    named = _named(reader, _nearest(reader, costs), query)
    chosen = islice(visible_items(reader, named, query, fits), min(query.limit, NEAR))
    offers = [(known[0].item, offer(reader, now, known, seen=seen)) for now, known in chosen]
    return told_apart(reader, offers, seen)


def _nearest(reader: Reader, costs: Sequence[Costs]) -> list[int]:
    """Items that have a word near each typed one, or all but one of three or more; the nearest first."""
    parts: dict[int, list[int | None]] = {}
    for at, of in enumerate(costs):
        for word, item in reader.store.items_of_words(reader.org, sorted(of, key=lambda w: of[w]), _PAIRS):
            best = parts.setdefault(item, [None] * len(costs))
            best[at] = of[word] if best[at] is None else min(of[word], best[at] or 0)
    totals = ((_total(best), item) for item, best in parts.items())
    return [item for _, item in sorted((total, item) for total, item in totals if total is not None)][:_ITEMS]


def _total(costs: Sequence[int | None]) -> int | None:
    """How far a name lies from the typed one, or None where it is another."""
    missing = costs.count(None)
    if missing > (1 if len(costs) > 2 else 0):
        return None
    return missing * _MISSING + sum(cost for cost in costs if cost is not None)


def _named(reader: Reader, numbers: Sequence[int], query: ItemQuery) -> Iterator[Named]:
    """Items with their names, some at a time: mostly the first ones are all that is needed."""
    for start in range(0, len(numbers), _CHUNK):
        yield from named_items(reader, numbers[start : start + _CHUNK], query)


def costs_of(typed: Sequence[str], vocabulary: Sequence[str]) -> list[Costs]:
    """For each typed word the words that are near it, and how far they lie from it.

    One letter may be wrong, missing, too many, or have changed places with the next; two in a word of six letters or
    more. A word that begins with the typed one lies as far as one with a wrong letter.
    """
    # All words at once, a letter of each at a time: one by one they would take a second.
    short = [word for word in vocabulary if len(word) <= _LONGEST]
    letters = np.array(short, dtype=f"U{_LONGEST}").view(np.uint32).reshape(len(short), _LONGEST)
    lengths = np.count_nonzero(letters, axis=1)
    return [_costs(word, short, letters, lengths) for word in typed]


def _costs(typed: str, among: Sequence[str], letters: Letters, lengths: Ints) -> Costs:
    if len(typed) > _LONGEST:
        return {}
    reach = 0 if len(typed) == 1 else 1 if len(typed) < 6 else 2
    near = np.flatnonzero(abs(lengths - len(typed)) <= reach)
    distances = _distances(typed, letters[near], lengths[near])
    hits = np.flatnonzero(distances <= reach)
    beginning = {word: 1 for word in among if word.startswith(typed)}
    return beginning | {among[near[hit]]: int(distances[hit]) for hit in hits}


def _distances(typed: str, letters: Letters, lengths: Ints) -> Distances:
    """How many letters have to change until each word is the typed one; two that change places are one change.

    Source: the restricted edit distance, L. Boytsov, Indexing methods for approximate dictionary searching (2011).
    """
    wide, columns = len(lengths), np.ascontiguousarray(letters.T)
    longest = int(lengths.max(initial=0))
    before = last = [np.full(wide, at, np.int8) for at in range(longest + 1)]
    for row, letter in enumerate(map(ord, typed), 1):
        here = [np.full(wide, row, np.int8)]
        for at in range(1, longest + 1):
            best = np.minimum(last[at - 1] + (columns[at - 1] != letter), np.minimum(last[at], here[-1]) + 1)
            if row > 1 and at > 1:
                swapped = (columns[at - 1] == ord(typed[row - 2])) & (columns[at - 2] == letter)
                best = np.where(swapped, np.minimum(best, before[at - 2] + 1), best)
            here.append(best)
        before, last = last, here
    return np.stack(last)[lengths, np.arange(wide)]
