"""From HR into the log: as whoever is signed in in HR, and never as somebody else."""

from litestar import Litestar
from litestar.testing import TestClient
from tests.demo.conftest import BERG, SAME, Built, Site

from trailbook.demo import entering, names, pages
from trailbook.model import Item


def test_the_log_opens_for_whoever_is_signed_in(site: Site, built: Built) -> None:
    """A link from HR leads to the log of whoever is chosen in HR, and never to that of another."""
    reading: list[Item | None] = [None]
    entered: list[Item] = []

    def link(item: Item) -> str:
        entered.append(item)
        return f"/in/{item.id}"

    hr = site.hr
    routes = [
        *pages.page_routes(hr),
        *entering.entry_routes(hr, link, lambda _: reading[0]),
    ]
    with TestClient(Litestar(routes), base_url="http://testserver.local") as client:
        client.follow_redirects = False
        path = f"/hr/log?concerns=user/{BERG}"
        asks = client.get(path)
        assert (asks.status_code, "Open as Ingrid" in asks.text) == (200, True)
        opened = client.post(f"/hr/enter?person={names.HR_LEAD}", headers=SAME)
        assert (opened.status_code, opened.headers["location"]) == (303, f"/in/{names.HR_LEAD}")
        reading[0] = entering.item_of(entering.FOUR[0])
        assert entered == [reading[0]]  # by being that very item one has a role in the log
        assert client.get(path).headers["location"] == f"/orgs/nordlys/activity?concerns=user/{BERG}"
        client.post("/hr/signed-in-as", data={"person": names.IT_LEAD}, headers=SAME)
        assert "Open as Mikael" in client.get(path).text
        assert client.post("/hr/enter?person=nobody", headers=SAME).status_code == 404
