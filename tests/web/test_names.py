"""Names, labels and ids that nobody can read are refused at every door that takes one, and the pointer names it.

The doors of HTTP are found in the OpenAPI document: one that takes a text of that kind fails here until it is listed.
"""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from tests.web.conftest import ORG, Served, wire

from trailbook import Item

UNREADABLE = {"blank": " \u00a0", "unseen": "\u200b", "tag": "Anna\U000e0041", "lost": "Bj\ufffdrn"}
NAMED = ("name", "id", "login", "label", "title", "correlation")
ANNA = {"kind": "person", "type": "user", "id": "u-17", "name": "Anna Berg"}
BOB = {"type": "user", "id": "u-42", "name": "Bob Li"}

# Of each operation that takes a name: the body that is right, and the places of names in it.
Door = tuple[str, str, dict[str, Any], tuple[str, ...]]
ENTRY_PLACES = (
    *("/actor/id", "/actor/name", "/target/id", "/target/name", "/concerns/0/id", "/concerns/0/name"),
    *("/on_behalf_of/id", "/on_behalf_of/name", "/correlation"),
)
ENTRY = wire(on_behalf_of={"type": "user", "id": "u-18", "name": "Kari"}, correlation="c-1")
DOORS: list[Door] = [
    ("POST", "/entries", ENTRY, ENTRY_PLACES),
    ("POST", "/roles", {"name": "Payroll", "permissions": {}}, ("/name",)),
    ("PUT", "/roles/{role}", {"name": "Payroll", "permissions": {}}, ("/name",)),
    ("PUT", "/members/{type}/{item}", {"name": "Bob Li", "roles": ["hr"]}, ("/name",)),
    ("POST", "/members/{type}/{item}/invitation", {"login": "bob"}, ("/login",)),
    ("POST", "/keys", {"name": "HR system", "scopes": ["record"]}, ("/name",)),
    ("POST", "/views", {"name": "Roles"}, ("/name",)),
    ("PUT", "/views/{view}", {"name": "Roles"}, ("/name",)),
]
CASES = [
    pytest.param(door, place, text, id=f"{door[0]} {door[1]} {place} {kind}")
    for door in DOORS
    for place in door[3]
    for kind, text in UNREADABLE.items()
]


def placed(value: Any, place: str, text: str) -> Any:
    """A body with a text at a pointer."""
    first, _, rest = place[1:].partition("/")
    if isinstance(value, list):
        return [placed(each, f"/{rest}", text) if at == int(first) else each for at, each in enumerate(value)]
    return value | {first: placed(value[first], f"/{rest}", text) if rest else text}


@pytest.fixture(scope="module")
def named(serve: Callable[..., Served]) -> Served:
    """A server of its own: these tests change who may do what."""
    return serve()


@pytest.fixture
def admin(named: Served) -> Iterator[httpx.Client]:
    """A key that may do all of it."""
    _, secret = named.deployment.credentials.new_key(ORG, "All", ("administer", "record", "read"))
    with httpx.Client(base_url=named.api, headers={"Authorization": f"Bearer {secret}"}) as client:
        yield client


@pytest.fixture
def member(named: Served) -> Iterator[httpx.Client]:
    """A browser of somebody who keeps views."""
    link = named.deployment.credentials.new_session(ORG, Item(type="user", id="u-1", name="Op"), ("hr",))
    headers = {"Cookie": f"__Host-trailbook={link}", "Sec-Fetch-Site": "same-origin"}
    with httpx.Client(base_url=named.api, headers=headers) as client:
        yield client


def path_of(door: Door, client: httpx.Client, fresh: Iterator[int]) -> str:
    """The path of a door, with somebody or something behind it."""
    path = door[1].replace("{type}/{item}", f"user/u-{next(fresh)}")
    if "invitation" in path:
        client.put(path.removesuffix("/invitation"), json={"name": "Bob", "roles": ["hr"]})
    if "{role}" in path:
        made = client.post("/roles", json={"name": f"Role {next(fresh)}", "permissions": {}})
        path = path.replace("{role}", made.json()["id"])
    if "{view}" in path:
        path = path.replace(
            "{view}", client.post("/views", json={"name": f"View {next(fresh)}"}).json()["id"]
        )
    return path


@pytest.fixture(scope="module")
def fresh() -> Iterator[int]:
    return iter(range(1000, 10_000))


@pytest.mark.parametrize(("door", "place", "text"), CASES)
def test_an_unreadable_name_is_refused(
    admin: httpx.Client, member: httpx.Client, fresh: Iterator[int], door: Door, place: str, text: str
) -> None:
    """422, and the pointer is that of the name; with the name that is right the same door takes it."""
    client = member if "views" in door[1] else admin
    path = path_of(door, client, fresh)
    refused = client.request(door[0], path, json=placed(door[2], place, text))
    assert refused.status_code == 422, refused.text
    assert [error["pointer"] for error in refused.json()["errors"]] == [place]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: f"{door[0]} {door[1]}")
def test_a_readable_name_is_taken(
    admin: httpx.Client, member: httpx.Client, fresh: Iterator[int], door: Door
) -> None:
    """The control of each door."""
    client = member if "views" in door[1] else admin
    text = f"Bjørn🧭{next(fresh)}"
    path = path_of(door, client, fresh)
    taken = client.request(door[0], path, json=placed(door[2], door[3][-1], text))
    assert taken.status_code in (200, 201), taken.text


def test_every_door_that_takes_a_name_is_listed(named: Served) -> None:
    """A new operation whose body has a name, an id, a login or a label fails until it stands above."""
    document = httpx.get(f"{named.base_url}/openapi.json").json()
    listed = {(door[0], door[1]) for door in DOORS} | {
        ("POST", "/entries/batch")
    }  # each line as `POST entries`
    open_doors = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            schema = _body(document, operation) if isinstance(operation, dict) else {}
            if set(schema.get("properties", {})) & set(NAMED):
                open_doors.add((method.upper(), path.removeprefix("/api/v1/orgs/{org}")))
    assert open_doors
    assert open_doors <= listed


def _body(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    schema: dict[str, Any] = content.get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema
