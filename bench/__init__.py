"""Benchmarks: what Trailbook costs, measured beside a control in the same run.

Owns the workloads and what is written to `docs/benchmarks.*`. Refuses to judge: a goal that is missed is
printed as missed, and no test asserts a time.
"""
