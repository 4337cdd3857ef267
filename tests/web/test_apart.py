"""What is remembered of answers never reaches another organisation, viewer or language, many asking at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from msgspec import Struct
from tests.web.conftest import ANNA, ORG, OTHER, WEB, Served

from trailbook import Actor, Item, Origin
from trailbook.finding.answers import Shown
from trailbook.finding.reader import ShownLately

TIMES = 12


class Reader(Struct, frozen=True):
    """Somebody who reads: where, as whom and in which language; and what only some of them may see."""

    org: str
    item: Item
    lang: str
    roles: tuple[str, ...]
    sees: frozenset[str]


# Each mark stands on the pages of those alone who may see it.
HERE, THERE, CASE, EN, NB = "Ark of the north", "Ark of the hill", "Hotline-81520", " gave ", " ga "
IDA, OLA, EVA = (
    Item(type="user", id=f"u-{name}", name=name) for name in ("Ida-reads", "Ola-reads", "Eva-reads")
)
MARKS = frozenset({HERE, THERE, CASE, EN, NB, *(str(person.name) for person in (IDA, OLA, EVA))})


@pytest.fixture(scope="module")
def apart(serve: Callable[..., Served]) -> Served:
    """A server with the same kind of entry in two organisations, and a case that few may read in one of them."""
    served = serve()
    system = Actor(type="system", id="hotline", name=CASE, kind="system")
    for org, name in ((ORG, HERE), (OTHER, THERE)):
        member = Item(type="user", id="u-88", name="Per Aas")
        role = Item(type="role", id="r-88", name=name)
        served.deployment.log(org).record(
            "role.assigned", actor=ANNA, target=role, concerns={"member": member}, origin=WEB
        )
    case = Item(type="case", id="case-1")
    served.log.record("case.opened", actor=system, target=case, origin=Origin(interface="job"))
    return served


@pytest.fixture(scope="module")
def readers(apart: Served) -> list[Reader]:
    """Four who read at the same address, and one in the other organisation."""
    _, secret = apart.deployment.credentials.new_key(ORG, "Admin", ("administer",))
    wanted = {"name": "Cases", "permissions": {"activity_log": "full"}, "categories": ["whistleblowing"]}
    made = httpx.post(f"{apart.api}/roles", json=wanted, headers={"Authorization": f"Bearer {secret}"})
    cases = (made.json()["id"],)
    return [
        Reader(ORG, IDA, "en", cases, frozenset({HERE, CASE, EN, "Ida-reads"})),
        Reader(ORG, IDA, "nb", cases, frozenset({HERE, CASE, NB, "Ida-reads"})),
        Reader(ORG, OLA, "en", ("hr",), frozenset({HERE, EN, "Ola-reads"})),
        Reader(ORG, OLA, "nb", ("hr",), frozenset({HERE, NB, "Ola-reads"})),
        Reader(OTHER, EVA, "en", ("hr",), frozenset({THERE, EN, "Eva-reads"})),
    ]


def seen(served: Served, readers: Sequence[Reader]) -> list[tuple[Reader, frozenset[str]]]:
    """Which marks each reader met, on page and API, all asking at once and in turns."""

    def ask(reader: Reader) -> list[tuple[Reader, frozenset[str]]]:
        session = served.deployment.credentials.new_session(reader.org, reader.item, reader.roles)
        headers = {"Cookie": f"__Host-trailbook={session}", "Accept-Language": reader.lang}
        asked = "category.not=activity_log&category.not=security"
        with httpx.Client(base_url=served.base_url, headers=headers, timeout=60) as client:
            page = client.get(f"/orgs/{reader.org}/activity?{asked}")
            rows = client.get(f"/api/v1/orgs/{reader.org}/entries?{asked}")
        assert (page.status_code, rows.status_code) == (200, 200)
        named = {str(reader.item.name)} & {mark for mark in MARKS if mark in page.text}
        return [(reader, marks(page)), (reader, marks(rows) | named)]  # the API does not say who asks

    def marks(answer: httpx.Response) -> frozenset[str]:
        return frozenset(mark for mark in MARKS if mark in answer.text)

    with ThreadPoolExecutor(8) as pool:
        return [sight for both in pool.map(ask, [*readers] * TIMES) for sight in both]


def crossed(sights: Sequence[tuple[Reader, frozenset[str]]]) -> list[Any]:
    return [
        (reader.item.name, reader.lang, sees ^ reader.sees) for reader, sees in sights if sees != reader.sees
    ]


def test_nothing_crosses_over(apart: Served, readers: list[Reader]) -> None:
    """Every reader meets their own marks, all of them, and no other, however they are mixed."""
    assert crossed(seen(apart, readers)) == []


def test_what_is_remembered_without_its_language_would_be_seen(
    apart: Served, readers: list[Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a memory that forgets which language it was asked in makes the test above fail."""
    recall, keep = ShownLately.recall, ShownLately.keep

    def careless(self: ShownLately, stand: Any, seqs: Sequence[int], lang: str) -> list[Shown] | None:
        return recall(self, stand, seqs, "any")

    monkeypatch.setattr(ShownLately, "recall", careless)
    monkeypatch.setattr(ShownLately, "keep", lambda self, stand, shown, lang: keep(self, stand, shown, "any"))
    assert crossed(seen(apart, readers)) != []
