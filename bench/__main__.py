"""`python -m bench [PART] [--only PARTS] [--size SIZE]... [--log FILE] [--write]`: measure, print, write it down.

Owns the arguments. A size is a number with `k` or `m`; `--size record=1m` is for one part alone.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct, structs
from rich.console import Console

from bench import adapters, crash, equal, export, many, proofs, record, report, search, serving
from bench.measuring import Row, number, tell
from bench.site import ORG, Site
from trailbook.stores import open_store

PARTS: dict[str, Callable[[Site, int], Iterator[Row]]] = {
    "record": record.run,
    "search": search.run,
    "equal": equal.run,
    "export": export.run,
    "serving": serving.run,
    "proofs": proofs.run,
    "many": many.run,
    "import": adapters.run,
    "crash": crash.run,
}
_SIZE = "100k"
_LEAST = 1_000
_DOCS = Path(__file__).parent.parent / "docs"


def size_of(text: str) -> int:
    """The number of entries that `2k`, `10m` or `5000` says. Raises: ValueError."""
    times = {"k": 1_000, "m": 1_000_000}.get(text[-1:].lower(), 1)
    count = int(text[:-1] if times > 1 else text) * times
    if count < _LEAST:
        raise ValueError(f"--size: {text} is less than {_LEAST:,} entries")
    return count


def sizes_of(given: Sequence[str]) -> dict[str, int]:
    """The size of each part; one without a part is everybody's. Raises: ValueError."""
    sizes = dict.fromkeys(PARTS, size_of(_SIZE))
    for part, _, size in sorted(text.rpartition("=") for text in given):
        if part and part not in PARTS:
            raise ValueError(f"--size: there is no part {part!r}; {', '.join(PARTS)}")
        sizes.update(dict.fromkeys([part] if part else PARTS, size_of(size)))
    return sizes


def main(given: Sequence[str]) -> int:
    """Run the parts asked for; 2 when the arguments make no sense."""
    parser = _parser()
    asked = parser.parse_args(given)
    try:
        sizes = sizes_of(asked.size)
        chosen = parts_of(asked.only or asked.part)
    except ValueError as error:
        parser.error(str(error))
    if asked.log:
        sizes = dict.fromkeys(PARTS, _stored(asked.log))
    write = partial(report.write, folder=asked.to) if asked.write else None
    with tempfile.TemporaryDirectory(prefix="trailbook-bench-", dir=asked.dir) as folder:
        site = Site(Path(folder), asked.log)
        run = report.of_now(_arguments(given))
        rows = measured(site, {part: sizes[part] for part in chosen}, Writing(run, write))
    report.show(rows, Console(width=None if sys.stdout.isatty() else 240))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "bench", description="Benchmarks of Trailbook, with a control beside each."
    )
    parser.add_argument("part", nargs="?", default="all", choices=[*PARTS, "all"])
    parser.add_argument("--only", help=f"some parts: {','.join(PARTS)}")
    parser.add_argument("--size", action="append", default=[], help="entries: 100k, 1m, 10m, or record=1m")
    parser.add_argument(
        "--log", type=Path, help="a log built before, of organisation bench; it is sealed and signed"
    )
    parser.add_argument("--dir", type=Path, help="where logs are built (a temporary folder otherwise)")
    parser.add_argument(
        "--write", action="store_true", help="write benchmarks.json, .md and .svg after every row"
    )
    parser.add_argument("--to", type=Path, default=_DOCS, help="the folder they are written to (docs)")
    return parser


def _arguments(given: Sequence[str]) -> str:
    """The arguments as they are written down: a log built before is told, where things lie is nobody's matter."""
    places = [at for at, word in enumerate(given) if word in ("--dir", "--to")]
    kept = [word for at, word in enumerate(given) if at not in places and at - 1 not in places]
    return " ".join(Path(word).name if "/" in word else word for word in kept)


def parts_of(text: str) -> list[str]:
    """The parts named, in the order in which they run. Raises: ValueError."""
    named = list(PARTS) if text == "all" else text.split(",")
    for part in named:
        if part not in PARTS:
            raise ValueError(f"--only: there is no part {part!r}; {', '.join(PARTS)}")
    return [part for part in PARTS if part in named]


def _stored(file: Path) -> int:
    store = open_store(f"sqlite:///{file.resolve()}")[0]
    size = store.head(ORG).size
    store.close()
    return size


class Writing(Struct):
    """What is known of the run so far, and where its rows go after each of them, if anywhere."""

    run: report.Run
    to: Callable[..., None] | None = None

    def rows(self, rows: Sequence[Row]) -> None:
        """Write down what there is."""
        if self.to is not None and rows:
            self.to(rows, run=self.run)


def measured(site: Site, sizes: dict[str, int], writing: Writing) -> list[Row]:
    """The rows of these parts at these sizes, in a folder that is theirs."""
    rows: list[Row] = []
    try:
        for part, size in sizes.items():
            start = time.monotonic()
            for row in PARTS[part](site, size):
                rows.append(announce(row))
                writing.rows(rows)
            spent = {**writing.run.parts, part: time.monotonic() - start}
            tell(f"{part}: {spent[part] / 60:.1f} minutes")
            writing.run = structs.replace(writing.run, parts=spent)
        writing.run = structs.replace(writing.run, whole=True)
        writing.rows(rows)
    finally:
        site.close()
    return rows


def announce(row: Row) -> Row:
    """The same row, said as soon as it is known: a long run may be cut short."""
    tell(f"{row.name}: {number(row.value)} {row.unit}")
    return row


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
