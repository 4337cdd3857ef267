"""What is another's and what is not there take the same time: nobody learns from a clock what exists.

Only `make torture` runs it: an answer of statistics needs a quiet machine.
"""

import math
import random
import time
from collections.abc import Callable, Iterator

import httpx
import numpy as np
import pytest
from tests.web.conftest import ANNA, ORG, OTHER, WEB, Served, serve

from trailbook import Item

__all__ = ["serve"]
pytestmark = pytest.mark.needs_quiet
TIMES, FIRST = 2_000, 200  # answers that count, and those before them that warm up
TRIES = 3  # of a test that is wrong once in a hundred times
Ask = Callable[[str], object]


def alike(first: list[float], other: list[float]) -> float:
    """The p of two lists of times being alike. Source: Mann and Whitney 1947, by the normal approximation."""
    ranks = np.argsort(np.argsort(np.asarray([*first, *other]))) + 1.0
    n, m = len(first), len(other)
    u = float(ranks[:n].sum()) - n * (n + 1) / 2
    z = (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2))


def timed(ask: Ask, paths: tuple[str, str]) -> float:
    """Ask for both in turn, in random order; the p of their times being alike."""
    dice = random.Random(5)
    taken: tuple[list[float], list[float]] = ([], [])
    for at in range(FIRST + TIMES):
        for which in dice.sample((0, 1), 2):
            begin = time.perf_counter()
            ask(paths[which])
            if at >= FIRST:
                taken[which].append(time.perf_counter() - begin)
    return alike(*taken)


@pytest.fixture(scope="module")
def asked(serve: Callable[..., Served]) -> Iterator[tuple[httpx.Client, str]]:
    """A client with a key of one organisation, and the id of an entry of the other."""
    served = serve()
    role = Item(type="role", id="r-1", name="Reader")
    id_ = served.deployment.log(OTHER).record("role.created", actor=ANNA, target=role, origin=WEB).id
    headers = {"Authorization": f"Bearer {served.keys['read']}"}
    with httpx.Client(base_url=served.base_url, headers=headers, timeout=30) as client:
        yield client, str(id_)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("slot", ["organisation", "entry", "name"])
def test_time_tells_nothing(asked: tuple[httpx.Client, str], slot: str) -> None:
    """Foreign and absent are not told apart by 2,000 answers each: p > 0.01 in one of three tries."""
    client, foreign = asked
    absent = f"{foreign[:-12]}{'0' * 12}"
    here = f"/api/v1/orgs/{ORG}"
    paths = {
        "organisation": (f"/api/v1/orgs/{OTHER}/entries", "/api/v1/orgs/nowhr/entries"),
        "entry": (f"{here}/entries/{foreign}", f"{here}/entries/{absent}"),
        "name": (f"{here}/items?q={foreign}", f"{here}/items?q={absent}"),
    }[slot]
    assert len({client.get(path).status_code for path in paths}) == 1
    p_values: list[float] = []
    while len(p_values) < TRIES and max(p_values, default=0.0) <= 0.01:
        p_values.append(timed(client.get, paths))
    assert max(p_values) > 0.01, p_values


@pytest.mark.timeout(600)
def test_a_fifth_of_a_millisecond_would_be_found(asked: tuple[httpx.Client, str]) -> None:
    """The control: an answer that takes a little longer for one of the two is told apart."""
    client, _ = asked

    def slower(path: str) -> object:
        if path.endswith("slow"):
            time.sleep(0.0002)
        return client.get(path.partition("#")[0])

    path = f"/api/v1/orgs/{OTHER}/entries"
    assert timed(slower, (f"{path}#slow", f"{path}#fast")) < 0.01
