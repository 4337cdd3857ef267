"""The benchmark of capture measures what it says: rows that left a trace, and a host without audit leaves none."""

from pathlib import Path

import pytest
from bench.capture.host import Turn
from bench.capture.table import lines
from bench.capture.turns import WAYS, Setting, Subject, apart

SHAPES = ("single insert", "bulk insert")


@pytest.mark.parametrize("way", ["hooks", "triggers"])
@pytest.mark.parametrize("orm", WAYS)
def test_every_row_left_a_trace(orm: str, way: str, tmp_path: Path) -> None:
    """What is timed is a host whose every row was captured, single and in bulk, each once."""
    turn = apart(Subject(orm, way, f"sqlite:///{tmp_path}/host.db"), rows=20)
    assert set(turn.seen.values()) == {1.0}
    assert set(turn.times) == set(turn.seen)
    assert {"single insert", "single update"} < set(turn.times)


@pytest.mark.parametrize("orm", WAYS)
def test_a_host_without_audit_leaves_none(orm: str, tmp_path: Path) -> None:
    """The control of the test above: the same writes, and nobody keeps anything."""
    turn = apart(Subject(orm, "no audit", f"sqlite:///{tmp_path}/plain.db"), rows=20)
    assert set(turn.seen.values()) == {0.0}


def turn(time: float, **seen: float) -> Turn:
    """A turn in which everything took the same time; what is not named was seen."""
    shares = {shape: seen.get(shape.partition(" ")[0], 1.0) for shape in SHAPES}
    return Turn({shape: [time] for shape in SHAPES}, shares)


def test_what_saw_nothing_is_not_compared() -> None:
    """A way that left no trace of a shape's rows is said to be unseen, however quick it was."""
    ways = {"no audit": turn(10.0), "hooks": turn(20.0), "Continuum": turn(11.0, bulk=0.0)}
    page = list(lines({Setting("SQLAlchemy", "sqlite"): ways}, 20))
    assert "| bulk insert | Continuum | 11 | 11 | unseen | | |" in page
    assert "| single insert | hooks | 20 | 20 | 10 | <= 100: met | 1 |" in page
    assert "| SQLAlchemy on SQLite | bulk insert | 10 | 20: met | none saw it | | |" in page


def test_a_goal_stands_beside_the_best_of_the_others() -> None:
    """Each goal says what hooks add, the bound, and how many times less that is than the best of the others."""
    ways = {"no audit": turn(10.0), "hooks": turn(70.0), "Continuum": turn(310.0), "other": turn(190.0)}
    page = list(lines({Setting("SQLAlchemy", "sqlite"): ways, Setting("Django", "postgresql"): ways}, 20))
    single = (
        "| SQLAlchemy on SQLite | single insert | 60 | 100: met; 58.5: missed | other, 180 | 3 | 3: met |"
    )
    assert single in page
    assert (
        "| Django on PostgreSQL | single insert | 60 | 100: met | other, 180 | 3 | 3: met |" in page
    )  # halved is SQLAlchemy's
    assert "| SQLAlchemy on SQLite | bulk insert | 60 | 20: missed | other, 180 | 3 | 10: missed |" in page
