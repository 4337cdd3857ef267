"""Power cuts: the file system as the disk had it, at any moment, holds all that was acknowledged.

The log lies on a file system inside a file. What that file holds is what reached the disk: pages that wait in memory
are not in it. So a copy of it, taken after the last acknowledgement was read, is what a machine finds after its power
was cut. With durability switched off the same verdict must find losses.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.amounts import amount
from tests.torture.judging import acknowledged, faults
from tests.torture.scenarios import begin
from tests.torture.test_writers import writers

CUTS = amount(2, 8, 30)
CONTROLS = 6
_SIZE = 96 * 2**20

# One group: each flushes what the other counts on being in memory still.
pytestmark = [pytest.mark.needs_root, pytest.mark.xdist_group("power")]


@contextmanager
def mounted(image: Path, place: Path) -> Iterator[None]:
    """A file system in a file, mounted."""
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def cut(folder: Path, seed: int, *weak: str) -> tuple[list[str], int]:
    """Record inside an image, cut the power at a random moment; what is wrong after that, of how many entries."""
    image, after = folder / "image", folder / "after"
    with image.open("wb") as file:
        file.truncate(_SIZE)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    output = folder / "output"
    with mounted(image, folder / "disk"):
        begin(folder / "disk")
        os.sync()
        with writers(folder / "disk", output, seed, *weak) as process:
            until = time.monotonic() + 60
            while output.stat().st_size < 4_000 and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(random.Random(seed).random())
            lines = acknowledged(
                output.read_text("utf-8")
            )  # read before the copy: whatever is in it was promised
            process.send_signal(signal.SIGSTOP)
            shutil.copyfile(image, after)
    with mounted(after, folder / "found"):
        wrong = faults(folder / "found", lines)
    image.unlink()
    after.unlink()
    return wrong, len(lines)


def test_power_cuts_lose_nothing(tmp_path: Path) -> None:
    """Of what was acknowledged before the power went, nothing is lost, doubled or torn."""
    count = 0
    for number in range(CUTS):
        wrong, lines = cut(tmp_path, number)
        count += lines
        assert wrong == [], f"cut {number}"
    print(f"{CUTS} power cuts, {count} acknowledged entries, all stable")
    assert count > 20 * CUTS


def test_without_durability_the_same_cuts_lose(tmp_path: Path) -> None:
    """The control: with `synchronous = OFF` some cut loses acknowledged entries, or the copy would prove nothing."""
    assert any(cut(tmp_path, number, "weak")[0] for number in range(CONTROLS))
