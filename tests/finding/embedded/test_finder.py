"""The embedded engine passes the one suite, with small segments and with none."""

import pytest

from trailbook.finding import OpenFinder, Sizes, open_embedded
from trailbook.testing.finders import FinderConformance


class TestEmbedded(FinderConformance):
    @pytest.fixture(params=[Sizes(8, 32), Sizes()], ids=["sealed", "unsealed"])
    def open_finder(self, request: pytest.FixtureRequest) -> OpenFinder:
        return open_embedded(sizes=request.param)
