"""The examples of the reference: each line of curl does, word for word, what its operation says."""

import re
import shlex
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from tests.web.conftest import ORG, Served, fill

from trailbook.catalogue import load
from trailbook.web.api.openapi import document
from trailbook.web.api.openapi.examples import ASKED, SENT
from trailbook.web.api.openapi.operations import operations

SCOPES = ("record", "read", "export", "prove", "administer")
# What an answer gives for the lines that come after it.
GIVES = {
    "recordEntry": "ENTRY",
    "orderExport": "EXPORT",
    "saveView": "VIEW",
    "addRole": "ROLE",
    "issueApiKey": "KEY_ID",
}
BEFORE = {name: at for at, name in enumerate((*GIVES, "putMember", "invite"))}


@pytest.fixture(scope="module")
def tried(serve: Callable[..., Served]) -> Iterator[Served]:
    """A server of its own that signs, with a full tile of entries: the examples change who may do what."""
    served = serve()
    for _ in range(4):
        fill(served.log)
    with served.deployment.signing_beside():
        yield served


def samples(served: Served) -> dict[str, tuple[str, dict[str, Any]]]:
    """Each operation with its line, in an order in which what is needed is there."""
    described = document(load(), served.base_url)["paths"]
    by_name = {
        o["operationId"]: (o["x-codeSamples"][0]["source"], o)
        for ops in described.values()
        for o in ops.values()
    }

    def turn(name: str) -> tuple[int, int]:
        line = by_name[name][0]
        return BEFORE.get(name, 99), (" -X DELETE" in line) + 2 * (name == "withhold")

    return {name: by_name[name] for name in sorted(by_name, key=turn)}


def asked(line: str, variables: dict[str, str]) -> tuple[str, str, dict[str, str], str | None]:
    """Method, address, header fields and body of a line of curl, its variables set as a shell would."""

    def word(text: str) -> str:
        return re.sub(r"\$([A-Z_]+)", lambda name: variables[name[1]], text)

    words = iter(shlex.split(line.replace("\\\n", " "))[1:])
    method, address, headers, body = "GET", "", {}, None
    for each in words:
        if each == "-X":
            method = next(words)
        elif each == "-H":
            name, _, value = word(next(words)).partition(": ")
            headers[name] = value
        elif each == "-d":
            method, body = ("POST" if method == "GET" else method), next(words)
        elif each == "-o":
            next(words)
        elif not each.startswith("-"):
            address = word(each)
    return method, address, headers, body


def test_every_line_does_what_it_says(tried: Served) -> None:
    """All of them, one after the other, with a key of every scope; the control is the same line with another key."""
    _, key = tried.deployment.credentials.new_key(ORG, "Tries the reference", SCOPES)
    variables = {"KEY": key, "ORG": ORG}
    with httpx.Client() as client:
        for name, (line, operation) in samples(tried).items():
            method, address, headers, body = asked(line, variables)
            if name == "readExportFile":
                _wait(client, address.removesuffix("/file"), headers)
            with client.stream(method, address, headers=headers, content=body) as answer:
                body_read = b"" if "event-stream" in answer.headers.get("content-type", "") else answer.read()
            assert answer.is_success, (name, answer.status_code, body_read)
            assert str(answer.status_code) in operation["responses"], name
            if name in GIVES:
                given = answer.json()
                variables[GIVES[name]] = given["id"] if "id" in given else given["key"]["id"]
        for line, operation in samples(tried).values():
            method, address, headers, body = asked(line, {**variables, "KEY": "tb_none_none"})
            if "security" in operation:
                assert client.request(method, address, headers=headers, content=body).status_code == 401


def _wait(client: httpx.Client, address: str, headers: dict[str, str]) -> None:
    while client.get(address, headers=headers).json()["state"] not in ("ready", "failed"):
        time.sleep(0.02)


def test_every_operation_that_is_sent_something_has_its_example() -> None:
    """And no example is left of an operation that is gone, or of a parameter that it does not take."""
    there = {operation.name: operation for operation in operations(load())}
    assert {name for name, operation in there.items() if operation.sends} == set(SENT)
    for name, pairs in ASKED.items():
        assert set(pairs) <= {parameter["name"] for parameter in there[name].parameters}
