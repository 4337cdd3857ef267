"""What opening costs after a crash: a write-ahead log that nobody brought home, and the process killed.

`python -m bench.crash URL BYTES` is that process: it appends until the write-ahead log is so big, while a reader holds
it there, and kills itself. Refuses to count an opening that finds fewer entries than were acknowledged.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import apsw

from bench.generate import batches, entries
from bench.measuring import Control, Goal, Row, row, scaled, tell
from bench.site import BATCH, ORG, Site, grow, record_all
from trailbook.access.viewer import operator
from trailbook.deployment.opening import open_deployment
from trailbook.errors import DamagedError
from trailbook.query import Query
from trailbook.stores import open_store, store_file

_BIG = 2**30
_STEP = 65_536


def run(site: Site, size: int) -> Iterator[Row]:
    """A gigabyte at ten million entries, and as much less as the size is less."""
    big = max(2**22, min(_BIG, int(scaled(_BIG, size).bound)))
    tell(f"killing a process with {big / 2**20:,.0f} MB of write-ahead log")
    url = f"sqlite:///{site.folder}/crash.db"
    given = [sys.executable, "-m", "bench.crash", url, str(big)]
    root = Path(__file__).parent.parent
    done = subprocess.run(given, capture_output=True, text=True, check=False, cwd=root)
    if done.returncode != -signal.SIGKILL:
        raise RuntimeError(done.stderr[-2000:])
    count = int(done.stdout.split()[-1])
    wal = Path(f"{store_file(url)}-wal").stat().st_size / 2**20
    killed, again = _opening(url, count), _opening(url, count)
    control = Control(name="opened again after it was closed well", value=again)
    noise = f"one run; {wal:,.0f} MB of write-ahead log, the newest entry found"
    name = "opening after kill -9, to the first page"
    yield row(name, count, [killed], unit="s", goal=Goal(2), control=control, noise=noise)


def _opening(url: str, count: int) -> float:
    start = time.perf_counter()
    deployment = open_deployment(url, watched=False)
    size = deployment.log(ORG).search(Query(), viewer=operator(ORG)).size
    taken = time.perf_counter() - start
    deployment.close()
    if size < count:
        raise DamagedError(f"{count} entries were acknowledged, and {size} are there")
    return taken


def main(url: str, big: str) -> None:
    """Append until the write-ahead log is so big, print how many entries there are, and die."""
    deployment = open_deployment(url, create=True, watched=False)
    log = deployment.create(ORG)
    record_all(log, batches(entries(log.catalogue, _STEP // 4), BATCH))
    reader = apsw.Connection(str(store_file(url)), flags=apsw.SQLITE_OPEN_READONLY)
    reader.execute("BEGIN")
    reader.execute(
        "SELECT count(*) FROM sqlite_schema"
    ).fetchall()  # it reads from here on: nothing is brought home
    store, wal = open_store(url)[0], Path(f"{store_file(url)}-wal")
    bodies = [kept.body for kept in store.kept(ORG, 0, _STEP // 4) if kept.body is not None]
    while wal.stat().st_size < int(big):
        grow(store, bodies, _STEP)
        log.upkeep.seal()  # as a server does beside recording; what is grown wakes nobody
    print(store.head(ORG).size, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
