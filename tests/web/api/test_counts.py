"""Counts over HTTP: facets, bars and related entries, and the figures that no door makes."""

import httpx
import pytest
from tests.web.conftest import Served, wire


def test_facets(client: httpx.Client, served: Served) -> None:
    """Exact counts beside each value, without the filter's own terms on the field; labels in one's language."""
    facets = client.get("facets", params={"by": "outcome", "outcome": "denied"}).json()
    total = client.get("entries", params={"count": "true", "as_of": facets["as_of"]}).json()["count"]
    assert facets["by"] == "outcome"
    assert sum(value["count"] for value in facets["values"]) == total
    assert {value["value"] for value in facets["values"]} >= {"success", "denied"}
    norwegian = client.get("facets", params={"by": "category"}, headers={"Accept-Language": "nb"}).json()
    assert "Roller" in [value["label"] for value in norwegian["values"]]


def test_persons_have_no_numbers(client: httpx.Client) -> None:
    """Persons are listed by name, without a number; what is no person has one."""
    values = client.get("facets", params={"by": "concerns", "limit": 200}).json()["values"]
    counted = {value["value"].partition("/")[0]: value["count"] for value in values}
    assert counted["user"] is None
    assert isinstance(counted["role"], int)


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("histogram", {"actor": "user/u-17"}),
        ("histogram", {"by_or_about": "user/u-17"}),
        ("histogram", {"actor.not": "user/u-17"}),
        ("histogram", {"concerns": "user/u-42", "bucket": "day", "date": "this-month"}),
        ("facets", {"by": "action", "actor": "user/u-17"}),
        ("facets", {"by": "concerns", "by_or_about": "user/u-17"}),
        ("histogram", {"text": "ann"}),
        ("facets", {"by": "action", "text": "Berg"}),
    ],
)
def test_no_figures_of_a_person(client: httpx.Client, path: str, params: dict[str, str]) -> None:
    """Refused by name; the same without the person is answered, and the total stays."""
    refused = client.get(path, params=params)
    assert (refused.status_code, refused.json()["code"]) == (422, "figures-of-a-person")
    person = {name: value for name, value in params.items() if value.startswith("user/") or name == "text"}
    others = {name: value for name, value in params.items() if name not in person}
    assert client.get(path, params=others).status_code == 200
    assert client.get(path, params=others | {"text": "payroll"}).status_code == 200
    assert client.get("entries", params={**person, "count": "true"}).json()["count"] >= 0


def test_histogram(client: httpx.Client) -> None:
    """Bars add up to the count, also by category; too many are refused, and so is an unknown bucket."""
    drawn = client.get("histogram", params={"by": "category", "category": "roles"}).json()
    count = client.get(
        "entries", params={"category": "roles", "count": "true", "as_of": drawn["as_of"]}
    ).json()["count"]
    assert 0 < len(drawn["bars"]) <= 92
    assert sum(bar["count"] for bar in drawn["bars"]) == count
    assert all(bar["parts"] in ({}, {"roles": bar["count"]}) for bar in drawn["bars"])
    many = client.get("histogram", params={"bucket": "hour", "date": "past-12-months"})
    assert (many.status_code, many.json()["code"]) == (422, "too-many-bars")
    for wrong in ({"bucket": "minute"}, {"by": "actor"}, {"limit": "3"}, {"nonsense": "1"}):
        assert client.get("histogram", params=wrong).status_code == 422


def test_related(client: httpx.Client) -> None:
    """Entries of one correlation belong together."""
    ids = [
        client.post(
            "entries", json=wire(correlation="one-import", occurred_at=f"2026-02-0{day}T08:00:00Z")
        ).json()["id"]
        for day in (1, 2, 3)
    ]
    page = client.get(f"entries/{ids[0]}/related").json()
    assert [entry["id"] for entry in page["entries"]] == [ids[2], ids[1]]
    assert page["count"] == 2
    first = client.get(f"entries/{ids[0]}/related", params={"limit": 1}).json()
    rest = client.get(f"entries/{ids[0]}/related", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert [entry["id"] for entry in rest["entries"]] == [ids[1]]
    assert client.get(f"entries/{ids[0]}/related", params={"category": "roles"}).status_code == 422
    assert client.get("entries/019a3c1e-7d2b-7c40-9f0e-6f1f0a6f2b11/related").status_code == 404
