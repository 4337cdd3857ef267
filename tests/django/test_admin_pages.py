"""The tab of the admin: the log's own sentences of one object, for those whom the log lets read."""

import re

import httpx
import pytest
from tests.django.conftest import ANNA, BOB, visiting
from tests.examples.processes import Project

from trailbook import Item, open_deployment, operator
from trailbook.administration.access import By, disable_member, put_member, remove_member

TAB = "/admin/hr/person/2/activity/"


def test_the_page_of_a_registered_object_has_a_tab(served: Project) -> None:
    with visiting(served, ANNA) as visitor:
        assert f'href="{TAB}"' in visitor.client.get("/admin/hr/person/2/change/").text
        # The control: what is not registered has none, and neither has what is only being added.
        assert "activitylink" not in visitor.client.get("/admin/hr/person/add/").text
        assert "activitylink" not in visitor.client.get("/admin/auth/group/add/").text


def test_it_says_newest_first_what_the_log_says_and_turns_the_page(served: Project) -> None:
    with visiting(served, ANNA) as visitor:
        for number in range(30):
            visitor.post("/people/2", name="Bob Li", phone=str(number))
        text = _until(visitor.client, "updated Bob Li&#x27;s profile", 25)
        assert "Anna Berg updated Bob Li&#x27;s profile" in text
        assert "First day" not in text
        older = visitor.client.get(TAB + text.partition('rel="next" href="')[2].partition('"')[0])
        assert "First day added Bob Li as a user" in older.text
        assert 'rel="prev"' in older.text
        assert "Times in Central European Time (Europe/Oslo)." in older.text


def _until(client: object, words: str, count: int) -> str:
    for _ in range(200):
        text: str = client.get(TAB).text  # type: ignore[attr-defined]
        if text.count(words) >= count:
            return text
    raise AssertionError(text)


def test_the_admin_of_the_example_has_its_styles(served: Project) -> None:
    with visiting(served, ANNA) as visitor:
        styles = re.findall(r'<link rel="stylesheet" href="([^"]+)"', visitor.client.get(TAB).text)
        assert styles
        for href in styles:
            answer = visitor.client.get(href)
            assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/css")
        assert visitor.client.get("/static/admin/css/none.css").status_code == 404


def test_it_speaks_the_language_of_the_admin(served: Project) -> None:
    with visiting(served, ANNA) as visitor:
        answer = visitor.client.get(TAB, headers={"Accept-Language": "nb"})
    assert "Activity of" in answer.text or "Aktivitet for" in answer.text


@pytest.mark.parametrize(("who", "status"), [(BOB, 403), (ANNA, 200)])
def test_whoever_may_not_read_the_log_is_refused_and_not_shown_an_empty_list(
    served: Project, who: str, status: int
) -> None:
    """Both are superusers of the admin; the log lets one of them read."""
    with visiting(served, who) as visitor:
        answer = visitor.client.get(TAB)
    assert answer.status_code == status
    assert ('<table id="activity">' in answer.text) == (status == 200)
    assert ("You need full access to Activity log" in answer.text) == (status == 403)


def test_a_member_who_was_disabled_is_refused_in_the_admin_too(served: Project) -> None:
    """By the same rule as in the page; until then, and afterwards, the log lets them read."""
    deployment = open_deployment(f"sqlite:///{served.folder / 'trailbook.db'}")
    by, bob = By(deployment, operator("acme")), Item(type="user", id=BOB, name="Bob Li")
    put_member(by, bob, ["auditor"])
    try:
        with visiting(served, BOB) as visitor:
            assert _answers(visitor.client) == [200, 200]
            disable_member(by, "user", BOB, disabled=True)
            assert _answers(visitor.client) == [403, 403]
            disable_member(by, "user", BOB, disabled=False)
            assert _answers(visitor.client) == [200, 200]
    finally:
        remove_member(by, "user", BOB)
        deployment.close()


def _answers(client: httpx.Client) -> list[int]:
    return [client.get(path).status_code for path in (TAB, "/activity/orgs/acme/activity")]


def test_whoever_is_nobody_is_asked_to_sign_in_to_the_admin(served: Project) -> None:
    with visiting(served) as visitor:
        answer = visitor.client.get(TAB, follow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/admin/login/")


@pytest.mark.parametrize(
    "path",
    [
        "hr/person/99/activity/",
        "hr/none/1/activity/",
        "auth/group/1/activity/",
        "hr/person/2/activity/?cursor=x",
    ],
)
def test_what_is_not_there_is_not_found(served: Project, path: str) -> None:
    with visiting(served, ANNA) as visitor:
        assert visitor.client.get(f"/admin/{path}").status_code == 404


def test_nothing_can_be_changed_from_there(served: Project) -> None:
    with visiting(served, ANNA) as visitor:
        assert visitor.client.post(TAB).status_code == 403  # not even with a form: there is none
        text = (
            visitor.client.get(TAB)
            .text.partition('id="content-main"')[2]
            .partition("<!-- END Content -->")[0]
        )
    assert "<form" not in text
    assert "<button" not in text
