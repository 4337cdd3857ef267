"""Rows in groups: by day, and by what belongs together."""

import re
from datetime import UTC, datetime, timedelta

import httpx
from tests.web.conftest import BOB, KARI, WEB, Served
from tests.web.pages.test_bars import PAGE

from trailbook.model import Item


def test_neighbours_fold(signed_in: httpx.Client, served: Served) -> None:
    """Neighbours of one correlation fold under the first of them, no row is lost; by day each day folds."""
    at = datetime(2026, 2, 11, 9, tzinfo=UTC)
    for minute, group in enumerate(("a", "a", "a", None, "b", "b")):
        served.log.record(
            "role.assigned",
            actor=KARI,
            target=Item(type="role", id="r-1", name="Reader"),
            concerns={"member": BOB},
            occurred_at=at + timedelta(minutes=minute),
            origin=WEB,
            correlation=group and f"fold-{group}",
        )
    day = f"{PAGE}?category=roles&from=2026-02-11&to=2026-02-11"
    flat, folded, by_day = (signed_in.get(day + more).text for more in ("", "&group=together", "&group=day"))
    rows = re.findall(r'class="row" id="([^"]+)"', flat)
    assert len(rows) == 6
    assert rows == re.findall(r'class="row" id="([^"]+)"', folded)
    assert rows == re.findall(r'class="row" id="([^"]+)"', by_day)
    assert re.findall(r'<summary class="turn">(\d) more that belong', folded) == ["1", "2"]
    assert "more that belong" not in flat
    assert '<details><summary class="turn"><h2>' in by_day
    assert '<details><summary class="turn"><h2>' not in flat
    assert "group=together" in re.findall(r'class="when" href="([^"]*)"', folded)[0]
    assert signed_in.get(f"{PAGE}?group=actor").status_code == 422
