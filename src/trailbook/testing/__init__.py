"""What a host or another engine tests with: a frozen clock, strategies, and the suites every store must pass.

`steady` needs nothing but Trailbook; `strategies` and `machines` need Hypothesis, `stores` needs pytest.
Refuses mocks: everything here is the real thing with time and randomness held still.
"""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
