"""Who may do what: every operation of the API, the roles that ask, and what a breach of the boundary is.

Owns the list that a new operation must be put on, and the requests of the matrix. Refuses to read the list from
the document: what the document says is what is tried.
"""

import re
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
from msgspec import Struct
from tests.web.conftest import ORG, OTHER, WEB, Served

from trailbook import Actor, Item
from trailbook.access.viewer import operator
from trailbook.administration.access import By, add_role, put_member

# In every text of the other organisation, and in nothing that is sent: where it is read, something leaked.
CANARY = "Kvartsit"
ABSENT = "ingen"  # as long as the other's name
PERSONS = ("nobody", "employee", "hr", "auditor", "system-administrator")
SCOPES = ("record", "read", "export", "prove", "administer")
ROLES = (*PERSONS, *(f"key:{scope}" for scope in SCOPES))

_READERS = frozenset({"hr", "auditor", "system-administrator", "key:read"})
_EXPORTERS = frozenset({"hr", "auditor", "system-administrator", "key:export"})
_PROVERS = frozenset({"auditor", "system-administrator", "key:prove"})
_CARERS = frozenset({"system-administrator", "key:administer"})
_EVERYBODY = frozenset(ROLES)
_LISTED = {
    frozenset({"key:record"}): "recordEntry recordEntries",
    _READERS: "findEntries readEntry readRelated readFacets readHistogram findItems followEntries readCatalogue "
    "exportCsv exportJsonLines listViews saveView readView changeView removeView",
    _EXPORTERS: "orderExport listExports readExport cancelExport readExportFile readExportManifest",
    _PROVERS: "readLeaf readProof readCheckpoint readTile readKeys readWitnesses readIdentities",
    _CARERS: "listRoles addRole readRole changeRole removeRole listMembers readMember putMember removeMember invite "
    "resetPassword listApiKeys issueApiKey rotateApiKey restrictApiKey revokeApiKey readWithheld withhold "
    "readWorkingHours setWorkingHours",
    _EVERYBODY: "health readiness version openapi",
}
MAY = {name: who for who, names in _LISTED.items() for name in names.split()}


class Place(Struct, frozen=True):
    """The ids that an organisation has: what a path can name."""

    org: str
    ids: dict[str, str]


class Ground(Struct, frozen=True):
    """A server with two organisations, what each has, and the headers that each role asks with."""

    served: Served
    own: Place
    other: Place
    headers: dict[str, dict[str, str]]


class Response(Struct, frozen=True):
    """An answer without what may differ: its request id, its date, how much is left, and what was asked for."""

    status: int
    headers: tuple[tuple[str, str], ...]
    text: str


def grounds(served: Served) -> Ground:
    """Fill both organisations, and let one of each role into the first."""
    own, other = _place(served, ORG, "Plain"), _place(served, OTHER, CANARY)
    headers: dict[str, dict[str, str]] = {"nobody": {}}
    by = By(served.deployment, operator(ORG))
    for role in PERSONS[1:]:
        item = Item(type="user", id=f"by-{role}", name=role)
        put_member(by, item, [role])
        session = served.deployment.credentials.new_session(ORG, item)
        headers[role] = {"Cookie": f"__Host-trailbook={session}", "Sec-Fetch-Site": "same-origin"}
    for scope in SCOPES:
        _, text = served.deployment.credentials.new_key(ORG, f"Of {scope}", (scope,))  # type: ignore[arg-type]
        headers[f"key:{scope}"] = {"Authorization": f"Bearer {text}"}
    return Ground(served, own, other, headers)


def _place(served: Served, org: str, word: str) -> Place:
    log, by = served.deployment.log(org), By(served.deployment, operator(org))
    actor = Item(type="user", id=f"{word}-1", name=f"{word} Berg")
    receipt = log.record(
        "role.assigned",
        actor=Actor(kind="person", type=actor.type, id=actor.id, name=actor.name),
        target=Item(type="role", id="r", name=word),
        concerns={"member": actor},
        origin=WEB,
    )
    role = add_role(by, f"{word} role", {"activity_log": "full"})
    put_member(by, actor, ["system-administrator"])
    put_member(by, Item(type="user", id=f"{word}-2", name=f"{word} Li"), [role.id])
    key, text = served.deployment.credentials.new_key(org, f"{word} key", ("read", "export"))
    headers = {"Authorization": f"Bearer {text}"}
    url = f"{served.base_url}/api/v1/orgs/{org}/exports"
    ordered = httpx.post(url, json={"format": "jsonl"}, headers=headers).json()
    shared = {"name": f"{word}'s view", "shared": True}
    view = httpx.post(url.replace("/exports", "/views"), json=shared, headers=headers).json()
    ids = {"id": str(receipt.id), "type": "user", "item": f"{word}-2", "tile": "0/000", "role": role.id}
    return Place(org, {**ids, "key": key.id, "export": ordered["id"], "view": view["id"]})


def absent(place: Place) -> Place:
    """The same place with ids of the same shape that nobody has."""
    turned = {name: _turned(text) for name, text in place.ids.items() if name not in ("type", "tile")}
    return Place(place.org, place.ids | turned)


def _turned(text: str) -> str:
    try:
        return str(uuid.UUID(int=uuid.UUID(text).int ^ 0xFFFFFFFF))
    except ValueError:
        return text[:-3] + "".join("b" if letter != "b" else "c" for letter in text[-3:])


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Name, method and path of every operation that the document describes."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield operation["operationId"], method.upper(), path


def ask(client: httpx.Client, cell: tuple[str, str, Place], headers: dict[str, str]) -> Response:
    """Ask one cell of the matrix; of a stream that is let in, no more than its head."""
    method, path, place = cell
    url = path.format(org=place.org, **place.ids)
    sent: dict[str, Any] = {"json": {}} if method in ("POST", "PUT") else {}
    if url.endswith("/batch"):
        sent = {"content": b"{}\n", "headers": {"Content-Type": "application/x-ndjson"}}
    sent["headers"] = headers | sent.get("headers", {})
    with client.stream(method, url, **sent) as answer:
        if not url.endswith("/live") or answer.status_code != 200:
            answer.read()
        text = answer.text if answer.is_stream_consumed else ""
    return _response(answer, text, place)


def _response(answer: httpx.Response, text: str, place: Place) -> Response:
    varies = ("x-request-id", "date", "ratelimit")
    headers = sorted((n, v) for n, v in answer.headers.items() if n not in varies)
    for asked in (place.org, *place.ids.values()):
        text = text.replace(f"/{asked}", "/*")
    return Response(answer.status_code, tuple(headers), re.sub(r'"request_id":"[^"]*"', "", text))


def breaches(ground: Ground, document: dict[str, Any], names: Iterable[str] | None = None) -> list[str]:
    """Every cell of the matrix that does not hold, in words; `names` are the operations tried, or all."""
    wanted = None if names is None else set(names)
    failures: list[str] = []
    with httpx.Client(base_url=ground.served.base_url, timeout=60) as client:
        for name, method, path in operations(document):
            if wanted is None or name in wanted:
                for role in ROLES:
                    failures += (
                        f"{name} by {role}: {why}"
                        for why in _cell(client, ground, (name, method, path, role))
                    )
    return failures


def _cell(client: httpx.Client, ground: Ground, cell: tuple[str, str, str, str]) -> Iterator[str]:
    name, method, path, role = cell
    headers, may = ground.headers[role], role in MAY[name]

    def answer(place: Place) -> Response:
        return ask(client, (method, path, place), headers)

    nowhere = absent(ground.own)
    own = answer(ground.own if method == "GET" else nowhere)
    if may == (own.status in (401, 403)):
        yield f"own: {own.status}"
    if not may and own.status != _refusal(role, name):
        yield f"own: refused as {own.status}"
    if own.status >= 500 and name != "readiness":
        yield f"own: {own.status}"
    seen = {"own": own}
    if "{org}" in path:
        seen["foreign"], seen["nowhere"] = answer(ground.other), answer(Place(ABSENT, ground.other.ids))
        if seen["foreign"] != seen["nowhere"]:
            yield f"foreign {seen['foreign']} and absent {seen['nowhere']} differ"
        if seen["foreign"].status not in (401, 403):
            yield f"foreign: {seen['foreign'].status}"
    if re.search(r"\{(id|item|role|key|export|view)\}", path):
        seen["foreign id"] = answer(Place(ORG, ground.other.ids))
        seen["absent id"] = answer(absent(Place(ORG, ground.other.ids)))
        if seen["foreign id"] != seen["absent id"]:
            yield f"foreign id {seen['foreign id']} and absent id {seen['absent id']} differ"
    yield from (f"{which} tells of {CANARY}" for which, response in seen.items() if CANARY in repr(response))


def _refusal(role: str, name: str) -> int:
    recording = name in ("recordEntry", "recordEntries")
    return 401 if role == "nobody" or (recording and not role.startswith("key:")) else 403
