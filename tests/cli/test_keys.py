"""`api-keys`: made, listed, rotated and revoked; a secret is shown once."""

import pytest
from tests.cli.conftest import Folder

from trailbook import open_deployment
from trailbook.errors import UnauthenticatedError
from trailbook.query import from_params


def test_a_key_is_shown_once_works_and_is_revoked(begun: Folder) -> None:
    """Only a hash is kept."""
    made = begun.good(
        "api-keys", "new", "--name", "HR", "--scope", "record", "--scope", "read", "--json"
    ).json
    listed = begun.good("api-keys", "list", "--json")
    assert [key["id"] for key in listed.json] == [made["id"]]
    secret = made["secret"].rpartition("_")[2]
    assert secret not in listed.out
    assert not any(secret.encode() in file.read_bytes() for file in begun.path.iterdir() if file.is_file())
    deployment = open_deployment(f"sqlite:///{begun.path / 'trailbook.db'}")
    assert deployment.credentials.credential(made["secret"]).org == "acme"
    assert begun.good("api-keys", "revoke", made["id"], "--json").json == {"id": made["id"], "revoked": True}
    assert begun.good("api-keys", "list", "--json").json[0]["revoked_at"] is not None
    with pytest.raises(UnauthenticatedError):
        deployment.credentials.credential(made["secret"])
    deployment.close()


def test_a_key_of_another_organisation_is_not_found(begun: Folder) -> None:
    made = begun.good("api-keys", "new", "--name", "HR", "--scope", "read", "--json").json
    begun.good("init", "--org", "other")
    assert begun.run("--org", "other", "api-keys", "revoke", made["id"]).code == 4
    assert begun.run("--org", "acme", "api-keys", "revoke", made["id"]).code == 0


def test_a_key_is_limited_rotated_and_revoked(empty: Folder) -> None:
    empty.good("init", "--org", "acme")
    limits = ("--category", "roles", "--only-itself")
    made = empty.good("api-keys", "new", "--name", "Sync", "--scope", "record", *limits, "--json").json
    assert (made["categories"], made["actors"]) == (["roles"], "itself")
    new = empty.good("api-keys", "rotate", made["id"], "--json").json
    assert (new["id"], new["secret"] != made["secret"]) == (made["id"], True)
    assert empty.run("api-keys", "rotate", made["id"], "--hours", "25").code == 2
    assert empty.run("api-keys", "new", "--name", "X", "--scope", "read", "--category", "none").code == 2
    assert made["secret"] not in empty.good("api-keys", "list", "--json").out
    empty.good("api-keys", "revoke", made["id"])
    assert empty.run("api-keys", "rotate", made["id"]).code == 4


def test_a_key_is_named_for_restricted_categories_and_taken_off_again(begun: Folder) -> None:
    """What it may read is what was named last; a name that is none is refused and changes nothing; each is an entry."""
    scopes = ("--scope", "read", "--scope", "record")
    key = begun.good("api-keys", "new", "--name", "Cases", *scopes, "--json").json
    begun.good(
        *(
            "record",
            "--action",
            "case.opened",
            "--actor",
            "person:user/u-17=Anna Berg",
            "--target",
            "case/c-1",
        )
    )

    def reads() -> list[str]:
        deployment = open_deployment(f"sqlite:///{begun.path / 'trailbook.db'}")
        viewer = deployment.credentials.credential(key["secret"]).viewer()
        page = deployment.log("acme").search(from_params([("target", "case/c-1")]), viewer=viewer)
        deployment.close()
        return [entry.action for entry in page.entries]

    assert (key["restricted"], reads()) == ([], [])
    named = begun.good("api-keys", "restrict", key["id"], "--category", "whistleblowing", "--json").json
    assert (named["id"], named["restricted"], reads()) == (key["id"], ["whistleblowing"], ["case.opened"])
    for wrong in ("roles", "nonsense"):
        refused = begun.run("api-keys", "restrict", key["id"], "--category", wrong, "--json")
        assert (refused.code, [error["pointer"] for error in refused.problem["errors"]]) == (
            2,
            ["/restricted"],
        )
    assert begun.good("api-keys", "list", "--json").json[0]["restricted"] == ["whistleblowing"]
    assert begun.run("api-keys", "restrict", "nobody", "--category", "whistleblowing").code == 4
    assert begun.good("api-keys", "restrict", key["id"]).out == f"{key['id']} reads no restricted category\n"
    assert reads() == []
    entries = begun.good("search", "action:api_key.categories_changed", "--json").out
    assert entries.count('"api_key.categories_changed"') >= 2
