"""What it costs to record: batches of a thousand, one entry at a time, each beside the same bytes without us.

The control writes the very bodies that were recorded to a plain table, with the same durable settings: the
difference is the price of rules, tokens, directory and tree.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import apsw
from msgspec import Struct

from bench import readers
from bench.elsewhere import FIVE, arrays, begin_plain, bodies_of, fill_plain, insert_plain, table_rows
from bench.generate import entries
from bench.measuring import Control, Goal, Row, row, seconds, single, tell
from bench.site import BATCH, ORG, Built, Site, record_all
from trailbook.access.viewer import operator
from trailbook.query import Query

_SINGLE = 300
_TENTH = 10
_PATIENCE = (
    120.0  # seconds that entries go into five B-trees one batch after the other; the rest is loaded at once
)


class _Beside(Struct):
    """What the same bodies took elsewhere: seconds in one plain table; seconds and number with five B-trees."""

    raw: float = 0.0
    five: float = 0.0
    count: int = 0


def run(site: Site, size: int) -> Iterator[Row]:
    """Batches first, then single entries on a log of their own."""
    built = site.recorded(size)
    yield from _many(site, built, size)
    yield from _singles(site, min(size, _SINGLE))
    yield from readers.run(site, size)


def _many(site: Site, built: Built, size: int) -> Iterator[Row]:
    tell("sealing what recording left")
    left = seconds(built.log.upkeep.seal)
    beside = _beside(site.folder, built, size)
    if built.taken:
        yield from _rate(built, size, beside)
        yield row("sealing what recording left unsealed", size, [left], unit="s")
        noise = "at its most, with what makes the entries"
        yield row("memory while recording", size, built.peak, unit="MB", noise=noise)
    path = Path(built.url.removeprefix("sqlite:///"))
    files = sum(f.stat().st_size for f in path.parent.glob(f"{path.name}*") if f.is_file())
    yield row("on disk, everything counted", size, [files / size], unit="bytes/entry", goal=Goal(450))


def _rate(built: Built, size: int, beside: _Beside) -> Iterator[Row]:
    rates, ours = _rates(built.taken, size), size / sum(built.taken)
    noise = f"one run; a tenth of it {min(rates):,.0f} to {max(rates):,.0f}"
    plain = Control(name="the same bodies in one plain table", value=size / beside.raw)
    goal = Goal(40_000, least=True)
    name = f"record_many, batches of {BATCH:,}"
    yield row(name, size, [ours], unit="entries/s", goal=goal, control=plain, noise=noise)
    rate = beside.count / beside.five
    first = "" if beside.count >= size else f", its first {beside.count:,}"
    five = Control(name=f"SQLite, five B-trees, JSON body, entries/s{first}", value=rate)
    name = "record_many: times faster than five B-trees"
    yield row(name, size, [ours / rate], unit="x", goal=Goal(4, least=True), control=five, noise="one run")
    name = "record_many, last tenth against the first"
    yield row(name, size, [rates[-1] / rates[0]], unit="x", goal=Goal(0.9, least=True))


def _beside(folder: Path, built: Built, size: int) -> _Beside:
    """The same bodies in the same batches elsewhere: in one plain table, and in one with five B-trees."""
    tell("the same bodies in a plain table, and in one with five B-trees")
    built.log.search(Query(), viewer=operator(ORG), limit=1)
    taken, store, plain = _Beside(), built.store(), _Plain(folder / "many.raw")
    db = sqlite3.connect(folder / FIVE, isolation_level=None)
    begin_plain(db)
    chunks = table_rows(arrays(built.log, size), bodies_of(store, ORG, size), BATCH)
    for rows in chunks:
        taken.raw += seconds(partial(plain.commit, [row[-1].encode() for row in rows]))
        taken.five += seconds(partial(insert_plain, db, rows))
        taken.count += len(rows)
        if taken.five > _PATIENCE:
            break
    fill_plain(db, _also(plain, chunks, taken))
    db.close()
    store.close()
    plain.remove()
    return taken


def _also(
    plain: "_Plain", chunks: Iterator[list[tuple[object, ...]]], taken: _Beside
) -> Iterator[list[tuple[object, ...]]]:
    """The rest of the rows, each batch put into the plain table on the way."""
    for rows in chunks:
        taken.raw += seconds(partial(plain.commit, [str(row[-1]).encode() for row in rows]))
        yield rows


def _rates(taken: Sequence[float], size: int) -> list[float]:
    """Entries a second in each tenth of the batches."""
    step = max(1, len(taken) // _TENTH)
    tenths = [taken[at : at + step] for at in range(0, len(taken) - step + 1, step)]
    return [len(tenth) * min(BATCH, size) / sum(tenth) for tenth in tenths]


def _singles(site: Site, times: int) -> Iterator[Row]:
    """One caller, one entry a commit; the raw commit follows each, so that both meet the same disk."""
    built = site.empty()
    plain = _Plain(site.folder / "single.raw")
    ours: list[float] = []
    raw: list[float] = []
    store = built.store()
    for seq, entry in enumerate(entries(built.log.catalogue, times)):
        ours += record_all(built.log, [[entry]])
        body = store.kept_at(ORG, [seq])[0].body or b""
        raw.append(seconds(partial(plain.commit, [body])))
    store.close()
    built.deployment.close()
    control = Control(name="one raw durable commit of the same body", value=sorted(raw)[times // 2] * 1000)
    rows = single("record, one entry", times, ours, control=control)
    yield from rows
    share = control.value / rows[0].value
    name = "record, one entry: speed as a part of one raw commit"
    yield row(name, times, [share], unit="x", goal=Goal(0.7, least=True), noise=rows[0].noise)


class _Plain:
    """A table of bodies in a file of its own, as durable as the log's."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._db = apsw.Connection(str(file))
        self._db.execute("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE body (place INTEGER PRIMARY KEY, body BLOB) STRICT")

    def commit(self, bodies: Sequence[bytes]) -> None:
        """Add bodies in one durable transaction."""
        with self._db:
            self._db.executemany("INSERT INTO body (body) VALUES (?)", ((body,) for body in bodies))

    def remove(self) -> None:
        """Close it and take the file away."""
        self._db.close()
        self._file.unlink()
