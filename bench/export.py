"""What exports cost: rows a second of each form, and the memory they take, each in a process of its own.

Beside them stands the reading of the same bodies and the writing of them as they are. `python -m bench.export URL FORM
DAYS FOLDER` is that process. Refuses to count a file that is not as long as was said.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast

from bench.generate import DAYS, FIRST_DAY
from bench.measuring import Control, Goal, Row, memory, row, seconds, tell
from bench.site import ORG, Built, Site
from trailbook.access.viewer import operator
from trailbook.deployment.opening import open_deployment
from trailbook.export import COLUMNS, Format, Layout, exactly, file_pieces, whole_file
from trailbook.query import Query

_GOALS = {"jsonl": 300_000, "csv": 120_000, "parquet": 200_000, "xlsx": 25_000}
_MOST = {
    "csv": 1_000_000,
    "parquet": 1_000_000,
    "xlsx": 250_000,
}  # rows


def run(site: Site, size: int) -> Iterator[Row]:
    """Each form of the whole log, or of so many of its first days that the run stays short."""
    built = site.recorded(size)
    built.log.upkeep.seal()
    control = Control(name="its bodies read and written as they are", value=_copied(site, built, size))
    for form, goal in _GOALS.items():
        tell(f"exporting {form}")
        days = DAYS if size <= _MOST.get(form, size) else DAYS * _MOST[form] // size
        figures = _figures(site, built, form, max(1, days))
        count = int(figures["count"])
        spent = f"{figures['processor']:.0f} s of processor time"
        noise = f"one run; {figures['bytes'] / 2**20:,.0f} MB written; {spent}"
        rate, least = count / figures["seconds"], Goal(goal, least=True)
        name = f"export as {form}"
        yield row(name, count, [rate], unit="rows/s", goal=least, control=control, noise=noise)
        before = Control(name="before it began", value=figures["before"])
        noise = "of the process, at its most, without the file's pages in it"
        yield row(f"{name}: memory", count, [figures["most"]], unit="MB", control=before, noise=noise)


def _copied(site: Site, built: Built, size: int) -> float:
    store, file = built.store(), site.folder / "bodies"
    count = min(size, 1_000_000)

    def copy() -> None:
        with file.open("wb") as out:
            for kept in store.kept(ORG, 0, count):
                out.write((kept.body or b"") + b"\n")

    taken = seconds(copy)
    store.close()
    file.unlink()
    return count / taken


def _watch(most: list[float]) -> None:
    """The memory of this process at its most; pages of the log's file, which the system lends and takes, apart."""
    while True:
        most[0] = max(most[0], memory("RssAnon"))
        time.sleep(0.02)


def _figures(site: Site, built: Built, form: str, days: int) -> dict[str, float]:
    given = [sys.executable, "-m", "bench.export", built.url, form, str(days), str(site.folder)]
    done = subprocess.run(
        given, capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main(url: str, form: str, days: str, folder: str) -> None:
    """Export to a file, and print how many rows, how long it took and how much memory."""
    deployment = open_deployment(url, watched=False)
    log, me = deployment.log(ORG), operator(ORG)
    query = Query()
    if int(days) < DAYS:
        last = FIRST_DAY + timedelta(days=int(days) - 1)
        query = Query(from_=str(FIRST_DAY.date()), to=str(last.date()))
    log.search(query, viewer=me)
    before, most = memory("RssAnon"), [0.0]
    threading.Thread(target=_watch, args=(most,), daemon=True).start()
    start, spent = time.perf_counter(), time.process_time()
    rows = log.export(query, viewer=me)
    file = Path(folder) / f"bench.{form}"
    with whole_file(file) as out:
        for piece in file_pieces(cast(Format, form), exactly(rows), Layout(columns=COLUMNS)):
            out.write(piece)
    taken, size = time.perf_counter() - start, file.stat().st_size
    figures = {"count": rows.count, "seconds": taken, "before": before, "most": most[0], "bytes": size}
    print(json.dumps({**figures, "processor": time.process_time() - spent}))
    file.unlink()
    deployment.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
