"""What a bundle would hold, over HTTP: asked before, answered with the order, listed with the file."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from tests.web.conftest import ORG, Served

from trailbook.access.viewer import operator
from trailbook.administration.access import By, withhold

CLOSED = {"format": "bundle-closed", "filter": {"outcome": ["denied"]}}


@pytest.fixture(scope="module")
def company(serve: Callable[..., Served]) -> Served:
    """A server of its own: one test withholds a category."""
    return serve()


def client_of(served: Served, *scopes: Any, everything: bool = True) -> httpx.Client:
    """A client with a key of these scopes, which may see every category."""
    categories = served.deployment.catalogue.categories
    restricted = [name for name, category in categories.items() if category.restricted and everything]
    _, text = served.deployment.credentials.new_key(ORG, "Archive", scopes, restricted=restricted)
    return httpx.Client(base_url=f"{served.api}/", headers={"Authorization": f"Bearer {text}"}, timeout=60)


@pytest.fixture
def archive(company: Served) -> Iterator[httpx.Client]:
    with client_of(company, "export", "prove") as client:
        yield client
        for job in client.get("exports").json()["exports"]:
            client.delete(f"exports/{job['id']}")


def ready(served: Served, client: httpx.Client, id_: str) -> dict[str, Any]:
    """An export once it has ended."""
    for _ in range(300):
        served.deployment.signer().sign(ORG)
        job: dict[str, Any] = client.get(f"exports/{id_}").json()
        if job["state"] not in ("queued", "running"):
            return job
        time.sleep(0.05)
    raise AssertionError(f"the export is still {job['state']}")


def figures(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: answer[name] for name in ("count", "as_of", "held", "named_outside", "words")}


def test_a_closed_bundle_is_told_before_it_is_made(company: Served, archive: httpx.Client) -> None:
    """In figures and in words; nothing is ordered or recorded; order, list and file say the same."""
    size = company.log.size(viewer=operator(ORG))
    asked = archive.post("exports", json={**CLOSED, "preview": True})
    assert asked.status_code == 200
    assert company.log.size(viewer=operator(ORG)) == size
    assert archive.get("exports").json()["exports"] == []
    before = asked.json()
    assert (before["count"], before["as_of"], before["held"]) == (1, size, size)
    assert 1 < before["named_outside"] < size
    assert before["words"] == (
        f"Holds {size} entries of all categories; {before['named_outside']} outside your filter can be read by name."
    )
    order = archive.post("exports", json={**CLOSED, "as_of": before["as_of"]})
    assert (order.status_code, figures(order.json())) == (202, figures(before))
    job = ready(company, archive, order.json()["id"])
    assert (job["state"], figures(job)) == ("ready", figures(before))
    assert figures(archive.get("exports").json()["exports"][0]) == figures(before)
    with zipfile.ZipFile(io.BytesIO(archive.get(f"exports/{job['id']}/file").content)) as bundle:
        manifest = json.loads(bundle.read("manifest.note").rpartition(b"\n\n")[0])
    assert {
        name: manifest[name] for name in ("held", "named_outside", "count", "as_of")
    }.items() <= before.items()


def test_the_words_are_the_readers(archive: httpx.Client) -> None:
    answer = archive.post("exports", json={**CLOSED, "preview": True}, headers={"Accept-Language": "nb"})
    assert answer.json()["words"].startswith("Inneholder ")


def test_a_bundle_of_which_nothing_is_said_is_of_inclusion(company: Served, archive: httpx.Client) -> None:
    """What it holds is known once it is there; of a file that is no bundle nothing is said."""
    order = archive.post("exports", json={**CLOSED, "format": "bundle"}).json()
    assert (order["format"], "held" in order) == ("bundle-inclusion", True)
    assert (order["held"], order["words"]) == (None, None)
    job = ready(company, archive, order["id"])
    assert (job["held"], job["named_outside"]) == (1, 0)
    assert job["words"] == "Holds 1 entry; 0 outside your filter can be read by name."
    asked = archive.post("exports", json={**CLOSED, "format": "bundle", "preview": True}).json()
    assert (asked["format"], asked["held"]) == ("bundle-inclusion", 1)
    plain = archive.post("exports", json={"format": "csv"}).json()
    assert (plain["held"], plain["words"]) == (None, None)


def test_only_a_bundle_has_figures(archive: httpx.Client) -> None:
    for format_, status in (("csv", 422), ("bundle-closed", 200)):
        answer = archive.post("exports", json={"format": format_, "preview": True})
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize("preview", [True, False])
def test_the_figures_are_for_who_may_have_the_bundle(serve: Callable[..., Served], preview: bool) -> None:
    """403 without the proofs, without a restricted category, and where one is withheld that the log never saw."""
    served = serve()
    order = {**CLOSED, "preview": preview}
    with client_of(served, "export", "prove") as every:
        assert every.post("exports", json=order).status_code in (200, 202)
        for scopes, everything in ((("export",), True), (("export", "prove"), False)):
            with client_of(served, *scopes, everything=everything) as client:
                answer = client.post("exports", json=order)
                assert (answer.status_code, answer.json()["code"]) == (403, "not-permitted")
                assert '"held"' not in answer.text
        withhold(By(served.deployment, operator(ORG)), ["salary"])
        answer = every.post("exports", json=order)
        assert (answer.status_code, answer.json()["code"]) == (403, "not-permitted")
