"""What stands beside the tests of exports is imported by its own name; the log under hostile names is made once."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trailbook import Log

sys.path.insert(0, str(Path(__file__).parent))

from tables import hostile_log  # found by the line above


@pytest.fixture(scope="session")
def hostile() -> Iterator[Log]:
    """A log with every kind of entry that a sentence tells apart, under hostile names; it is only read."""
    yield from hostile_log()
