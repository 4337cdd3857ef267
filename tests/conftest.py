"""Hypothesis for the whole suite: the same examples every time, no deadline, for nothing timed is asserted."""

from hypothesis import Phase, settings

# Without the phase that explains a failure: it may take minutes, and the example says enough.
PHASES = (Phase.explicit, Phase.generate, Phase.shrink)
settings.register_profile(
    "ci", derandomize=True, deadline=None, database=None, max_examples=60, phases=PHASES
)
settings.register_profile("search", derandomize=False, deadline=None, max_examples=2000)
settings.load_profile("ci")
