"""The benchmark of capture measures what it says: rows that left a trace, and a host without audit leaves none."""

from pathlib import Path

import pytest
from bench.capture import SHAPES, Turn, apart, lines


@pytest.mark.parametrize("way", ["hooks", "triggers"])
def test_every_row_left_a_trace(way: str, tmp_path: Path) -> None:
    """What is timed is a host whose every row was captured, single and in bulk; the control leaves none."""
    turn = apart(way, f"sqlite:///{tmp_path}/host.db", rows=20)
    # Above 1 where the entry that capture began is among those counted; the row itself is never missing.
    assert all(turn.seen[shape] >= 1 for shape in SHAPES)
    assert set(turn.times) == set(SHAPES)
    plain = apart("no audit", f"sqlite:///{tmp_path}/plain.db", rows=20)
    assert set(plain.seen.values()) == {0.0}


def test_what_saw_nothing_is_not_compared() -> None:
    """A way that left no trace of a shape's rows is said to be unseen, however quick it was."""
    plain = Turn({shape: [10.0] for shape in SHAPES}, dict.fromkeys(SHAPES, 0.0))
    hooks = Turn({shape: [20.0] for shape in SHAPES}, dict.fromkeys(SHAPES, 1.0))
    blind = Turn({shape: [11.0] for shape in SHAPES}, {**dict.fromkeys(SHAPES, 1.0), "bulk insert": 0.0})
    page = list(lines({"sqlite": {"no audit": plain, "hooks": hooks, "Continuum": blind}}, 20))
    assert "| bulk insert | Continuum | 11 | 11 | unseen | | |" in page
    assert "| single insert | hooks | 20 | 20 | 10 | <= 100: met | 1 |" in page
