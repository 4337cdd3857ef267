"""The gate, tried at every door: nothing of what is restricted or withheld comes out, whoever asks for it."""

from collections.abc import Callable

import httpx
import pytest
from litestar import get
from tests.web.conftest import Served
from tests.web.gate import ASKERS, NAMED, Ground, file_of, ground_of, leaks, listed, routes_of

from trailbook.access import Clearance
from trailbook.web.app import TABLE

READERS = ("hr", "auditor", "key:every")


@get("/beside", sync_to_thread=False)
def beside() -> str:
    """What a host mounts."""
    return "beside"


@pytest.fixture(scope="module")
def ground(serve: Callable[..., Served]) -> Ground:
    """A server of its own, whose log hides an entry that is restricted and one whose category is withheld."""
    return ground_of(serve())


@pytest.fixture
def open_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate switched off: every category is seen, by whoever is let in."""
    monkeypatch.setattr(Clearance, "sees", lambda self, category: True)


def test_every_route_is_listed(ground: Ground) -> None:
    """A route that nobody listed fails here."""
    assert [route for route in sorted(routes_of(ground.served.app)) if not listed(route)] == []


def test_every_route_stands_in_the_one_table(ground: Ground, serve: Callable[..., Served]) -> None:
    """The framework knows no other, and each row once; the control: one that somebody mounts beside is seen."""
    names = [route.name for route in TABLE]
    assert len(names) == len(set(names))
    assert routes_of(ground.served.app) == set(names)
    mounted = serve(extra=[beside])
    assert routes_of(mounted.app) - set(names) == {"GET /beside"}


@pytest.mark.parametrize("asker", ASKERS)
def test_nothing_hidden_leaves_by_any_door(ground: Ground, asker: str) -> None:
    """Every route x what is restricted and what is withheld x everybody: no name, no id, no difference to absent."""
    found_ = leaks(ground, askers=[asker])
    print("\n".join(found_))
    assert found_ == []


@pytest.mark.usefixtures("open_gate")
def test_without_the_gate_every_door_leaks(serve: Callable[..., Served]) -> None:
    """The control: with the gate switched off each way that hands out something of an entry is a leak."""
    ground = ground_of(serve())  # its own: what is read with the gate open is recorded
    ways = {why.partition(" by ")[0].rpartition("/")[2] for why in leaks(ground, askers=["key:every"])}
    expected = {
        "entries",
        "entries.csv",
        "entries.jsonl",
        "{id:str}",
        "leaf",
        "proof",
        "related",
        "facets",
        "items",
    }
    assert expected <= ways, ways


@pytest.mark.parametrize("form", ["csv", "jsonl", "bundle-inclusion"])
def test_no_export_holds_what_is_hidden(ground: Ground, form: str) -> None:
    """Ordered files: no word and no id of what is hidden, and what whoever may see it gets as the control.

    A bundle holds the very bytes that were signed: an entry that names a hidden one as its cause still does so there.
    """
    restricted, withheld = ground.hidden["restricted"], ground.hidden["withheld"]
    for asker in READERS if form != "bundle-inclusion" else ("auditor", "key:every"):
        content = file_of(ground, asker, form)
        assert content
        words = {word for hidden in (restricted, withheld) for word in hidden.words}
        words -= {restricted.id} if form == "bundle-inclusion" else set()
        assert not [word for word in words if word.encode() in content]
    for asker in NAMED:
        content = file_of(ground, asker, form)
        assert restricted.id.encode() in content
        assert withheld.word.encode() not in content


def test_a_view_tells_nobody_who_exists(ground: Ground) -> None:
    """Saving a filter that names somebody hidden is refused as one that names nobody."""
    url, headers = f"{ground.served.api}/views", ground.headers["key:read"]

    def refusal(item: str) -> tuple[int, str]:
        answer = httpx.post(url, json={"name": item, "filter": {"actor": f"user/{item}"}}, headers=headers)
        return answer.status_code, answer.json()["errors"][0]["detail"].replace(item, "*")

    assert refusal("u-101") == refusal("u-102") == refusal("u-199")
    known = httpx.post(url, json={"name": "Anna", "filter": {"actor": "user/u-17"}}, headers=headers)
    assert known.status_code == 201  # the control


@pytest.mark.parametrize("preview", [True, False])
def test_what_a_closed_bundle_holds_is_told_to_nobody_from_whom_something_is_withheld(
    ground: Ground, preview: bool
) -> None:
    """By every asker, before it is made as in the order: 403, or 401 to nobody; the other kind is the control."""
    url, order = f"{ground.served.api}/exports", {"format": "bundle-closed", "preview": preview}
    for asker in ASKERS:
        answer = httpx.post(url, json=order, headers=ground.headers[asker])
        assert answer.status_code == (401 if asker == "nobody" else 403), asker
        assert "named_outside" not in answer.text
    other = httpx.post(url, json={"format": "bundle", "preview": True}, headers=ground.headers["key:every"])
    assert other.json()["held"] > 0
