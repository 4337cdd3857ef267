"""The page inside a Django host, below WSGI and ASGI: whose it is, what is taken, what streams."""

import httpx
import pytest
from tests.django.conftest import ANNA, API, BOB, visiting
from tests.examples.processes import Project

PAGE = "/activity/orgs/acme/activity"
SAME, CROSS = {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "cross-site"}


@pytest.mark.parametrize(("who", "status"), [(None, 401), (BOB, 403), (ANNA, 200)])
def test_who_may_see_it_is_for_the_roles_of_the_log_to_say(
    served: Project, who: str | None, status: int
) -> None:
    with visiting(served, who) as visitor:
        assert visitor.client.get("/activity/").status_code == status
        assert visitor.client.get(f"{API}/entries").status_code == status


def test_nobody_is_sent_to_where_the_host_signs_people_in(served: Project) -> None:
    with visiting(served) as visitor:
        text = visitor.client.get(PAGE).text
    assert '<a class="button" href="/">' in text
    assert "First day" not in text


def test_a_form_needs_no_token_of_the_host_and_comes_from_the_page_alone(served: Project) -> None:
    with visiting(served, ANNA) as visitor:
        for headers, status in ((SAME, 200), (CROSS, 403), ({}, 403)):
            sent = visitor.client.post("/activity/language", data={"lang": "nb", "to": PAGE}, headers=headers)
            assert sent.status_code == status
        assert 'lang="nb"' in visitor.client.get(PAGE).text
        # The control: a form of the host itself is not taken without its token.
        assert visitor.client.post("/people/2", data={"name": "x", "phone": ""}).status_code == 403


def test_what_is_long_arrives_whole(served: Project) -> None:
    """A list as a file streams, in both ways of serving."""
    with visiting(served, ANNA) as visitor:
        lines = visitor.client.get(f"{API}/entries.csv").text.splitlines()
        count = visitor.client.get(f"{API}/entries?count=true").json()["count"]
    assert len(lines) - 1 in (count, count - 1)  # that the file was taken is an entry too


def test_what_comes_streams_where_the_server_awaits(served: Project) -> None:
    """Below WSGI each stream would hold a thread of the server's: there is none, and the page offers none."""
    with visiting(served, ANNA) as visitor:
        server = visitor.client.get("/").headers.get("server", "")
        live = not server.startswith("WSGI")
        assert ("hx-sse:connect" in visitor.client.get(PAGE).text) == live
        with visitor.client.stream("GET", f"{API}/live") as stream:
            assert stream.status_code == (200 if live else 404)
            if live:
                lines = stream.iter_lines()
                assert next(lines) == ": open"
                visitor.post("/people/2", name="Bob Li", phone=server)
                assert "event: entry" in lines


def test_what_is_asked_for_and_not_sent_has_no_body(served: Project) -> None:
    with visiting(served, ANNA) as visitor:
        head = visitor.client.head(f"{API}/entries")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == "application/json"


def test_the_address_of_an_export_is_that_of_the_host(served: Project) -> None:
    with visiting(served, ANNA) as visitor:
        order = {"format": "csv", "filter": {}}
        made = visitor.client.post(f"{API}/exports", json=order, headers=SAME)
    assert made.status_code in (202, 403), made.text
    if made.status_code == 202:
        assert made.headers["location"].startswith(f"{served.address}{API}/exports/")


def test_a_session_that_ended_reads_nothing(served: Project) -> None:
    with visiting(served, ANNA) as visitor:
        assert visitor.client.get(PAGE).status_code == 200
        kept = dict(visitor.client.cookies)
        visitor.client.cookies.clear()
        assert visitor.client.get(PAGE).status_code == 401
        assert httpx.get(f"{served.address}{PAGE}", cookies={**kept, "sessionid": "x"}).status_code == 401
