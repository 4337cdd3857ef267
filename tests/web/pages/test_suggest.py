"""Typeahead: who and what is offered while somebody types, told from its namesakes."""

import re
from html import unescape

import httpx
import pytest
from tests.web.conftest import ANNA, BOB, KARI, ORG, WEB, Served

from trailbook import Item

SUGGEST = f"/orgs/{ORG}/activity/suggest"


def offered(client: httpx.Client, query: str) -> list[tuple[str, str]]:
    """The value of each row and what stands beside its name."""
    answer = client.get(f"{SUGGEST}?{query}")
    assert answer.status_code == 200
    row = r'<u-option value="([^"]+)"[^>]*>.*?<span class="small"[^>]*><bdi>([^<]*)</bdi>'
    rows = re.findall(row, answer.text)
    return [(unescape(value), unescape(beside)) for value, beside in rows]


def test_a_person_by_the_beginning_of_a_name(signed_in: httpx.Client) -> None:
    """As actor, and as whoever did it or whom it was about; a name that nobody has offers nothing."""
    values = [value for value, _ in offered(signed_in, "role=actor&actor=Anna+Ber")]
    assert values == ["actor=user/u-17", "by_or_about=user/u-17"]
    assert offered(signed_in, "role=actor&actor=Zzz") == []


def test_a_thing_is_never_by_or_about(signed_in: httpx.Client) -> None:
    """Only a person both does and is done to; a role is only concerned."""
    values = [value for value, _ in offered(signed_in, "role=concerns&concerns=Manager")]
    assert "concerns=role/r-0" in values
    assert {value.partition("/")[0] for value in values} == {"concerns=role"}


def test_namesakes_are_told_apart(served: Served, signed_in: httpx.Client) -> None:
    """By what the host says of them today, else by when they last appeared, which stand beside the name."""
    for number in (1, 2):
        hint = "Technician, Field south" if number == 1 else None
        twin = Item(type="user", id=f"twin-{number}", name="Tvilling Ås", hint=hint)
        role = Item(type="role", id="r-3", name="Payroll")
        served.log.record("role.assigned", actor=ANNA, target=role, concerns={"member": twin}, origin=WEB)
    rows = dict(offered(signed_in, "role=concerns&concerns=Tvilling"))
    assert rows["concerns=user/twin-1"] == "Technician, Field south"
    assert re.fullmatch(r"last seen \d+ \w+ 20\d\d · twin-2", rows["concerns=user/twin-2"])
    assert offered(signed_in, "role=concerns&concerns=bob") == [
        ("concerns=user/u-42", "Person · u-42"),
        ("by_or_about=user/u-42", "Person · u-42"),
    ]
    near = dict(offered(signed_in, "role=concerns&concerns=tviling"))
    assert list(near) == ["concerns=user/twin-1", "concerns=user/twin-2"]


def test_kinds_of_actor(signed_in: httpx.Client) -> None:
    """Persons, integrations and the system are offered as actors, below people where nothing is typed, and by name."""
    kinds = ["actor_kind=system", "actor_kind=integration", "actor_kind=person"]
    assert [value for value, _ in offered(signed_in, "role=actor")][-3:] == kinds
    assert [value for value, _ in offered(signed_in, "role=actor&actor=integr")][:1] == kinds[1:2]


def test_people_of_late_before_a_letter_is_typed(served: Served, signed_in: httpx.Client) -> None:
    """Newest first, in the part that the field asks for; whoever asks is not among them."""
    people = [Item(type="user", id=f"late-{number}", name=f"Late {number}") for number in range(10)]
    for person in people:
        served.log.record("user.created", actor=KARI, target=person, origin=WEB)
    rows = [value for value, _ in offered(signed_in, "role=concerns")]
    assert rows == [f"concerns=user/late-{number}" for number in range(9, 1, -1)]
    actors = [value for value, _ in offered(signed_in, "role=actor")]
    assert actors[0] == "actor=user/u-9"
    assert "actor=user/u-17" not in actors  # Anna asks, and acted


def test_sources_are_a_choice(signed_in: httpx.Client) -> None:
    """The few there are, with none to begin with."""
    options = re.findall(r'<option value="([^"]*)"', signed_in.get(f"{SUGGEST}?role=source").text)
    assert options[0] == ""
    assert len(options) > 1
    assert all(option.startswith("source/") for option in options[1:])


@pytest.mark.parametrize("query", ["", "role=origin", "role=actor&x=1", "role=actor&actor=a&actor=b"])
def test_what_is_asked_wrongly(signed_in: httpx.Client, query: str) -> None:
    """Another field and another parameter are refused; the control is one of the fields."""
    assert signed_in.get(f"{SUGGEST}?{query}").status_code == 422
    assert signed_in.get(f"{SUGGEST}?role=actor&actor={BOB.name}").status_code == 200
