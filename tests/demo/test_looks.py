"""How the HR pages are made: other sites change nothing, and names are text."""

import pytest
from tests.demo.conftest import BERG, Site


def test_hostile_names_show_as_text(site: Site) -> None:
    """A name with markup is escaped wherever it stands."""
    assert site.post(f"/hr/people/{BERG}/position", {"job_title": "<img src=x onerror=alert(1)>"}) == 303
    html = site.client.get(f"/hr/people/{BERG}").text
    assert "<img" not in html
    assert "&lt;img" in html


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 303),
        ({"origin": "http://testserver.local"}, 303),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "origin": "http://testserver.local"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({}, 403),
    ],
)
def test_only_the_site_itself_may_change_something(site: Site, headers: dict[str, str], status: int) -> None:
    """A form sent by another site changes nothing; the same form from here does."""
    form = {"job_title": "Chief of nothing"}
    answer = site.client.post(
        f"/hr/people/{BERG}/position", data=form, headers=headers, follow_redirects=False
    )
    assert answer.status_code == status
    assert len(site.recorder.entries) == (status == 303)
