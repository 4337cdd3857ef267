"""What many small organisations cost: the first page of a cold one, and the memory once each has been read.

`python -m bench.many URL` is the process that reads them: it has opened nothing before. Refuses to warm up.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.generate import entries
from bench.measuring import Control, Goal, Row, memory, row, seconds, single, tell
from bench.site import Site
from trailbook.access.viewer import operator
from trailbook.catalogue import load
from trailbook.deployment.opening import open_deployment
from trailbook.query import Query

_ORGS, _EACH = 5_000, 20
_NAME = "org-{}"


def run(site: Site, size: int) -> Iterator[Row]:
    """5,000 organisations of 20 entries each, or a two-hundredth of the size where that is less."""
    count = min(_ORGS, max(10, size // 200))
    url = f"sqlite:///{site.folder}/many.db"
    tell(f"founding {count:,} organisations")
    yield row("founding an organisation, with 20 entries", count, _founded(url, count), unit="ms")
    tell("reading them")
    given = [sys.executable, "-m", "bench.many", url, str(count)]
    root = Path(__file__).parent.parent
    done = subprocess.run(given, capture_output=True, text=True, check=False, cwd=root)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    figures = json.loads(done.stdout)
    yield from single("first page of a cold organisation", count, figures["taken"], most=Goal(50))
    before = Control(name="before the first was read", value=figures["before"])
    noise = "at its most, after the first page of every one"
    yield row(
        "memory, all organisations read", count, [figures["most"]], unit="MB", control=before, noise=noise
    )


def _founded(url: str, count: int) -> list[float]:
    batch = list(entries(load(), _EACH))
    deployment = open_deployment(url, create=True, watched=False)
    taken = [
        seconds(lambda at=at: deployment.create(_NAME.format(at)).record_many(batch)) * 1000  # type: ignore[misc]
        for at in range(count)
    ]
    deployment.close()
    return taken


def main(url: str, count: str) -> None:
    """Read the first page of each organisation once, and print the seconds and the memory."""
    deployment = open_deployment(url, watched=False)
    before = memory("VmRSS")
    taken = []
    for at in range(int(count)):
        org = _NAME.format(at)
        taken.append(
            seconds(lambda org=org: deployment.log(org).search(Query(), viewer=operator(org)))  # type: ignore[misc]
        )
    print(json.dumps({"taken": taken, "before": before, "most": memory()}))
    deployment.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
