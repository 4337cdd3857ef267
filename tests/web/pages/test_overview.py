"""The overview: what is unusual and who fell silent, each with its way to the entries, and nothing of a person."""

import re
from collections.abc import Callable
from datetime import timedelta

import httpx
from tests.web.conftest import ANNA, BOB, WEB, Served, enter
from tests.web.pages.test_bars import PAGE, by_hand

from trailbook.model import Actor, Item


def test_the_overview_tells_what_is_unusual(serve: Callable[..., Served]) -> None:
    """A day unlike its weekdays and an integration gone silent are said, each with its way to the entries."""
    served = serve()
    log, now = served.log, served.log.clock().replace(hour=11)
    sync = Actor(kind="integration", type="integration", id="archive", name="Archive")
    live = Actor(kind="integration", type="integration", id="payroll", name="Payroll")

    def give(by: Actor, days: int, times: int = 1) -> None:
        for second in range(times):
            log.record(
                "role.assigned",
                actor=by,
                target=Item(type="role", id="r-1", name="Reader"),
                concerns={"member": BOB},
                occurred_at=now - timedelta(days=days, seconds=second),
                origin=WEB,
            )

    give(sync, 40)
    give(live, 1, 3)
    give(ANNA, 9, 70)
    with httpx.Client(base_url=served.base_url) as client:
        enter(client, served.link())
        page = client.get(f"{PAGE}/overview").text
        silent, active = (
            page.partition(f'id="{section}"')[2].partition("</section>")[0]
            for section in ("silent", "active")
        )
        unusual = page.partition('id="unusual"')[2].partition("</section>")[0]
        assert "Archive" in silent
        assert re.search("Silent for (39|40) days", silent)
        assert "Payroll" in active
        assert "3 entries" in active
        assert "Archive" not in active
        days = re.findall(r'<li><p><a href="([^"]+)">([^<]+): (\d+) entries</a>', unusual)
        assert len(days) == 1
        assert by_hand(served, days[0][0]) == int(days[0][2])
        assert "Roles (" in unusual
        main = page.partition("<main")[2].partition("</main>")[0]
        for person in ("Anna Berg", "Kari Lie", "Bob Li", "user/"):
            assert person not in main
        assert client.get(f"{PAGE}/overview?x=1").status_code == 422
