"""What is remembered: so much and no more, made once, and nothing of anybody who was erased."""

import gc
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from markupsafe import Markup
from msgspec import structs

from trailbook import Log, operator
from trailbook.finding.embedded.finder import EmbeddedFinder
from trailbook.finding.memo import Erasures, Memo
from trailbook.finding.rows import ExportLines, RowSource
from trailbook.query import from_params
from trailbook.testing import FrozenClock
from trailbook.testing.small import ANNA, ORG, WEB, assigned, grow, opened, person
from trailbook.web.http.row_cache import Drawing, RowCache, RowList

ROLES = from_params([("category", "roles")])
ERASED, OTHER = "Quixote101", "Quixote102"


def filled(most: int, keys: Iterable[int]) -> Memo[int, str]:
    memo = Memo[int, str](most)
    for key in keys:
        memo.put(key, str(key))
    return memo


def held(memo: Memo[int, str], keys: Iterable[int]) -> list[int]:
    return [key for key in keys if memo.peek(key) is not None]


def doubled(keys: set[int]) -> dict[int, str]:
    """Twice each number; of those below 0 nothing."""
    return {key: str(key * 2) for key in keys if key >= 0}


def test_whatever_was_used_longest_ago_goes_first() -> None:
    """To get, to put again and to ask for among others is to use; to peek is not."""
    memo = filled(4, range(4))
    assert (memo.get(0), memo.peek(1)) == ("0", "1")
    memo.put(2, "two")
    memo.values([3], doubled)
    memo.put(4, "4")
    assert held(memo, range(5)) == [0, 2, 3, 4]
    memo.put(5, "5")
    assert held(memo, range(6)) == [2, 3, 4, 5]
    assert memo.get(2) == "two"
    assert memo.get(9) is None


def test_what_is_missing_is_made_and_the_rest_is_not() -> None:
    """Of many all that are missing are made at once; what cannot be made is left out, and is asked for again."""
    memo, asked = filled(10, range(3)), list[set[int]]()

    def make(keys: set[int]) -> dict[int, str]:
        asked.append(keys)
        return doubled(keys)

    assert memo.values([1, 2, 3, 4, -1, 1], make) == {1: "1", 2: "2", 3: "6", 4: "8"}
    assert memo.values([3, 4], make) == {3: "6", 4: "8"}
    assert memo.values([-1], make) == {}
    assert asked == [{3, 4, -1}, {-1}]
    assert memo.value(3, lambda: "again") == "6"
    assert memo.value(7, lambda: "new") == memo.value(7, lambda: "again") == "new"


def test_more_than_there_is_room_for_is_answered_whole() -> None:
    """An answer does not depend on how much is remembered of it."""
    memo = filled(3, [1])
    assert memo.values(range(10), doubled) == doubled(set(range(10))) | {1: "1"}
    assert len(memo) == 3


def test_what_is_made_during_an_erasure_is_not_remembered() -> None:
    """A name that was read before it was erased is not put in after; without the erasure it is."""
    erasures = Erasures()
    memo = Memo[int, str](9, erasures)
    for announce in (True, False):

        def make(keys: set[int], *, erased: bool = announce) -> dict[int, str]:
            if erased:
                erasures.announce()
            return doubled(keys)

        assert memo.values([1, 2], make) == {1: "2", 2: "4"}
        assert memo.value(3, lambda make=make: make({3})[3]) == "6"
        assert held(memo, range(4)) == ([] if announce else [1, 2, 3])


def test_what_is_dropped_while_it_is_made_is_not_remembered() -> None:
    """It was read from what changed meanwhile; what is made beside it is remembered, and so is what is made next."""
    memo = Memo[int, str](9)

    def make(keys: set[int]) -> dict[int, str]:
        memo.drop(2)
        return doubled(keys)

    assert memo.values([1, 2, 3], make) == {1: "2", 2: "4", 3: "6"}
    assert held(memo, range(9)) == [1, 3]
    assert memo.values([2], doubled) == {2: "4"}
    assert held(memo, range(9)) == [1, 2, 3]


def test_what_cannot_be_made_is_made_anew() -> None:
    memo = Memo[int, str](9)

    def broken() -> str:
        raise ValueError("nothing comes of it")

    with pytest.raises(ValueError, match="nothing"):
        memo.value(1, broken)
    assert (memo.value(1, lambda: "made"), memo._making) == ("made", {})


@pytest.mark.parametrize("since", [0, 1])
def test_what_took_several_steps_is_kept_where_nobody_was_erased_since(since: int) -> None:
    erasures = Erasures()
    memo, other = Memo[int, str](2, erasures), filled(9, [1])
    erasures.announce()
    erasures.keep(memo, {1: "1", 2: "2", 3: "3"}, since)
    erasures.keep(other, {2: "2"}, since)
    assert held(memo, range(9)) == ([2, 3] if since == 1 else [])
    assert held(other, range(9)) == ([1, 2] if since == 1 else [1])


def test_threads_share_a_memory() -> None:
    """However many ask and empty it at once, it holds no more than it may, and each is answered with what it asked."""
    memo, wrong = Memo[int, str](20), list[dict[int, str]]()

    def ask(first: int) -> None:
        for at in range(300):
            keys = range(first + at % 40, first + at % 40 + 8)
            answer = memo.values(keys, lambda wanted: doubled(wanted))
            wrong.extend([answer] if answer != doubled(set(keys)) else [])
            memo.drop(first + at % 40)
            if at % 50 == 0:
                memo.clear()

    threads = [threading.Thread(target=ask, args=(first,)) for first in (0, 5, 10, 15)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(memo) <= 20
    assert memo._making == {}


def test_an_announcement_reaches_what_somebody_still_holds() -> None:
    """Every memory made known is emptied, then and whenever it was made known; what is dropped is not held for it."""
    erasures = Erasures()
    early, late, apart = Memo[int, str](9, erasures), filled(9, [1]), filled(9, [1])
    early.put(1, "1")
    erasures.reach(late)
    assert erasures.count == 0
    erasures.announce()
    assert (len(early), len(late), len(apart), erasures.count) == (0, 0, 1, 1)
    del early
    gc.collect()
    assert set(erasures._memos) == {late}


def memories(log: Log, lines: ExportLines, cache: RowCache) -> dict[str, Memo]:  # type: ignore[type-arg]
    """Every memory of a log, of an export from it and of the pages, by what it holds."""
    reader, finder = log._reader, log._finder
    assert isinstance(finder, EmbeddedFinder)
    return {
        "identities": reader.items.identities._cited,
        "versions": reader.items.identities._versions,
        "names now": reader.items._names,
        "answers": finder._answers,
        "addresses": reader.origins._read,
        "labels of actions": reader.action_words._labels,
        "sentences": reader.sentences._by_words,
        "sentences of entries": reader.sentences._by_entry,
        "entries": reader.shown_lately._entries,
        "names in order": reader.folded,
        "figures": reader.figures,
        "faces": lines._faces,
        "shapes": lines._speech._shapes,
        "rows": cache._lists,
    }


NAMELESS = {"labels of actions", "shapes", "answers", "addresses"}


def read(log: Log, lines: ExportLines, cache: RowCache) -> None:
    """Read a log in every way that remembers something."""
    at = RowList(log._erasures, log._erasures.count, "address")
    page = log.search(ROLES, viewer=operator(ORG), order="asc", limit=5)
    drawn = cache.recall(at, page.entries)
    new = {e.id: Drawing("today", Markup(e.sentence)) for e in page.entries if e.id not in drawn}
    cache.keep(at, page.entries, {**drawn, **new})
    log.facets(ROLES, "concerns", viewer=operator(ORG))
    log.count(from_params([("text", "given"), ("ip", "192.0.2.7")]), viewer=operator(ORG))
    assert [line.sentence for line in lines.batch([entry.seq for entry in page.entries])]


def naming(name: str, memos: dict[str, Memo]) -> set[str]:  # type: ignore[type-arg]
    """The memories in which a name stands."""
    return {what for what, memo in memos.items() if name.casefold() in str(memo._values.items()).casefold()}


@pytest.mark.parametrize("elsewhere", [False, True])
def test_nothing_of_whoever_was_erased_is_remembered(tmp_path: Path, *, elsewhere: bool) -> None:
    """An erasure, here or in another process, empties every memory there is, and no reading brings a name back."""
    clock = FrozenClock()
    here = opened(tmp_path, clock)
    log = here.create(ORG)
    grow(log, clock, 3)
    for number in (101, 102):  # under a second name
        entry = assigned(clock, number)
        renamed = structs.replace(entry.concerns[0], name=f"Yorick Quixote{number}")
        log.record_many([structs.replace(entry, concerns=(renamed,))])
    lines, cache = (
        ExportLines(RowSource(reader=log._reader, sees=lambda category: True, lang="en")),
        RowCache(),
    )
    for _ in range(2):  # the first reading is an entry
        read(log, lines, cache)
    memos = memories(log, lines, cache)
    assert set(log._erasures._memos) == set(memos.values())  # the control: there are no others
    assert naming(ERASED, memos) == naming(OTHER, memos) == memos.keys() - NAMELESS  # and there was something
    assert all(len(memo) for memo in memos.values())

    eraser = opened(tmp_path, clock, create=False).log(ORG) if elsewhere else log
    eraser.erase(person(101), actor=ANNA, origin=WEB)
    if elsewhere:
        assert naming(ERASED, memos)  # nobody has read what the other process wrote
        log.item("user", "u-0", viewer=operator(ORG))
    assert [len(memo) for memo in memos.values()] == [0] * len(memos)

    for _ in range(2):
        read(log, lines, cache)
    assert naming(ERASED, memos) == set()
    assert naming(OTHER, memos) == memos.keys() - NAMELESS
