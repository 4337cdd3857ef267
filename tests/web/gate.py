"""What is withheld, by every way out: each route of the application, by everybody who may ask.

Owns the list of ways that a new route must be put on, what is hidden in the log, and what a leak is. A way is asked for
the hidden entries and items themselves: what comes back must say nothing of them, and of one that is absent the same.
"""

import io
import re
import time
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
from litestar import Litestar
from msgspec import Struct
from tests.web.boundary import SCOPES
from tests.web.conftest import ANNA, ORG, WEB, Served

from trailbook import Actor, Item, Log
from trailbook.access.viewer import operator
from trailbook.administration.access import By, add_role, put_member, withhold

API, PAGE = "/api/v1/orgs/{org:str}", "/orgs/{org:str}/activity"
PERSONS = ("nobody", "employee", "hr", "auditor", "system-administrator", "named")
ASKERS = (*PERSONS, *(f"key:{scope}" for scope in SCOPES), "key:every", "key:named")
NAMED = frozenset({"named", "key:named"})  # who may read what is restricted
_FILTERS = ("", "?actor=user/{item}", "?concerns=user/{item}", "?target={target}", "?by_or_about=user/{item}")
_LISTS = (*_FILTERS, "?category={category}", "?order=seq&limit=200", "?count=true&limit=200")
_FIELDS = ("category", "action", "actor", "concerns", "target", "outcome", "origin", "source", "actor_kind")

# What is asked of each route; of one that hands out nothing of an entry, nothing.
WAYS: dict[str, tuple[str, ...]] = {
    f"GET {API}/entries": _LISTS,
    f"GET {API}/entries.csv": _FILTERS,
    f"GET {API}/entries.jsonl": _FILTERS,
    f"GET {API}/entries/{{id:str}}": ("",),
    f"GET {API}/entries/{{id:str}}/leaf": ("",),
    f"GET {API}/entries/{{id:str}}/proof": ("",),
    f"GET {API}/entries/{{id:str}}/related": ("",),
    f"GET {API}/facets": (*(f"?by={field}" for field in _FIELDS), "?by=action&target={target}"),
    f"GET {API}/histogram": ("", "?by_category=true", "?target={target}"),
    f"GET {API}/items": ("?q={word}", "?q={item}", "?q={word}&role=actor", "?q={thing}"),
    f"GET {API}/items/{{type:str}}/{{item:str}}/identities": ("",),
    f"GET {API}/live": ("?after=-1", "?after=-1&actor=user/{item}"),
    f"GET {API}/views": ("",),
    f"GET {API}/exports": ("",),
    "GET /log/{org:str}/tile/{tile:path}": ("",),
    "GET /log/{org:str}/checkpoint": ("",),
    "GET /log/{org:str}/key": ("",),
    "GET /log/{org:str}/witnesses": ("",),
    f"GET {PAGE}": _LISTS[:-1],
    f"GET {PAGE}/views": ("",),
    f"GET {PAGE}/closed-bundle": _FILTERS,
    f"GET {PAGE}/e/{{id:path}}": ("",),
    f"GET {PAGE}/items/{{item:path}}": ("", "?side=by"),
    f"GET {PAGE}/about": ("",),
    f"GET {PAGE}/alerts": ("",),
    f"GET {PAGE}/bars": ("", "?by=category"),
    f"GET {PAGE}/overview": ("",),
    f"GET {PAGE}/values": tuple(f"?by={field}" for field in _FIELDS),
    f"GET {PAGE}/exports": ("",),
    f"GET {PAGE}/suggest": ("?role=actor&actor={word}", "?role=concerns&concerns={word}"),
    f"GET {PAGE}/total": _FILTERS,
    f"GET {PAGE}/trust": ("",),
    f"GET {PAGE}/{{rest:path}}": ("",),
}
# These hand out nothing of an entry, or are asked in `ordered` and `views`.
NOTHING = frozenset(
    f"{API}/{path}"
    for path in (
        "catalogue exports/{export:str} exports/{export:str}/file exports/{export:str}/manifest views/{view:str} "
        "roles roles/{role:str} members members/{type:str}/{item:str} members/{type:str}/{item:str}/invitation "
        "members/{type:str}/{item:str}/reset keys keys/{key:str} keys/{key:str}/rotate keys/{key:str}/restricted "
        "withheld working-hours entries/batch"
    ).split()
) | frozenset(
    f"{PAGE}/views/{{view:str}} {PAGE}/settings {PAGE}/settings/{{place:str}} / /sign-in /sign-out /set-password "
    "/language /problems/{code:str} /docs /openapi.json /static/{name:str} /healthz /readyz /version".split(
        " "
    )
)


class Hidden(Struct, frozen=True):
    """An entry that is hidden, with the words that stand in it and nowhere else."""

    category: str
    id: str
    item: str
    target: str
    word: str

    @property
    def words(self) -> tuple[str, ...]:
        """What must be in no answer but to whoever may see it, unless it was asked for."""
        thing = self.target.partition("/")[2]
        # A filter that is asked is itself an entry, without people and restricted things; any other thing stays in it.
        return (self.word, self.id, thing) if self.category == "whistleblowing" else (self.word, self.id)

    def filled(self, text: str) -> str:
        """A way's text with the ids and names of what is hidden."""
        thing = self.target.partition("/")[2]
        named = {"id": self.id, "item": self.item, "target": self.target, "word": self.word, "thing": thing}
        return re.sub(r"\{(\w+)\}", lambda m: {**named, "category": self.category}[m[1]], text)


class Ground(Struct, frozen=True):
    """A server whose log hides two entries, and the headers that everybody asks with."""

    served: Served
    hidden: dict[str, Hidden]
    headers: dict[str, dict[str, str]]


def ground_of(served: Served) -> Ground:
    """Record what is hidden, withhold its category, let everybody in, and sign."""
    log, by = served.log, By(served.deployment, operator(ORG))
    hidden = {"restricted": _restricted(log), "withheld": _withheld(log)}
    named = add_role(by, "Cases", {}, categories=["whistleblowing"])
    withhold(by, ["salary"])
    headers: dict[str, dict[str, str]] = {"nobody": {}}
    for role in PERSONS[1:]:
        item = Item(type="user", id=f"by-{role}", name=role)
        put_member(by, item, ["system-administrator", named.id] if role == "named" else [role])
        session = served.deployment.credentials.new_session(ORG, item)
        headers[role] = {"Cookie": f"__Host-trailbook={session}", "Sec-Fetch-Site": "same-origin"}
    given: dict[str, tuple[Any, tuple[str, ...]]] = {f"key:{scope}": ((scope,), ()) for scope in SCOPES}
    given |= {"key:every": (SCOPES, ()), "key:named": (SCOPES, ("whistleblowing",))}
    for asker, (scopes, restricted) in given.items():
        _, text = served.deployment.credentials.new_key(ORG, asker, scopes, restricted=restricted)
        headers[asker] = {"Authorization": f"Bearer {text}"}
    served.deployment.signer().sign(ORG)
    return Ground(served, hidden, headers)


def _restricted(log: Log) -> Hidden:
    actor, case = (
        Actor(kind="person", type="user", id="u-101", name="Turmalin Lie"),
        Item(type="case", id="c-7f3a"),
    )
    more: Any = {"correlation": "7" * 32}
    receipt = log.record("case.opened", actor=actor, target=case, origin=WEB, **more)
    role, member = (
        Item(type="role", id="r-1", name="Reader"),
        {"member": Item(type="user", id="u-42", name="Bob Li")},
    )
    more["caused_by"] = receipt.id  # what is hidden led to something that everybody sees
    log.record("role.assigned", actor=ANNA, target=role, concerns=member, origin=WEB, **more)
    return Hidden("whistleblowing", str(receipt.id), "u-101", "case/c-7f3a", "Turmalin")


def _withheld(log: Log) -> Hidden:
    actor, salary = (
        Actor(kind="person", type="user", id="u-102", name="Granat Moe"),
        Item(type="salary", id="s-91bc"),
    )
    owner = {"owner": Item(type="user", id="u-102", name="Granat Moe")}
    receipt = log.record("salary.updated", actor=actor, target=salary, concerns=owner, origin=WEB)
    return Hidden("salary", str(receipt.id), "u-102", "salary/s-91bc", "Granat")


def routes_of(app: Litestar) -> set[str]:
    """Every route of an application, as `METHOD /path`."""
    return {
        f"{method} {route.path}"
        for route in app.routes
        for method in getattr(route, "methods", ())
        if method not in ("OPTIONS", "HEAD")
    }


def listed(route: str) -> bool:
    """Whether somebody said what is asked of a route, or why nothing is."""
    method, _, path = route.partition(" ")
    changes = method != "GET" and (
        path
        in (
            f"{API}/entries",
            f"{API}/exports",
            f"{API}/views",
            f"{PAGE}/views",
            f"{PAGE}/closed-bundle",
            f"{PAGE}/trust",
        )
    )
    return route in WAYS or path in NOTHING or changes


def addresses() -> Iterator[tuple[str, str]]:
    """Each way with its address, where what is hidden is to be filled in."""
    for route, questions in WAYS.items():
        path = route.partition(" ")[2].replace("{org:str}", ORG)
        path = path.replace("{type:str}", "user").replace(":str", "").replace("{rest:path}", "nowhere/{id}")
        path = path.replace("{id:path}", "{id}").replace("{item:path}", "user/{item}")
        if "{tile:path}" in path:
            yield from (
                (route, path.replace("{tile:path}", tile))
                for tile in ("0/000.p/{size}", "entries/000.p/{size}")
            )
        else:
            yield from ((route, path + ask) for ask in questions)


def leaks(ground: Ground, ways: Iterable[str] | None = None, askers: Iterable[str] = ASKERS) -> list[str]:
    """Every answer that says something of what is hidden from its asker, in words."""
    wanted = None if ways is None else tuple(ways)
    size = str(ground.served.deployment.log(ORG).evidence(viewer=operator(ORG)).checkpoint.size)
    out: list[str] = []
    with httpx.Client(base_url=ground.served.base_url, timeout=60) as client:
        for way, address in addresses():
            if wanted is not None and not any(part in way for part in wanted):
                continue
            for asker in askers:
                for kind, hidden in ground.hidden.items():
                    if kind == "restricted" and asker in NAMED:
                        continue
                    why = _leak(client, hidden, address.replace("{size}", size), ground.headers[asker])
                    out += [f"{way} by {asker}: {why} of what is {kind}"] if why else []
    return out


def _leak(client: httpx.Client, hidden: Hidden, address: str, headers: dict[str, str]) -> str | None:
    """What an answer says of what is hidden; None where it is nothing."""
    url = hidden.filled(address)
    status, head, body = answered = read(client, url, headers)
    if status >= 500:
        return f"{status}"
    # What was asked for comes back in links and fields of a form: it says nothing.
    for word in hidden.words:
        if word not in url and word.encode() in head + body:
            return f"tells {word!r}"
    if "/tile/entries" in url and status == 200:
        return "hands out raw entries"
    if (
        url == address or "/activity?" in url
    ):  # the page of a filter says the filter, in words and in what follows
        return None
    absent = _absent(hidden)
    same = _compared(hidden, answered) == _compared(absent, read(client, absent.filled(address), headers))
    return None if same else f"answers otherwise ({status}) than for what is absent"


def _absent(hidden: Hidden) -> Hidden:
    """Ids and words of the same shape as what is hidden, that nothing has."""
    id_ = str(uuid.UUID(int=uuid.UUID(hidden.id).int ^ 0xFF))
    return Hidden(
        hidden.category, id_, hidden.item[:-2] + "99", hidden.target[:-1] + "9", hidden.word[:-1] + "x"
    )


def _compared(asked: Hidden, answered: tuple[int, bytes, bytes]) -> tuple[int, str]:
    """An answer without what was asked for and what differs from one answer to the next."""
    status, head, body = answered
    text = (head + b"\n" + body).decode("utf-8", "replace")
    for word in (asked.id, asked.item, asked.target, asked.target.partition("/")[2], asked.word):
        text = text.replace(word, "*")
    return status, _plain(text)


_VARIES = (
    r'"(request_id|next_cursor|previous_cursor)":("[^"]*"|null)',
    r'"(as_of|size)":\d+',
    r"cursor=[\w%.=-]+|as_of=\d+",
    r"(content-length|ratelimit|date|server-timing|etag|link|x-request-id): [^\n]*",
    r"-[0-9a-f]{8}\"|\d+ entries",  # readings are entries, too
    r"\d\d:\d\d(:\d\d)?|[0-9a-f-]{36}|[0-9a-f]{32}",
)


def _plain(text: str) -> str:
    """A text without what differs from one answer to the next: request ids, cursors, sizes, instants and tokens."""
    for pattern in _VARIES:
        text = re.sub(pattern, "", text)
    return text


def read(client: httpx.Client, url: str, headers: dict[str, str]) -> tuple[int, bytes, bytes]:
    """Status, headers and body; of a stream what comes in its first second."""
    patience = httpx.Timeout(60, read=0.8 if "/live" in url else 60)
    with client.stream("GET", url, headers=headers, timeout=patience) as answer:
        head = "".join(f"{name}: {value}\n" for name, value in sorted(answer.headers.items())).encode()
        if "/live" in url and answer.status_code == 200:
            return answer.status_code, b"", _begun(answer)
        return answer.status_code, head, answer.read()


def _begun(answer: httpx.Response) -> bytes:
    """What a stream says at first: its greeting and what there is already."""
    text, chunks = b"", answer.iter_raw()
    try:
        while text.count(b"\n\n") < 60 and b"event: checkpoint" not in text and b"still" not in text:
            text += next(chunks)
            if b"event: entry" in text:
                break
    except (StopIteration, httpx.ReadTimeout):
        pass
    return text


def file_of(ground: Ground, asker: str, form: str, **more: Any) -> bytes:
    """The file of an export that was ordered, a bundle's members one after the other; b"" where it is refused."""
    url, headers = f"{ground.served.api}/exports", ground.headers[asker]
    ordered = httpx.post(url, json={"format": form, **more}, headers=headers)
    if ordered.status_code != 202:
        return b""
    ground.served.deployment.signer().sign(ORG)
    job = f"{url}/{ordered.json()['id']}"
    for _ in range(200):
        if httpx.get(job, headers=headers).json()["state"] in ("ready", "failed"):
            break
        time.sleep(0.05)
    content = httpx.get(f"{job}/file", headers=headers).content
    if not content.startswith(b"PK"):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist())
