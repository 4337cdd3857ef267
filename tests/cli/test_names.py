"""Names that nobody can read are refused by every command that takes one, and the words say which member."""

import itertools

import pytest
from tests.cli.conftest import Folder

UNREADABLE = (" ", "\u200b", "x\U000e0041", "Bj\ufffdrn")
RECORD = (
    *("record", "--action", "role.assigned", "--actor", "person:user/u-17=Anna Berg"),
    *("--target", "role/r-3=Manager", "--concerns", "member:user/u-42=Bob Li", "--correlation", "c-1"),
)
DOORS: dict[
    str, tuple[tuple[str, ...], str, str]
] = {  # the command, what of it is the name, and who is at fault
    "actor name": (RECORD, "Anna Berg", "/actor/name"),
    "actor id": (RECORD, "u-17", "/actor/id"),
    "target name": (RECORD, "Manager", "/target/name"),
    "target id": (RECORD, "r-3", "/target/id"),
    "concern name": (RECORD, "Bob Li", "/concerns/0/name"),
    "concern id": (RECORD, "u-42", "/concerns/0/id"),
    "correlation": (RECORD, "c-1", "/correlation"),
    "role": (("roles", "add", "--name", "Payroll"), "Payroll", "/name"),
    "member name": (("members", "set", "user/u-5=Eva", "--role", "hr"), "Eva", "/name"),
    "member id": (("members", "set", "user/u-6=Eva", "--role", "hr"), "u-6", "/id"),
    "key": (("api-keys", "new", "--name", "HR", "--scope", "record"), "HR", "/name"),
    "sign-in name": (("sign-in", "--as", "user/u-1=Kari"), "Kari", "/as/name"),
    "sign-in id": (("sign-in", "--as", "user/u-1=Kari"), "u-1", "/as/id"),
    "organisation": (("org", "add", "beta"), "beta", "/org"),
}


# One of them at each door: that every one of them is unreadable is a rule of names, and tested there.
@pytest.mark.parametrize(
    ("door", "text"), list(zip(DOORS, itertools.cycle(UNREADABLE), strict=False)), ids=ascii
)
def test_an_unreadable_name_is_refused(begun: Folder, door: str, text: str) -> None:
    words, name, pointer = DOORS[door]
    refused = begun.run(*(word.replace(name, text) for word in words), "--json")
    assert refused.code != 0
    assert pointer in [error["pointer"] for error in refused.problem["errors"]]


@pytest.mark.parametrize("door", DOORS)
def test_a_readable_name_is_taken(begun: Folder, door: str) -> None:
    """The control: the same command as it stands above."""
    begun.good(*DOORS[door][0], "--json")
