"""What a host or another engine tests with: a frozen clock, strategies, and the suites every store must pass.

`steady` needs nothing but Trailbook; `strategies` and `machines` need Hypothesis, `stores` needs pytest.
Refuses mocks: everything here is the real thing with time and randomness held still.
"""

from trailbook.testing.steady import KEYS, FrozenClock, Steady, new_log

__all__ = ["KEYS", "FrozenClock", "Steady", "new_log"]
