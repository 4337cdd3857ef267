"""The thin way in: codings, bombs, the same entry from everywhere, revoked keys, and strictness that speed keeps."""

import gzip
import json
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
import zstandard
from hypothesis import given, strategies as st
from tests.web.conftest import ORG, Served, wire

from trailbook.access.viewer import operator
from trailbook.errors import InvalidError, OverloadedError
from trailbook.model import entry_from
from trailbook.web.http.problems import answer, problem_of
from trailbook.web.http.strict_json import MAX_BATCH, entry_of, strict

NDJSON = {"Content-Type": "application/x-ndjson"}
AS_JSON = {"Content-Type": "application/json"}
PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstandard.compress}


@pytest.mark.parametrize("coding", PACK)
def test_codings(client: httpx.Client, coding: str) -> None:
    """One entry and a batch, compressed, are recorded; half of one is refused as malformed."""
    coded = {"Content-Encoding": coding}
    body = PACK[coding](json.dumps(wire()).encode())
    assert client.post("entries", content=body, headers=AS_JSON | coded).status_code == 201
    assert client.post("entries", content=body[:-5], headers=AS_JSON | coded).status_code == 400
    many = PACK[coding](b"".join(json.dumps(wire()).encode() + b"\n" for _ in range(50)))
    response = client.post("entries/batch", content=many, headers=NDJSON | coded)
    assert [json.loads(line)["result"] for line in response.text.splitlines()] == ["recorded"] * 50


@pytest.mark.parametrize("coding", PACK)
@pytest.mark.parametrize(("path", "most"), [("entries", 256 * 1024), ("entries/batch", MAX_BATCH)])
def test_a_bomb_is_refused(client: httpx.Client, coding: str, path: str, most: int) -> None:
    """Few bytes that become too many are 413; the control is as many as there may be."""
    coded = AS_JSON | {"Content-Encoding": coding}
    filled = b"[" + b" " * (most - 2) + b"]"
    bomb = client.post(path, content=PACK[coding](filled + b" "), headers=coded)
    assert (bomb.status_code, bomb.json()["code"][-9:]) == (413, "too-large")
    assert client.post(path, content=PACK[coding](filled), headers=coded).status_code != 413


def test_a_hundred_at_once_over_http(served: Served) -> None:
    """The same entry on a hundred connections is one entry; a hundred others beside it are all there."""
    same = wire(id=str(uuid4()))
    others = [wire(id=str(uuid4())) for _ in range(100)]
    before = served.deployment.log(ORG).size(viewer=operator(ORG))
    statuses: list[int] = []
    key = {"Authorization": f"Bearer {served.keys['record']}"}

    def send(entry: dict[str, Any]) -> None:
        statuses.append(httpx.post(f"{served.api}/entries", json=entry, headers=key).status_code)

    threads = [threading.Thread(target=send, args=(entry,)) for entry in [same] * 100 + others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 99 + [201] * 101
    assert served.deployment.log(ORG).size(viewer=operator(ORG)) == before + 101


def test_one_bad_entry_beside_others(served: Served) -> None:
    """Sent at once by others, a bad entry, a bad key and good entries each get their own answer."""
    key = {"Authorization": f"Bearer {served.keys['record']}"}
    statuses: dict[int, int] = {}

    def send(at: int) -> None:
        bad, wrong = at % 3 == 1, at % 3 == 2
        headers = {"Authorization": "Bearer tb_wrong"} if wrong else key
        entry = wire(action="no.such") if bad else wire()
        statuses[at] = httpx.post(f"{served.api}/entries", json=entry, headers=headers).status_code

    threads = [threading.Thread(target=send, args=(at,)) for at in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [statuses[at] for at in range(60)] == [201, 422, 401] * 20


def test_overloaded_is_503_and_says_when_to_come_again() -> None:
    """Back-pressure: nothing was recorded, and the recorder is told to wait."""
    refusal = answer(problem_of(OverloadedError("too much"), "https://log.example"))
    assert refusal.status_code == 503
    assert json.loads(refusal.content)["code"] == "overloaded"
    assert refusal.headers["Retry-After"].isdecimal()


NAMES = st.sampled_from(["Anna", "Bjørn", "outcome", 'a":b', "a\\b", "\u2028", "é", '":'])
SPACES = st.sampled_from(["", " ", "\n"])


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """An entry as JSON text: members twice, in any order, with spaces and escapes, whole or cut."""
    entry = wire()
    entry["target"]["name"] = draw(NAMES)
    members = [(name, value) for name, value in entry.items()]
    more = [("outcome", "success"), ("outcome", "denied"), ("fields", ["outcome"]), ("id", None)]
    more += [("occurred_at", "2026-03-02T08:15:00z"), ("occurred_at", "2026-03-02T09:15:00.1234567Z")]
    members += draw(st.lists(st.sampled_from(members + more), max_size=2))
    members = draw(st.permutations(members))
    before, after, ascii_ = draw(SPACES), draw(SPACES), draw(st.booleans())
    inner = [
        json.dumps(name) + before + ":" + after + json.dumps(value, ensure_ascii=ascii_)
        for name, value in members
    ]
    return ("{" + ",".join(inner) + "}").encode()


@given(texts())
def test_the_quick_reading_is_the_strict_one(raw: bytes) -> None:
    """Whatever the text, the same entry or the same refusal."""

    def outcome(read: Callable[[bytes], Any]) -> Any:
        try:
            return read(raw)
        except InvalidError as error:
            return type(error), error.detail, error.faults

    assert outcome(entry_of) == outcome(lambda text: entry_from(strict(text)))


def test_a_revoked_key_records_nothing_more(served: Served) -> None:
    """The key is asked for in every commit: what follows its end is refused at once, one and many alike."""
    key, text = served.deployment.credentials.new_key(ORG, "Short", ("record",))
    headers = {"Authorization": f"Bearer {text}"}
    with httpx.Client(base_url=served.api + "/", headers=headers) as client:
        assert client.post("entries", json=wire()).status_code == 201
        served.deployment.credentials.revoke_key(key.id)
        assert client.post("entries", json=wire()).status_code == 401
        assert client.post("entries/batch", json=[wire()]).status_code == 401
