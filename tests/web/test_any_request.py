"""Whatever may be asked by the document, and much that may not: answered as documented, never by a failure."""

from collections import Counter
from collections.abc import Callable, Mapping

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings, strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks
from schemathesis.specs.openapi.schemas import OpenApiSchema
from tests.amounts import amount
from tests.web.conftest import ORG, Served

from trailbook import Item, Query, operator
from trailbook.access.api_keys import SCOPES
from trailbook.administration import views
from trailbook.administration.access import By, add_role, put_member
from trailbook.administration.views import NewView
from trailbook.deployment.health import Alarms

REQUESTS = amount(400, 4_000, 50_000)
CHECKED = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
BOTH = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
QUIETLY = {
    "database": None,
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": list(HealthCheck),
}


@pytest.fixture(scope="module")
def asked(serve: Callable[..., Served]) -> Served:
    """A server of its own: these requests change who may do what; nobody signs its heads, which is no fault here."""
    return serve(alarms=Alarms(unsigned_seconds=86_400))


@pytest.fixture(scope="module")
def people(asked: Served) -> dict[str, Mapping[str, str]]:
    """Who asks: nobody, a key with all scopes and one with each, and a person signed in."""
    new_key = asked.deployment.credentials.new_key
    keys = {"every scope": SCOPES, **{scope: (scope,) for scope in SCOPES}}
    headers: dict[str, Mapping[str, str]] = {"nobody": {}}
    for name, scopes in keys.items():
        headers[name] = {"Authorization": f"Bearer {new_key(ORG, name, scopes)[1]}"}
    person = Item(type="user", id="u-17", name="Anna Berg")
    session = asked.deployment.credentials.new_session(ORG, person, ("system-administrator",))
    headers["signed in"] = {"Cookie": f"__Host-trailbook={session}", "Sec-Fetch-Site": "same-origin"}
    return headers


def named(asked: Served) -> dict[str, str]:
    """What is there to be named in a path."""
    by = By(asked.deployment, operator(ORG))
    put_member(by, Item(type="user", id="u-42", name="Bob Li"), ["hr"])
    entry = asked.log.search(Query(), viewer=operator(ORG), limit=1).entries[0]
    key, _ = asked.deployment.credentials.new_key(ORG, "Spare", ("read",))
    role = add_role(by, "Own", {})
    view = views.add_view(by, NewView(name="Shared", query=Query(), shared=True))
    names = {"org": ORG, "id": entry.id, "key": key.id, "role": role.id, "type": "user", "item": "u-42"}
    return {**names, "view": view.id}


@pytest.fixture(scope="module")
def document(asked: Served) -> OpenApiSchema:
    """The API as it documents itself, but for the stream, which has no end (tests/web/api/test_live.py)."""
    return schemathesis.openapi.from_url(f"{asked.base_url}/openapi.json").exclude(path_regex="/live$")


def test_any_request_is_answered_as_documented(
    asked: Served, people: dict[str, Mapping[str, str]], document: OpenApiSchema
) -> None:
    """No answer is 5xx, and each has a status, a type and a shape that the document names."""
    operations = [result.ok() for result in document.get_all_operations()]
    each, there = max(1, REQUESTS // len(operations)), named(asked)
    askers = [*(["every scope"] * 8), *(["signed in"] * 4), *people]  # the first are drawn most
    statuses: Counter[int] = Counter()
    failed: list[str] = []
    with requests.Session() as session:
        for operation in operations:
            strategy = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in BOTH))

            @settings(max_examples=each, **QUIETLY)  # type: ignore[arg-type]
            @given(case=strategy, who=st.sampled_from(askers), known=st.integers(0, 7))
            def ask(case: Case, who: str, known: int) -> None:
                # Drawn texts name nothing that there is: most are asked at home, and half of them of what is there.
                for name in set(case.path_parameters or ()) & set(
                    there if known > 3 else {"org"} if known else ()
                ):
                    case.path_parameters[name] = there[name]
                answer = case.call(
                    base_url=asked.base_url, session=session, headers=dict(people[who]), timeout=60
                )
                statuses[answer.status_code] += 1
                case.validate_response(answer, checks=CHECKED)

            try:
                ask()
            except (AssertionError, BaseExceptionGroup) as error:
                failed.append(f"{operation.label}: {error}")
    assert failed == []
    print(sum(statuses.values()), "requests", dict(statuses.most_common()))
    assert sum(statuses.values()) >= REQUESTS // 2
    assert statuses[200] > len(operations)  # the control: much is refused, but not everything


def test_an_answer_that_is_not_documented_is_found(asked: Served, document: OpenApiSchema) -> None:
    """The control: held against another operation's answers, a good answer fails."""
    operations = {result.ok().label: result.ok() for result in document.get_all_operations()}
    operation = next(
        op
        for label, op in operations.items()
        if label.startswith("DELETE ") and label.endswith("/keys/{key}")
    )
    case = operation.Case(path_parameters={"org": ORG, "key": "none"})
    answer = requests.get(f"{asked.base_url}/healthz", timeout=60)
    with pytest.raises(BaseExceptionGroup):
        case.validate_response(answer, checks=CHECKED)
