"""An engine written against the protocol alone passes the one suite, and one that breaks a promise does not."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs
from tests.finding.toy.finder import ToyFinder, open_toy

from trailbook.finding import BoundQuery, FinderMeans, OpenedFinder, OpenFinder
from trailbook.testing.finders import FinderConformance, Trial


class TestToy(FinderConformance):
    @pytest.fixture
    def open_finder(self) -> OpenFinder:
        return open_toy


class CountsWhatIsHidden(ToyFinder):
    def count(self, query: BoundQuery) -> int:
        return super().count(structs.replace(query, hidden=()))


class SeesWhatCameLater(ToyFinder):
    def count(self, query: BoundQuery) -> int:
        return super().count(structs.replace(query, as_of=self.reached))


class KeepsErasuresToItself(ToyFinder):
    def __init__(self, means: FinderMeans) -> None:
        super().__init__(structs.replace(means, erasures=type(means.erasures)()))


class ForgetsWhatWasRestored(ToyFinder):
    def present(self, query: BoundQuery, field: str, among: Any = ()) -> set[Any]:
        return super().present(query, field, among) | (set(among[:1]) if field == "ended" else set())


def whole(open_finder: OpenFinder) -> Trial:
    """A log with something of everything."""
    trial = Trial(open_finder)
    for step in (lambda: trial.grow(40), trial.erase, lambda: trial.grow(9), trial.prune):
        step()
    return trial


SUITE = FinderConformance()
BROKEN: dict[type[ToyFinder], Callable[[OpenFinder], None]] = {
    CountsWhatIsHidden: lambda engine: SUITE.test_page_count_and_seqs(whole(engine)),
    SeesWhatCameLater: SUITE.test_readers_beside_a_writer,
    KeepsErasuresToItself: SUITE.test_an_erasure_is_announced_before_anything_is_answered,
    ForgetsWhatWasRestored: SUITE.test_what_ended,
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_a_broken_promise_is_noticed(broken: type[ToyFinder]) -> None:
    """Each of these engines breaks one promise; the toy itself, which keeps it, is not refused."""
    BROKEN[broken](open_toy)
    with pytest.raises(AssertionError):
        _try_often(BROKEN[broken], lambda means: OpenedFinder(broken(means)))


def _try_often(promise: Callable[[OpenFinder], None], engine: OpenFinder) -> None:
    for _ in range(20):  # threads meet by chance
        promise(engine)
