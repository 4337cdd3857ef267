"""`api-keys`: made, listed, rotated and revoked; a secret is shown once."""

import pytest
from tests.cli.conftest import Folder

from trailbook import open_deployment
from trailbook.errors import UnauthenticatedError


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
