"""Many who record at once, to be killed or cut from their power: `writers.py FOLDER SEED THREADS [weak]`.

Each thread records by itself and acknowledges each entry; some entries happened long ago, as imports bring them.
`weak` switches durability off, as the negative control of power cuts.
"""

import random
import sys
import threading
from datetime import timedelta
from pathlib import Path

from tests.torture.scenarios import ORG, entry, open_in, say


def main(folder: str, seed: str, threads: str, *weak: str) -> None:
    deployment = open_in(Path(folder))
    log = deployment.log(ORG)
    if weak:
        deployment._store._connections._writer.execute("PRAGMA synchronous = OFF")  # type: ignore[attr-defined]

    def work(number: int) -> None:
        chance = random.Random(f"{seed}/{number}")
        while True:
            late = timedelta(days=chance.choice((0, 0, 0, 30)))
            made = [entry(chance, late) for _ in range(chance.choice((1, 1, 1, 7)))]
            log.record_many(made)
            say(*(f"id {each.id}" for each in made))

    for number in range(int(threads)):
        threading.Thread(target=work, args=(number,), daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
