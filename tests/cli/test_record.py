"""`record`: one entry, as JSON from standard input or from options; what it asks for is answered in words."""

import json

import pytest
from tests.cli.conftest import Folder


def test_an_entry_on_stdin_is_recorded_as_it_is(begun: Folder) -> None:
    entry = {
        "id": "019a3c1e-7d2b-7c40-9f0e-6f1f0a6f2b11",
        "action": "role.assigned",
        "occurred_at": "2026-11-02T09:15:00.123456+01:00",
        "actor": {"kind": "person", "type": "user", "id": "u=17", "name": "Anna"},
        "target": {"type": "role", "id": "r-3", "name": "Manager"},
        "concerns": [{"part": "member", "type": "user", "id": "u-42"}],
        "origin": {"interface": "web"},
    }
    receipt = begun.good("record", "-", "--json", stdin=json.dumps(entry).encode()).json
    assert (receipt["id"], receipt["seq"], receipt["state"]) == (entry["id"], 0, "accepted")
    shown = begun.good("show", receipt["id"], "--json").json
    assert shown["actor"]["id"] == "u=17"
    assert shown["occurred_at"] == "2026-11-02T08:15:00.123456Z"
    assert begun.run("record", "-", stdin=b'{"id": 1, "id": 1}').code == 2
    assert begun.run("record", "-", stdin=json.dumps({**entry, "seq": 1}).encode()).code == 2


def test_every_option_of_record_reaches_the_entry(begun: Folder) -> None:
    cause = begun.good(*begun.given, "--json").json["id"]
    own = ("--at", "2026-11-02T09:15:00+01:00", "--purpose", "onboarding", "--effective-at", "2027-01-01")
    more = ("--correlation", "4bf92f3577b34da6a3ce929d0e0e4736", "--caused-by", cause, "--outcome", "failure")
    where = ("--interface", "web", "--ip", "192.0.2.7", "--user-agent", "Mozilla/5.0", "--field", "name")
    behalf = ("--on-behalf-of", "user/u-9=Per", "--concerns", "scope:team/t-1=Oslo")
    id_ = begun.good(*begun.given, *own, *more, *where, *behalf, "--json").json["id"]
    entry = begun.good("show", id_, "--json").json
    assert entry["occurred_at"] == "2026-11-02T08:15:00.000000Z"
    assert (entry["purpose"], entry["effective_at"], entry["outcome"]) == (
        "onboarding",
        "2027-01-01",
        "failure",
    )
    assert (entry["correlation"], entry["caused_by"]) == (more[1], cause)
    assert entry["origin"] == {"interface": "web", "ip": "192.0.2.7", "user_agent": "Mozilla/5.0"}
    assert entry["on_behalf_of"]["name"] == "Per"
    assert entry["fields"] == ["name"]
    assert {c["part"]: c["id"] for c in entry["concerns"]} == {
        "member": "u-42",
        "scope": "t-1",
        "represented": "u-9",
    }


@pytest.mark.parametrize(
    ("action", "suggestion", "unsaid"),
    [
        ("role.given", "role.assigned", "nearest"),
        ("user.updated", "nearest declared one is user.profile_updated", "user.created"),
        ("rolle.assigned", "nearest declared one is role.assigned", "role.created"),
    ],
)
def test_an_unknown_action_is_answered_with_what_there_is(
    begun: Folder, action: str, suggestion: str, unsaid: str
) -> None:
    """The nearest when it is near, else all of the entity: a wrong guess sends people the wrong way."""
    ended = begun.run("record", "--action", action, *begun.given[3:])
    assert ended.code == 2
    assert suggestion in ended.err
    assert unsaid not in ended.err


def test_a_kind_that_is_none_is_answered_with_those_there_are(begun: Folder) -> None:
    """The refusal names the member and what it may be."""
    given = [word.replace("person:", "robot:") for word in begun.given]
    assert "/actor/kind: is not one of person, integration, system" in begun.run(*given).err
    begun.good(*begun.given)
