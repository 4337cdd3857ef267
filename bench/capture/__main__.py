"""`make bench-capture [ARGS="--rows N --write"]`: what capture adds to a host's writes, beside no audit and others.

Owns the command line. Refuses nothing: what it prints says which ways left no trace.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.capture.table import lines
from bench.capture.turns import WAYS, Subject, everything, turn_of

_DOCS = Path(__file__).parents[2] / "docs" / "benchmarks.capture.md"


def main(given: Sequence[str]) -> int:
    """Measure every way and print the page; with `--way`, one in this process."""
    parser = argparse.ArgumentParser("bench.capture", description=__doc__)
    parser.add_argument("--rows", type=int, default=1000, help="rows a transaction in bulk")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.capture.md")
    parser.add_argument("--orm", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    asked = parser.parse_args(given)
    if asked.way:
        turn = turn_of(Subject(asked.orm, asked.way, asked.url), asked.rows)
        sys.stdout.buffer.write(msgspec.json.encode(turn))
        return 0
    page = "\n".join(lines(everything(asked.rows), asked.rows)) + "\n"
    print(page, end="")
    if asked.write:
        _DOCS.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
