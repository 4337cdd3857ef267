"""Tests that mount file systems need root, and some are of `make torture` alone: elsewhere they are left out by name.

In CI none that needs root is ever left out. Where tests run side by side, those that sync the whole machine stay
together, and so behind each other.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.amounts import RUN


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes, writable again when it goes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        subprocess.run(["umount", str(disk)], check=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot be answered here."""
    able = os.getuid() == 0 or bool(os.environ.get("CI"))
    left = [item for item in items if _left_out(item, able=able)]
    for item in left:
        print(f"left out here: {item.nodeid}")
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


def _left_out(item: pytest.Item, *, able: bool) -> bool:
    tortures = any(item.get_closest_marker(name) for name in ("torture", "needs_quiet"))
    return (tortures and not RUN) or (item.get_closest_marker("needs_root") is not None and not able)
