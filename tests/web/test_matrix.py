"""The boundary: every operation by every role, at home, elsewhere and nowhere, and nothing told beyond it."""

from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

import httpx
import pytest
from tests.web.boundary import CANARY, MAY, Ground, breaches, grounds, operations
from tests.web.conftest import ORG, OTHER, Served

from trailbook.access import viewer as access
from trailbook.access.api_keys import Credential
from trailbook.access.credentials import Credentials
from trailbook.stores import ApiKey
from trailbook.web.api.openapi import document

READS = ("findEntries", "readEntry")


@pytest.fixture(scope="module")
def ground(serve: Callable[..., Served]) -> Ground:
    """A server of its own, with two organisations and everybody who asks."""
    return grounds(serve())


def described(ground: Ground) -> dict[str, Any]:
    return document(ground.served.deployment.catalogue, ground.served.base_url)


def code(function: Any) -> CodeType:
    assert isinstance(function, FunctionType)
    return function.__code__


def test_every_operation_is_listed_with_who_may(ground: Ground) -> None:
    """An operation that the list does not name fails here, and so does one that is no more."""
    assert {name for name, _, _ in operations(described(ground))} == set(MAY)


def test_the_boundary_holds(ground: Ground) -> None:
    """Every operation by every role; foreign and absent are byte-alike, and nothing of another leaks."""
    assert breaches(ground, described(ground)) == []


def test_without_the_permission_check_the_matrix_fails(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: everybody of the organisation is let in, and each who may not is found."""
    for name in ("require_full", "require_exports", "require_proofs", "require_access"):
        monkeypatch.setattr(getattr(access, name), "__code__", code(lambda viewer, org: None))
    failures = breaches(ground, described(ground), READS)
    assert [
        f"findEntries by employee: own: {200}" in failures,
        "readEntry by employee: own: 200" in failures,
    ] == [
        True,
        True,
    ]


def test_without_the_organisation_filter_the_matrix_fails(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: whoever may read at home may read anywhere, and what they read is found."""
    monkeypatch.setattr(access.require_full, "__code__", code(lambda viewer, org: None))
    monkeypatch.setattr(Credential.require, "__code__", code(lambda self, scope, org: None))
    failures = breaches(ground, described(ground), READS)
    assert f"findEntries by hr: foreign tells of {CANARY}" in failures
    assert f"readEntry by key:read: foreign tells of {CANARY}" in failures


def test_without_the_filter_of_ids_the_matrix_fails(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a key is found whichever organisation it is of, and the difference is seen."""

    def anywhere(self: Credentials, org: str, key_id: str) -> ApiKey | None:
        return self._registry.keys.get(key_id)

    monkeypatch.setattr(Credentials, "key", anywhere)
    failures = breaches(ground, described(ground), ("rotateApiKey",))
    assert [text for text in failures if "rotateApiKey by key:administer" in text]


@pytest.mark.parametrize("path", ["entries?limit=1", "facets?by=action&limit=1", "exports?limit=1"])
def test_a_cursor_of_another_organisation_tells_nothing(ground: Ground, path: str) -> None:
    """A cursor of another organisation and one that was made up: refused, or answered from one's own."""
    served, scope = ground.served, ("read", "export")
    home, away = (served.deployment.credentials.new_key(org, "Reads", scope)[1] for org in (ORG, OTHER))
    given = _get(ground, OTHER, path, away).json().get("next_cursor") or "made-up"
    for cursor in (given, "A" * len(given)):
        answer = _get(ground, ORG, f"{path}&cursor={cursor}", home)
        assert CANARY not in answer.text
        assert answer.status_code in (200, 400, 422)


def test_the_control_of_cursors(ground: Ground) -> None:
    """The same cursor goes on where it was given."""
    key = ground.served.deployment.credentials.new_key(ORG, "Reads", ("read",))[1]
    cursor = _get(ground, ORG, "entries?limit=1", key).json()["next_cursor"]
    assert _get(ground, ORG, f"entries?limit=1&cursor={cursor}", key).json()["entries"]


def _get(ground: Ground, org: str, path: str, key: str) -> httpx.Response:
    url = f"{ground.served.base_url}/api/v1/orgs/{org}/{path}"
    return httpx.get(url, headers={"Authorization": f"Bearer {key}"})
