"""`org`, `roles` and `members`: the operator cares for who may do what."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Folder


def test_roles_and_members(empty: "Folder") -> None:
    """Each command does what it says; the last administrator stays, with exit code 5."""
    empty.good("init", "--org", "acme")
    made = empty.good("roles", "add", "--name", "Payroll", "--full", "activity_log", "--json").json
    assert made["permissions"]["activity_log"] == "full"
    assert made["id"] in empty.good("roles", "list").out
    empty.good("roles", "change", made["id"], "--name", "Pay", "--full", "read_proofs")
    who = "user/u-1=Anna Berg"
    empty.good("members", "set", who, "--role", "system-administrator", "--role", made["id"])
    assert empty.good("members", "list", "--json").json[0]["name"] == "Anna Berg"
    for last in (
        ("members", "remove", "user/u-1"),
        ("members", "disable", "user/u-1"),
        ("members", "set", "user/u-1", "--role", "hr"),
    ):
        refused = empty.run(*last)
        assert (refused.code, "somebody must be left" in refused.err) == (5, True)
    assert empty.run("roles", "remove", "hr").code == 5
    assert empty.run("roles", "add", "--name", "X", "--full", "salary").code == 2
    assert empty.run("members", "remove", "user/u-9").code == 4
    empty.good("roles", "remove", made["id"])
    link = empty.good("members", "invite", "user/u-1", "--login", "anna").out
    assert "/set-password?link=" in link
    assert "/set-password?link=" in empty.good("members", "reset", "user/u-1").out
    listing = empty.good("search", "--order", "seq").out
    for words in (
        "created the role Payroll",
        "gave Anna Berg the role System administrator",
        "invited Anna Berg",
    ):
        assert words in listing


def test_organisations_are_suspended_and_resumed(empty: "Folder") -> None:
    """Nothing is read or recorded meanwhile, with a clear word and exit code 3."""
    assert empty.good("init", "--org", "acme").out
    assert "has a log now" in empty.good("org", "add", "fjell").out
    assert "had a log before" in empty.good("org", "add", "fjell").out
    entries = empty.good("--org", "fjell", "search", "--order", "seq", "--json").json["entries"]
    assert [entry["action"] for entry in entries] == ["activity_log.begun"]
    empty.good("org", "suspend", "fjell")
    assert "suspended" in empty.good("org", "list").out
    refused = empty.run("--org", "fjell", "search")
    assert (refused.code, "suspended" in refused.err) == (3, True)
    assert empty.run("--org", "acme", "search").code == 0
    empty.good("org", "resume", "fjell")
    assert empty.run("--org", "fjell", "search").code == 0
    assert empty.run("org", "suspend", "nowhere").code == 4
