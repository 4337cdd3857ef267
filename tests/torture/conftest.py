"""Tests that mount file systems need root, and some need a quiet machine: elsewhere they are left out by name.

In CI none that needs root is ever left out.
"""

import os

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot be answered here."""
    able = os.getuid() == 0 or bool(os.environ.get("CI"))
    full = os.environ.get("TRAILBOOK_TORTURE") == "1"
    left = [item for item in items if _cannot(item, able=able, full=full)]
    for item in left:
        print(f"left out here: {item.nodeid}")
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


def _cannot(item: pytest.Item, *, able: bool, full: bool) -> bool:
    needs_root = item.get_closest_marker("needs_root") is not None
    needs_quiet = item.get_closest_marker("needs_quiet") is not None
    return (needs_root and not able) or (needs_quiet and not full)
