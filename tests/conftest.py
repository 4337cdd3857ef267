"""Hypothesis for the whole suite: the same examples every time, no deadline, for nothing timed is asserted."""

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, database=None, max_examples=60)
settings.register_profile("search", derandomize=False, deadline=None, max_examples=2000)
settings.load_profile("ci")
