"""An item has its page whatever its id is: inside Django too, below WSGI and ASGI, and from the tab of the admin."""

from tests.django.conftest import ANNA, visiting
from tests.examples.processes import Project
from tests.web.odd_ids import ODD, heading, name_of, recorded

from trailbook import Actor, open_deployment

PAGE = "/activity/orgs/acme/activity"


def test_an_entry_leads_to_the_page_of_its_item(served: Project) -> None:
    anna = Actor(kind="person", type="user", id=ANNA, name="Anna Berg")
    deployment = open_deployment(f"sqlite:///{served.folder / 'trailbook.db'}")
    try:
        entries = recorded(deployment.log("acme"), anna)
    finally:
        deployment.close()
    with visiting(served, ANNA) as visitor:
        visitor.client.follow_redirects = False
        headings = {
            id_: heading(visitor.client, served.address, f"{served.address}{PAGE}/e/{entry}")
            for id_, entry in entries.items()
        }
    assert headings == {id_: name_of(id_) for id_ in ODD}
