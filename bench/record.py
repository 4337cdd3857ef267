"""What it costs to record: batches of a thousand, one entry at a time, each beside the same bytes without us.

The control writes the very bodies that were recorded to a plain table, with the same durable settings: the
difference is the price of rules, tokens, directory and tree.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import apsw

from bench.elsewhere import arrays, begin_plain, bodies_of, insert_plain, table_rows
from bench.generate import entries
from bench.measuring import Control, Goal, Row, row, seconds, single
from bench.site import BATCH, ORG, Built, Site, record_all
from trailbook.access import operator
from trailbook.query import Query

_SINGLE = 300
_TENTH = 10


def run(site: Site, size: int) -> Iterator[Row]:
    """Batches first, then single entries on a log of their own."""
    built = site.recorded(size)
    yield from _many(site, built, size)
    yield from _one(site, min(size, _SINGLE))


def _many(site: Site, built: Built, size: int) -> Iterator[Row]:
    rates = _rates(built.taken, size)
    raw = _raw(site.folder, built)
    control = Control(name="the same bodies in one plain table", value=size / sum(raw))
    noise = f"one run; a tenth of it {min(rates):,.0f} to {max(rates):,.0f}"
    yield row(
        f"record_many, batches of {BATCH:,}",
        size,
        [size / sum(built.taken)],
        unit="entries/s",
        goal=Goal(40_000, least=True),
        control=control,
        noise=noise,
    )
    five = size / _five(site.folder, built, size)
    times = size / sum(built.taken) / five
    beside = Control(name="SQLite, five B-trees, JSON body, entries/s", value=five)
    yield row(
        "record_many: times faster than five B-trees",
        size,
        [times],
        unit="x",
        goal=Goal(4, least=True),
        control=beside,
    )
    last = rates[-1] / rates[0]
    name = "record_many, last tenth against the first"
    yield row(name, size, [last], unit="x", goal=Goal(0.9, least=True))
    files = sum(f.stat().st_size for f in site.folder.glob(f"{Path(built.url).name}*"))
    yield row("on disk, everything counted", size, [files / size], unit="bytes/entry", goal=Goal(450))


def _five(folder: Path, built: Built, size: int) -> float:
    """The seconds of the same entries in the same batches, in a table with five B-trees."""
    built.log.seal()
    built.log.search(Query(), viewer=operator(ORG), limit=1)
    found, store = arrays(built.log), built.store()
    db = sqlite3.connect(folder / "five.db", isolation_level=None)
    begin_plain(db)
    taken = sum(
        seconds(partial(insert_plain, db, rows))
        for rows in table_rows(found, bodies_of(store, ORG, size), BATCH)
    )
    db.close()
    store.close()
    (folder / "five.db").unlink()
    return taken


def _rates(taken: Sequence[float], size: int) -> list[float]:
    """Entries a second in each tenth of the batches."""
    step = max(1, len(taken) // _TENTH)
    tenths = [taken[at : at + step] for at in range(0, len(taken) - step + 1, step)]
    return [len(tenth) * min(BATCH, size) / sum(tenth) for tenth in tenths]


def _one(site: Site, times: int) -> Iterator[Row]:
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


def _raw(folder: Path, built: Built) -> list[float]:
    """The seconds of each batch when the same bodies go to a plain table in the same batches."""
    plain, store = _Plain(folder / "many.raw"), built.store()
    taken = []
    for start in range(0, store.head(ORG).size, BATCH):
        bodies = [row.body for row in store.kept(ORG, start, start + BATCH) if row.body is not None]
        taken.append(seconds(partial(plain.commit, bodies)))
    store.close()
    return taken


class _Plain:
    """A table of bodies in a file of its own, as durable as the log's."""

    def __init__(self, file: Path) -> None:
        self._db = apsw.Connection(str(file))
        self._db.execute("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE body (place INTEGER PRIMARY KEY, body BLOB) STRICT")

    def commit(self, bodies: Sequence[bytes]) -> None:
        """Add bodies in one durable transaction."""
        with self._db:
            self._db.executemany("INSERT INTO body (body) VALUES (?)", ((body,) for body in bodies))
