"""Records into a log in memory, with time and randomness held still, and says what came of it as one line of JSON.

Run as a program of its own, by whichever Python is asked; the same everywhere but for `python` and `place`.
"""

import json
import sys

import numpy

from trailbook import Actor, Item, Origin, open_deployment, operator
from trailbook.catalogue import load
from trailbook.query import from_line
from trailbook.testing.steady import FrozenClock, Steady


def main() -> None:
    deployment = open_deployment("memory:", clock=FrozenClock(), entropy=Steady())
    log = deployment.create("acme")
    anna = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
    for number in range(300):  # more than one tile of the tree
        log.record(
            "role.assigned",
            actor=anna,
            target=Item(type="role", id=f"r-{number % 7}", name="Manager"),
            concerns={"member": Item(type="user", id=f"u-{number}", name=f"Åse {number}")},
            origin=Origin(interface="web"),
        )
    signed = deployment.signer().sign("acme")
    assert signed is not None
    page = log.search(from_line("åse 299"), viewer=operator("acme"))
    report = {
        "python": list(sys.version_info[:2]),
        "place": numpy.__file__,
        "actions": len(load().actions),
        "found": [entry.concerns[0].name for entry in page.entries],
        "root": signed.root.hex(),
        "findings": [finding.what for finding in deployment.verify("acme").findings],
    }
    print(json.dumps(report))
    deployment.close()


if __name__ == "__main__":
    main()
