"""The exceptions: one tree, as its docstring draws it, each with its code; and what their details say."""

import inspect
import re

import pytest

from trailbook import errors
from trailbook.errors import (
    ActionUnknownError,
    BatchRefusedError,
    EntryInvalidError,
    Fault,
    KeyRefusedError,
    NotFoundError,
    NotPermittedError,
    SigningRefusedError,
    TrailbookError,
)

CLASSES = {
    name: cls
    for name, cls in vars(errors).items()
    if inspect.isclass(cls) and issubclass(cls, TrailbookError) and cls is not TrailbookError
}
_BRANCH = re.compile(r"    ((?:[| ]   )*)[|`]-- (\w+Error) +([a-z-]+|the caller's)?")


def drawn() -> dict[str, tuple[str, str]]:
    """Of each exception in the drawing the one it hangs under, and its code where it has one of its own."""
    path, tree = ["TrailbookError"], {}
    for branch in filter(None, map(_BRANCH.match, (errors.__doc__ or "").splitlines())):
        depth = len(branch[1]) // 4 + 1
        path[depth:] = [branch[2]]
        tree[branch[2]] = (path[depth - 1], branch[3] or "")
    return tree


def test_the_tree_is_the_one_that_is_drawn() -> None:
    assert {name: cls.__base__.__name__ for name, cls in CLASSES.items()} == {
        name: parent for name, (parent, _) in drawn().items()
    }


def test_the_codes_are_those_that_are_drawn() -> None:
    """But for two that only gather others: the root of what is invalid, and a batch, which has its entries' code."""
    gathered = {"InvalidError", "BatchRefusedError"}
    codes = {name: code for name, (_, code) in drawn().items() if name not in gathered}
    assert {name: cls.code for name, cls in CLASSES.items() if name not in gathered} == codes
    assert (
        len(set(codes.values())) == len(codes) - 2
    )  # a key that is refused is not permitted; a fork is no proof
    assert KeyRefusedError.code == NotPermittedError.code


def test_an_entry_at_fault_has_the_code_of_its_first_fault() -> None:
    faults = (Fault("/occurred_at", "time-ahead", "is ahead"), Fault("", "entry-invalid", "is odd"))
    error = EntryInvalidError(faults)
    assert (error.code, error.faults) == ("time-ahead", faults)
    assert error.detail == str(error) == "/occurred_at: is ahead; entry: is odd"
    assert EntryInvalidError(faults[::-1]).code == EntryInvalidError.code


def test_faults_are_compared_by_what_they_say() -> None:
    fault = Fault("/id", "entry-invalid", "is empty")
    assert fault == Fault("/id", "entry-invalid", "is empty")
    assert len({fault, Fault("/id", "entry-invalid", "is empty"), Fault("/id", "x", "is empty")}) == 2
    for other in (
        Fault("/name", "entry-invalid", "is empty"),
        Fault("/id", "entry-invalid", "is long"),
        "/id",
    ):
        assert fault != other


@pytest.mark.parametrize(
    ("nearest", "among", "hint"),
    [
        ("role.assigned", (), "; the nearest declared one is role.assigned"),
        (None, ("role.assigned", "role.renamed"), "; there are role.assigned, role.renamed"),
        (None, (), ""),
    ],
)
def test_an_unknown_action_is_named_with_what_there_is(
    nearest: str | None, among: tuple[str, ...], hint: str
) -> None:
    error = ActionUnknownError("role.given", nearest, among)
    assert error.detail == f"the action 'role.given' is not declared in the catalogue{hint}"
    assert error.faults == (Fault("/action", "action-unknown", error.detail),)
    assert len(ActionUnknownError("x" * 1000, None).detail) < 200


def test_a_refused_batch_tells_of_its_first_entry_at_fault() -> None:
    refused = {7: NotFoundError("late"), 2: NotFoundError("early")}
    error = BatchRefusedError(dict(refused))
    assert error.detail == "2 refused, nothing recorded; entry 2: early"
    assert error.refused == refused


def test_a_head_that_is_not_signed_is_named_by_its_range() -> None:
    assert SigningRefusedError("acme", (3, 7), "differs").detail == "acme: not signed: seq 3 to 6 differs"
    assert SigningRefusedError("acme", None, "is not ours").detail == "acme: not signed: is not ours"
