"""What a host or another engine tests with: a frozen clock, strategies, and a suite for each part of a store.

`steady` needs nothing but Trailbook; `strategies` and `machines` need Hypothesis, the suites (`stores` and those of its
parts, `registries`, `processes`) need pytest.
Refuses mocks: everything here is the real thing with time and randomness held still.
"""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
