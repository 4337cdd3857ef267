"""Counts beside a filter's values: equal to counting by hand, and never of a person."""

import re
from collections import Counter

import httpx
import pytest
from tests.web.conftest import BOB, ORG, Served
from tests.web.pages.test_bars import FILTERS, NUMBER, PAGE, PARTIAL, number

from trailbook.access.viewer import Viewer
from trailbook.errors import FilterInvalidError
from trailbook.query import from_params, matches
from trailbook.web.pages.values import COUNTED, NAMED, owned

_VALUE = re.compile(
    r'<li><a href="([^"]+)"[^>]*>(?:<bdi>)?([^<]*)(?:</bdi>)?</a> <span class="n">([\d,]+)</span>'
)


def test_the_page_has_parameters_of_its_own() -> None:
    """Which field, and where its names go on; the rest is the list's. A field that is not counted is refused."""
    for field in (*COUNTED, *NAMED):
        parameters = owned([("category", "roles"), ("by", field), ("turn", "x")])
        assert parameters.own == {"by": field, "turn": "x"}
        assert parameters.listed == [("category", "roles")]
    with pytest.raises(FilterInvalidError):
        owned([("by", "source")])


@pytest.mark.parametrize("query", FILTERS)
def test_counts_equal_counting_by_hand(signed_in: httpx.Client, served: Served, query: str) -> None:
    """Beside each value stands exactly how many entries have it, the filter's own values of that field aside."""
    pairs = [(n, v) for n, v in httpx.QueryParams(query).multi_items()]
    page = signed_in.get(f"{PAGE}/values?{query}").text
    for field in ("category", "actor_kind", "outcome", "origin", "action"):
        section = page.partition(f'id="v-{field}"')[2].partition("</section>")[0]
        counts = {label: number(count) for _, label, count in _VALUE.findall(section)}
        rest = [pair for pair in pairs if pair[0].removesuffix(".not") != field]
        viewer = Viewer(org=ORG, item=BOB, activity_log="full")
        zoned = rest if "tz" in dict(rest) else [*rest, ("tz", "Europe/Oslo")]
        asked, now = from_params(zoned), served.log.clock()
        views = [v for v in served.log.views(from_params([]), viewer=viewer) if matches(asked, v, now)]
        assert sum(counts.values()) == len(views), field
    outcomes = Counter(view.entry.outcome for view in views)
    assert set(outcomes) <= {"success", "denied", "failure"}


def test_the_form_has_the_counts(signed_in: httpx.Client, served: Served) -> None:
    """What the form loads beside its choices are the same counts, what is chosen stays chosen."""
    part = signed_in.get(f"{PAGE}/values?category=roles&by=category", headers=PARTIAL).text
    assert re.search(r'value="roles" checked> Roles <span class="n">[1-9]\d*</span>', part)
    assert 1 < part.count("<label") < 6, "what has no entries is not listed"
    assert re.search(r"\d+ without entries are not listed\.", part)
    options = signed_in.get(f"{PAGE}/values?category=roles&by=action", headers=PARTIAL).text
    assert re.search(
        r'<u-option value="action=role.assigned" label="[^"]+">[^<]+ <span class="n">[1-9]\d*<', options
    )
    assert not re.search(r'class="n">0<', options)
    kinds = signed_in.get(f"{PAGE}/values?category=roles&by=target_type", headers=PARTIAL).text
    assert '<u-option value="target=role/*" label="Role">' in kinds
    for role in ("action", "target"):  # where nothing may be counted, every value is offered
        offered = signed_in.get(f"{PAGE}/suggest?role={role}").text
        declared = len(served.log.catalogue.actions if role == "action" else served.log.catalogue.types)
        assert offered.count("<u-option") == declared
        assert 'class="n"' not in offered
    assert signed_in.get(f"{PAGE}/values?by=source", headers=PARTIAL).status_code == 422


def test_names_have_no_numbers(signed_in: httpx.Client) -> None:
    """Who did it and whom it is about are lists by the alphabet; persons without a number, things with one."""
    actors = signed_in.get(f"{PAGE}/values?by=actor&category=roles").text
    assert "Anna Berg" in actors
    assert not NUMBER.search(actors)
    items = signed_in.get(f"{PAGE}/values?by=concerns&category=roles").text
    numbered = {label for _, label, _ in _VALUE.findall(items)}
    assert "Manager" in numbered
    assert "Bob Li" in items
    assert "Bob Li" not in numbered
