"""One filter, everywhere the same entries: page, API, both files, the count, a saved view, and whoever follows."""

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from html import unescape
from urllib.parse import urlencode

import httpx
import pytest
from tests.amounts import amount
from tests.web.api.test_live import events
from tests.web.conftest import ORG, Served, enter
from tests.web.test_html import opened
from tests.web.test_journeys import lived

from trailbook.access.viewer import operator
from trailbook.administration.ready_views import READY_VIEWS
from trailbook.finding.answers import Shown
from trailbook.query import from_params, split_params

PAGE = f"/orgs/{ORG}/activity"
FILTERS = amount(60, 200, 200)
VALUES = {
    "category": ("roles", "users", "permissions", "integrations", "competence", "absence", "salary"),
    "action": ("role.*", "role.assigned", "user.profile_updated", "salary.updated"),
    "actor": ("user/u-17", "user/u-9", "integration/i-1"),
    "concerns": ("user/u-42", "user/u-17", "user/u-77", "role/r-3"),
    "by_or_about": ("user/u-17", "user/u-42"),
    "target": ("role/*", "role/r-1", "user/u-17"),
    "actor_kind": ("person", "integration", "system"),
    "outcome": ("success", "denied"),
    "origin": ("web", "api"),
}
ONCE = {
    "date": ("today", "this-week", "last-month", "last-quarter", "past-6-months", "past-12-months"),
    "text": ("manager", "anna", "role given", "bob li"),
    "self": ("true", "false"),
    "tz": ("Asia/Tokyo", "America/St_Johns"),
}


@pytest.fixture(scope="module")
def company(serve: Callable[..., Served]) -> Served:
    """A log with something of everything."""
    served = serve()
    lived(served.log)
    return served


@pytest.fixture(scope="module")
def reader(company: Served) -> Iterator[httpx.Client]:
    """Somebody signed in, without a browser."""
    with httpx.Client(base_url=company.base_url, timeout=30) as client:
        enter(client, company.link())
        yield client


def drawn(dice: random.Random) -> list[tuple[str, str]]:
    """A filter of one to four parameters, some of them excluding."""
    pairs = []
    for name in dice.sample([*VALUES], dice.randint(0, 3)):
        field = name + ".not" * (dice.random() < 0.25)
        pairs += [(field, value) for value in dice.sample(VALUES[name], dice.randint(1, 2))]
    for name in dice.sample([*ONCE], dice.randint(0, 2)):
        pairs.append((name, dice.choice(ONCE[name])))
    return pairs or [("category", "roles")]


def test_page_api_files_and_stream_agree(company: Served, reader: httpx.Client) -> None:
    """200 random filters in full, each at one `as_of`, give the same entries everywhere."""
    dice, hits = random.Random(23), 0
    for _ in range(FILTERS):
        pairs = drawn(dice)
        if not any(name == "tz" for name, _ in pairs):
            pairs.append(("tz", "Europe/Oslo"))
        pairs.append(("category.not", "activity_log"))  # the exports themselves are entries
        ids = _agreed(company, reader, pairs)
        hits += bool(ids)
    assert hits > FILTERS / 4  # filters that find nothing would agree on anything


def _agreed(company: Served, reader: httpx.Client, pairs: list[tuple[str, str]]) -> list[str]:
    entries = f"/api/v1/orgs/{ORG}/entries"
    first = reader.get(f"{entries}?{urlencode([*pairs, ('limit', '200'), ('count', 'true')])}").json()
    ids = [entry["id"] for entry in first["entries"]]
    bound = [*pairs, ("as_of", str(first["as_of"]))]
    assert first["count"] == len(ids)
    page = opened(reader, f"{PAGE}?{urlencode([*bound, ('limit', '200')])}").text
    assert re.findall(r'class="row" id="e-([^"]+)"', page) == ids, pairs
    lines = reader.get(f"{entries}.jsonl?{urlencode(bound)}").text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ids, pairs
    csv = reader.get(f"{entries}.csv?{urlencode(bound)}").text
    assert csv.count("\r\n") == len(ids) + 1, pairs
    total = reader.get(f"{PAGE}/total?{urlencode(bound)}").text
    assert f">{len(ids)} entr" in total, pairs
    query = from_params(split_params(bound)[0])
    newer = company.log.newer(query, viewer=operator(ORG), after=-1, limit=200)
    assert sorted(entry.id for entry in newer) == sorted(ids), pairs
    assert _followed(reader, pairs, newer) == [entry.id for entry in newer], pairs
    assert _saved(reader, pairs, str(first["as_of"])) in (ids, None), pairs
    return ids


def _saved(reader: httpx.Client, pairs: list[tuple[str, str]], as_of: str) -> list[str] | None:
    """The rows of the filter saved as a view and opened; None where it names what the log never heard of."""
    views = f"/api/v1/orgs/{ORG}/views"
    filtered: dict[str, list[str]] = {}
    for name, value in pairs:
        filtered.setdefault(name, []).append(value)
    headers = {"Sec-Fetch-Site": "same-origin"}
    made = reader.post(views, json={"name": "This one", "filter": filtered}, headers=headers)
    if made.status_code == 422:
        assert "user/u-77" in made.text or "integration/i-1" in made.text, made.text
        return None
    id_ = made.json()["id"]
    list_ = reader.get(f"{PAGE}/views/{id_}").headers["location"]
    page = opened(reader, f"{list_}&{urlencode([('limit', '200'), ('as_of', as_of)])}").text
    assert reader.delete(f"{views}/{id_}", headers=headers).status_code == 204
    return re.findall(r'class="row" id="e-([^"]+)"', page)


def _followed(reader: httpx.Client, pairs: list[tuple[str, str]], newer: Sequence[Shown]) -> list[str]:
    """The ids that a stream from the log's beginning tells, in the order of `seq`, up to the last that it should."""
    ids: list[str] = []
    if not newer:
        return ids
    with reader.stream("GET", f"/api/v1/orgs/{ORG}/live?{urlencode([*pairs, ('after', '-1')])}") as answer:
        assert answer.status_code == 200, answer.read()
        for name, _, entry in events(answer):
            if name == "entry":
                ids.append(entry["id"])
                if entry["seq"] >= newer[-1].seq:
                    break
    return ids


# The zone of the company, all but readings, and as many as a page takes.
ALIKE = (("tz", "Europe/Oslo"), ("category.not", "activity_log"), ("limit", "200"))


def test_a_ready_view_gives_what_its_filter_gives(company: Served, reader: httpx.Client) -> None:
    """The link of each of the questions shows the entries that the API gives for the same filter."""
    links = re.findall(r'href="([^"]*[?&;]view=(?!all")[^"]*)"', opened(reader, PAGE).text)
    assert len(links) == len(READY_VIEWS)
    answers = []
    for view, link in zip(READY_VIEWS, map(unescape, links), strict=True):
        pairs = [*dict.fromkeys((*view.params, *ALIKE))]
        entries = reader.get(f"/api/v1/orgs/{ORG}/entries?{urlencode(pairs)}").json()["entries"]
        page = opened(reader, f"{link}&{urlencode(pairs[len(view.params) :])}").text
        rows = re.findall(r'class="row" id="e-([^"]+)"', page)
        assert rows == [entry["id"] for entry in entries], view.name
        answers.append(rows)
    assert len({tuple(rows) for rows in answers if rows}) > 5


def test_a_changed_filter_disagrees(reader: httpx.Client) -> None:
    """The control: two filters that differ do not give the same rows."""
    roles, users = (reader.get(f"{PAGE}?category={name}").text for name in ("roles", "users"))
    assert re.findall(r'id="e-([^"]+)"', roles) != re.findall(r'id="e-([^"]+)"', users)
