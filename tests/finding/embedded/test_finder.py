"""The embedded engine passes the one suite, with small segments and with none."""

import numpy as np
import pytest

from trailbook import operator
from trailbook.finding import BoundQuery, BoundTerm, OpenFinder, Sizes, open_embedded
from trailbook.finding.bound import key_of
from trailbook.query import Query
from trailbook.stores import MemoryStore
from trailbook.testing.finders import FinderConformance
from trailbook.testing.steady import new_log


class TestEmbedded(FinderConformance):
    @pytest.fixture(params=[Sizes(8, 32), Sizes()], ids=["sealed", "unsealed"])
    def open_finder(self, request: pytest.FixtureRequest) -> OpenFinder:
        return open_embedded(sizes=request.param)


def test_an_answer_is_remembered_by_a_digest_of_its_question() -> None:
    """A filter by a network may name every origin of a log, and so a few hundred answers would fill the memory."""
    many = np.arange(100_000)
    wide, other = (BoundQuery(as_of=1, terms=(BoundTerm("ip", items=items),)) for items in (many, many[1:]))
    assert len(key_of(wide)) == 16
    assert key_of(wide) != key_of(other)
    log = new_log(MemoryStore(), "acme")
    log.count(Query(), viewer=operator("acme"))
    log.facets(Query(), "action", viewer=operator("acme"))
    keys = [*log._finder._answers._values, *log._reader.figures._values]  # type: ignore[attr-defined]
    assert keys
    assert not [part for key in keys for part in key if isinstance(part, BoundQuery)]
