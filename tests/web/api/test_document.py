"""The document tells the truth: every route is in it, and what it promises holds under generated requests."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS
from schemathesis.generation.case import Case
from tests.amounts import amount
from tests.web.conftest import ORG, Served

from trailbook.catalogue import load
from trailbook.deployment.health import Alarms
from trailbook.web.api.openapi import document
from trailbook.web.http.problems import STATUS

# A recorder owes more than a shape can say: the catalogue's rules refuse entries of the right shape, with 422.
UNSAYABLE = ("positive_data_acceptance",)
# A batch is answered line by line: a bad line is refused inside an answer that is 200.
UNREAD = (*UNSAYABLE, "negative_data_rejection")


@pytest.fixture(scope="module")
def tried(serve: Callable[..., Served]) -> Served:
    """A server of its own, for requests that nobody chose; nobody signs its heads, which is no fault here."""
    return serve(alarms=Alarms(unsigned_seconds=86_400))


def _described() -> Any:
    """The document, with the organisation that the tests' server has."""
    schema = document(load(), "http://127.0.0.1")
    for path in schema["paths"].values():
        for operation in path.values():
            for parameter in operation["parameters"]:
                if parameter["name"] == "org":
                    parameter["schema"] = {"type": "string", "enum": [ORG]}
    return schemathesis.openapi.from_dict(schema)


generated = _described()


@schemathesis.serializer("application/x-ndjson")
def lines(context: schemathesis.SerializationContext, value: Any) -> bytes:
    """Lines as they are, for the generator."""
    return value if isinstance(value, bytes) else str(value).encode()


# A stream has no end that a generated request could wait for; tests/web/api/test_live.py reads it.
@generated.exclude(path_regex="/live$").parametrize()
@settings(
    max_examples=amount(6, 30, 300), derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
def test_generated_requests(case: Case, tried: Served) -> None:
    """Whatever is sent, no answer is 5xx, and status, form and shape are those of the document."""
    answer = case.call(base_url=tried.base_url, headers={"Authorization": f"Bearer {tried.keys['both']}"})
    # Too long an address is refused for that, before anything in it is read.
    unread = case.operation.path.endswith("/batch") or answer.status_code == 414
    unsayable = UNREAD if unread else UNSAYABLE
    checks = [check for check in CHECKS.get_all() if check.__name__ not in unsayable]
    case.validate_response(answer, checks=checks)


def test_every_route_of_the_api_is_described(served: Served) -> None:
    """A route that the document does not know fails here, and so does one that is described but not there."""
    paths = document(served.deployment.catalogue, served.base_url)["paths"]
    described = {(path, method.upper()) for path, ops in paths.items() for method in ops}
    outside = ("/orgs", "/sign", "/language", "/set-password", "/docs", "/problems", "/static")
    there = {
        (route.path_format, method)
        for route in served.app.routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS" and not route.path.startswith(outside) and route.path != "/"
    }
    assert there == described


def test_every_problem_is_described_and_has_its_page(served: Served, anonymous: httpx.Client) -> None:
    """Each code has a page in plain words, and those of the API stand in the document."""
    text = json.dumps(document(served.deployment.catalogue, served.base_url))
    for code in STATUS:
        page = anonymous.get(f"{served.base_url}/problems/{code}")
        assert page.status_code == 200
        assert f"<code>{code}</code>" in page.text
        if code not in ("cross-site", "method-not-allowed", "invalid"):
            assert f"`{code}`" in text
    assert anonymous.get(f"{served.base_url}/problems/none").status_code == 404


def references(node: Any) -> Iterator[str]:
    """Every schema that a part of the document refers to."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for member in node.values():
            yield from references(member)
    elif isinstance(node, list):
        for element in node:
            yield from references(element)


def test_every_reference_leads_to_a_schema() -> None:
    """A name that nothing bears would be found by nobody but a reader's generator; the control is such a one."""
    whole = document(load(), "http://127.0.0.1")
    there = {f"#/components/schemas/{name}" for name in whole["components"]["schemas"]}
    assert set(references(whole)) <= there
    assert not set(references({"schema": [{"$ref": "#/components/schemas/Nothing"}]})) <= there


def described_operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every path, with each operation on it as the document has it."""
    for path, operations in document(load(), "http://127.0.0.1")["paths"].items():
        yield from ((path, operation) for operation in operations.values())


def test_every_operation_has_a_name_of_its_own() -> None:
    """A client that is made of the document has a function for each."""
    names = [operation["operationId"] for _, operation in described_operations()]
    assert sorted(set(names)) == sorted(names)
    assert all(name.isidentifier() for name in names)


def test_a_path_has_the_parameters_that_stand_in_it() -> None:
    """Each once, and required; a slot without one could not be filled in."""
    for path, operation in described_operations():
        inside = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
        assert sorted(inside) == sorted(re.findall(r"{(\w+)}", path))
        assert all(each["required"] for each in operation["parameters"] if each["in"] == "path")


def test_who_may_is_said_of_each() -> None:
    """A page may read with its session and records with none; what is open to everybody asks for nothing."""
    may = {
        operation["operationId"]: [name for way in operation.get("security", []) for name in way]
        for _, operation in described_operations()
    }
    assert may["recordEntry"] == may["recordEntries"] == ["key"]
    assert may["findEntries"] == ["key", "session"]
    assert {name for name, ways in may.items() if not ways} == {"health", "readiness", "version", "openapi"}
