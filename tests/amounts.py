"""How much a test of many cases does: a little in `make test`, a sample in `make torture`, all in `make full`.

Owns the one place that reads which of the three runs. A smaller amount draws from the same seed and asks the same.
"""

import os

RUN = os.environ.get("TRAILBOOK_TORTURE", "")  # "" in make test, "1" in make torture, "full" in make full
assert RUN in ("", "1", "full"), RUN


def amount(test: int, torture: int, full: int) -> int:
    """The amount of this run."""
    return {"": test, "1": torture, "full": full}[RUN]
