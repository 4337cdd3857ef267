"""An empty log."""

from collections.abc import Iterator

import pytest

from trailbook import Log
from trailbook.deployment.opening import open_deployment


@pytest.fixture
def log() -> Iterator[Log]:
    """An empty log of the organisation acme."""
    deployment = open_deployment("memory:")
    yield deployment.create("acme")
    deployment.close()
