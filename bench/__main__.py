"""`python -m bench [proofs|record|search|serving|all] [--size SIZE]...`: measure, print a table, and write it down.

Owns the arguments. A size is a number with `k` or `m`; `--size record=1m` is for one part alone.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console

from bench import proofs, record, report, search, serving
from bench.measuring import Row, number, tell
from bench.site import Site

PARTS: dict[str, Callable[[Site, int], Iterator[Row]]] = {
    "proofs": proofs.run,
    "record": record.run,
    "search": search.run,
    "serving": serving.run,
}
_SIZE = "100k"
_LEAST = 1_000
_DOCS = Path(__file__).parent.parent / "docs"


def size_of(text: str) -> int:
    """The number of entries that `2k`, `10m` or `5000` says. Raises: ValueError."""
    times = {"k": 1_000, "m": 1_000_000}.get(text[-1:].lower(), 1)
    found = int(text[:-1] if times > 1 else text) * times
    if found < _LEAST:
        raise ValueError(f"--size: {text} is less than {_LEAST:,} entries")
    return found


def sizes_of(given: Sequence[str]) -> dict[str, int]:
    """The size of each part; one without a part is everybody's. Raises: ValueError."""
    found = dict.fromkeys(PARTS, size_of(_SIZE))
    for part, _, size in sorted(text.rpartition("=") for text in given):
        if part and part not in PARTS:
            raise ValueError(f"--size: there is no part {part!r}; {', '.join(PARTS)}")
        found.update(dict.fromkeys([part] if part else PARTS, size_of(size)))
    return found


def main(given: Sequence[str]) -> int:
    """Run the parts asked for; 2 when the arguments make no sense."""
    parser = argparse.ArgumentParser(
        "bench", description="Benchmarks of Trailbook, with a control beside each."
    )
    parser.add_argument("part", nargs="?", default="all", choices=[*PARTS, "all"])
    parser.add_argument("--size", action="append", default=[], help="entries: 100k, 1m, 10m, or record=1m")
    parser.add_argument("--dir", type=Path, help="where logs are built (a temporary folder otherwise)")
    parser.add_argument("--write", action="store_true", help="write benchmarks.json and .md")
    parser.add_argument("--to", type=Path, default=_DOCS, help="the folder they are written to (docs)")
    asked = parser.parse_args(given)
    try:
        sizes = sizes_of(asked.size)
    except ValueError as error:
        parser.error(str(error))
    chosen = [part for part in PARTS if asked.part in (part, "all")]
    with tempfile.TemporaryDirectory(prefix="trailbook-bench-", dir=asked.dir) as folder:
        rows = measured(Path(folder), {part: sizes[part] for part in chosen})
    report.show(rows, Console(width=None if sys.stdout.isatty() else 240))
    if asked.write:
        report.write(rows, asked.to, " ".join(given))
    return 0


def measured(folder: Path, sizes: dict[str, int]) -> list[Row]:
    """The rows of these parts at these sizes, in a folder that is theirs."""
    site = Site(folder)
    try:
        return [told(row) for part, size in sizes.items() for row in PARTS[part](site, size)]
    finally:
        site.close()


def told(row: Row) -> Row:
    """The same row, said as soon as it is known: a long run may be cut short."""
    tell(f"{row.name}: {number(row.value)} {row.unit}")
    return row


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
