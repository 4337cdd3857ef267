"""Every refusal as a problem: its code and status, the headers it asks for, and nothing that leaks."""

import json

import msgspec
import pytest
from litestar.exceptions import HTTPException, NotFoundException

from trailbook.errors import (
    DamagedError,
    EntryExpiredError,
    Fault,
    FilterInvalidError,
    NotFoundError,
    OverloadedError,
    SchemaNewerError,
    StoreError,
    TrailbookError,
    UnauthenticatedError,
)
from trailbook.web.http.limits import TooManyRequestsError, refusal_headers
from trailbook.web.http.problems import STATUS, answer, code_of, problem_of, tell_fault

BASE = "https://log.example"
SECRET = "SELECT * FROM item WHERE name = 'Anna'"


class UnlistedError(TrailbookError):
    """An error whose code has no status."""

    code = "unlisted"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFoundError("gone"), "not-found"),
        (NotFoundException("no route"), "not-found"),
        (HTTPException("teapot", status_code=418), "internal"),
        (StoreError(SECRET), "store-unavailable"),
        (SchemaNewerError(SECRET), "schema-outdated"),
        (DamagedError(SECRET), "internal"),
        (OverloadedError("wait"), "overloaded"),
        (UnlistedError(SECRET), "internal"),
        (ValueError(SECRET), "internal"),
        (FilterInvalidError("x", (Fault("/x", "parameter-unknown", "is unknown"),)), "parameter-unknown"),
        (FilterInvalidError("x", (Fault("/x", "filter-invalid", "is wrong"),)), "filter-invalid"),
    ],
)
def test_the_code_of_an_error(error: Exception, code: str) -> None:
    """The stable code says what was foreseen; whatever was not is `internal`."""
    assert code_of(error) == code
    problem = problem_of(error, BASE, "r-1")
    assert (problem.code, problem.status) == (code, STATUS[code])
    assert problem.type == f"{BASE}/problems/{code}"
    assert problem.request_id == "r-1"


@pytest.mark.parametrize("error", [StoreError(SECRET), DamagedError(SECRET), ValueError(SECRET)])
def test_what_was_not_foreseen_says_nothing(error: Exception) -> None:
    """No statement, path or name leaves; the control: what the core says of a fault of the request does."""
    assert SECRET not in msgspec.json.encode(problem_of(error, BASE)).decode()
    assert problem_of(NotFoundError("there is no such view"), BASE).detail == "there is no such view"


def test_faults_stand_in_the_answer() -> None:
    """Each member at fault by its pointer; an error without them has no such member."""
    fault = Fault("/date", "filter-invalid", "is no period")
    body = json.loads(answer(problem_of(FilterInvalidError("date: is no period", (fault,)), BASE)).content)
    assert body["errors"] == [{"pointer": "/date", "code": "filter-invalid", "detail": "is no period"}]
    assert "errors" not in json.loads(answer(problem_of(NotFoundError("gone"), BASE)).content)


def test_an_expired_entry_leaves_its_place() -> None:
    """What remains of it is its number and its leaf, for whoever checks a proof."""
    problem = problem_of(EntryExpiredError(7, b"\x01" * 32), BASE)
    assert (problem.status, problem.seq, problem.leaf) == (410, 7, "01" * 32)
    other = problem_of(NotFoundError("gone"), BASE)
    assert (other.seq, other.leaf) == (None, None)


def test_a_status_brings_its_headers() -> None:
    """401 says how to sign in, 503 and 429 when to come again; a limit that knows better is not overwritten."""
    refusals = {
        error.code: answer(problem_of(error, BASE)).headers
        for error in (UnauthenticatedError("who?"), OverloadedError("wait"), NotFoundError("gone"))
    }
    assert refusals["unauthenticated"]["WWW-Authenticate"].startswith("Bearer")
    assert refusals["overloaded"]["Retry-After"] == "5"
    assert "Retry-After" not in refusals["not-found"]
    limited = TooManyRequestsError(3.2, "requests", {"RateLimit": "x"})
    assert answer(problem_of(limited, BASE)).headers["Retry-After"] == "60"
    assert answer(problem_of(limited, BASE), refusal_headers(limited)).headers["Retry-After"] == "4"


def test_an_outage_is_a_line_a_request_and_a_fault_has_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    """A store that does not answer would fill the server's log with one trace; who sends too much fills nothing."""
    for error, words, has_trace in (
        (
            StoreError("the file is not where it was"),
            "store-unavailable: the file is not where it was",
            False,
        ),
        (RuntimeError("a fault of ours"), "internal", True),
    ):
        caplog.clear()
        tell_fault(problem_of(error, BASE, "r-1"), error)
        (record,) = caplog.records
        assert record.getMessage() == f"request r-1: {words}"
        assert (record.exc_info is not None) is has_trace
    caplog.clear()
    overload = OverloadedError("too much")
    tell_fault(problem_of(overload, BASE, "r-1"), overload)
    assert [record.levelname for record in caplog.records if record.levelname != "INFO"] == []
