"""The HR pages: every entry's link opens its item, and nothing on a page needs more than its header allows."""

import re

import pytest
from tests.demo.conftest import BERG, Built, Site

from trailbook.demo.looks import HEADERS


def test_every_link_of_an_entry_opens_a_page(site: Site, built: Built) -> None:
    """For each type with a link, the first, a middle and the last item recorded has a page of its own."""
    items: dict[str, dict[str, None]] = {}
    for entry in built.recorder.entries:
        for item in (entry.target, *entry.concerns):
            items.setdefault(item.type, {})[built.recorder.catalogue.link(item.type, item.id) or ""] = None
    assert items.keys() >= {"user", "role", "integration", "absence", "competence", "salary", "payslip"}
    for links in items.values():
        paths = list(links)
        for path in {paths[0], paths[len(paths) // 2], paths[-1]}:
            assert path.startswith("/hr/")
            page = site.client.get(path)
            assert (path, page.status_code) == (path, 200)
            assert page.text.count("<h1>") == 1


def test_an_item_that_never_was_is_not_found(site: Site) -> None:
    """The control of the test above, for each kind of path."""
    for path in ("/hr/people/u-9", "/hr/roles/none", "/hr/absences/abs-1", "/hr/nothing/x", "/hr/salaries/x"):
        assert site.client.get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/hr", "/hr?q=%C3%A5se", "/hr?left=true", "/hr/roles", "/hr/integrations", "/hr/teams/grid"]
)
def test_lists_are_pages_without_scripts_or_inline_style(site: Site, path: str) -> None:
    """The header is exact, and nothing on the page needs more than it allows."""
    page = site.client.get(path)
    assert page.status_code == 200
    for name, value in HEADERS.items():
        assert page.headers[name] == value
    assert '<html lang="en">' in page.text
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", page.text)


def test_the_style_sheet_is_in_one_charset(site: Site) -> None:
    style = site.client.get("/hr/static/hr.css")
    assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")


def test_every_field_has_a_label(site: Site) -> None:
    """Each input and select of a person's page is named by a label, and each id stands once."""
    html = site.client.get(f"/hr/people/{BERG}").text
    fields = re.findall(r"<(?:input|select) id=\"([^\"]+)\"", html)
    assert len(fields) > 8
    for field in fields:
        assert f'<label for="{field}">' in html
        assert html.count(f'id="{field}"') == 1
