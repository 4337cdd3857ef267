"""API keys as data: what one may be, what opens it and until when, and what it may record."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from trailbook.access.api_keys import (
    SCOPES,
    Credential,
    NewKey,
    Source,
    hash_of,
    is_right,
    key_faults,
    key_parts,
    new_id,
    secret_text,
    unrecordable,
)
from trailbook.errors import KeyRefusedError, NotPermittedError
from trailbook.model import Actor, Item, NewEntry, Origin
from trailbook.stores import ApiKey
from trailbook.testing import Steady
from trailbook.testing.steady import START

NOW = 1_000_000
KEY = ApiKey(
    id="a" * 13,
    org="acme",
    name="HR system",
    scopes=("record",),
    secret_hash=hash_of("new"),
    created_at=0,
    expires_at=NOW + 100,
    old_hash=hash_of("old"),
    old_until=NOW + 10,
)
SOURCE = Source(type="source", id="k-1", name="HR system", categories=("roles",), only_itself=True)


def test_what_is_drawn_reads_back() -> None:
    """The text of a key is its id and its secret; whatever else a bearer may be is none of ours."""
    id_, secret = new_id(Steady(1)(8)), secret_text(Steady(2)(32))
    text = f"tb_{id_}_{secret}"
    assert key_parts(text) == (id_, secret)
    for other in (
        "",
        text[:-1],
        text + "A",
        text.upper(),
        f" {text}",
        text.replace("tb_", "xx_"),
        f"{text}\n",
    ):
        assert key_parts(other) is None


@pytest.mark.parametrize(
    ("members", "secret", "now", "opens"),
    [
        ({}, "new", NOW, True),
        ({}, "newer", NOW, False),
        ({}, "new", NOW + 99, True),
        ({}, "new", NOW + 100, False),
        ({}, "old", NOW + 9, True),
        ({}, "old", NOW + 10, False),
        ({"old_hash": None, "old_until": None}, "old", NOW, False),
        ({"revoked_at": 1}, "new", NOW, False),
        ({"revoked_at": 1}, "old", NOW, False),
    ],
)
def test_what_opens_a_key(members: dict[str, Any], secret: str, now: int, opens: bool) -> None:
    """Its secret until it expires or is revoked; the one before for as long as they overlap."""
    assert is_right(structs.replace(KEY, **members), secret, now) is opens
    assert not is_right(None, secret, now)


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "x" * 301}, "/name"),
        ({"scopes": ()}, "/scopes"),
        ({"scopes": ("record", "all")}, "/scopes"),
        ({"life": timedelta(0)}, "/expires_at"),
        ({"categories": ("roles", "wages")}, "/categories"),
    ],
)
def test_keys_that_cannot_be(members: dict[str, Any], pointer: str) -> None:
    """Each fault names its member; the same key without it has none, and what is declared counts where it is known."""
    right = NewKey(name="x" * 300, scopes=SCOPES, life=timedelta(seconds=1), categories=("roles",))
    faults = key_faults(structs.replace(right, **members), ["roles", "users"])
    assert [fault.pointer for fault in faults] == [pointer]
    assert key_faults(right, ["roles", "users"]) == ()
    assert key_faults(structs.replace(right, categories=("wages",)), None) == ()


@pytest.mark.parametrize(
    ("scopes", "full"),
    [
        (("record",), set()),
        (("read",), {"activity_log"}),
        (("export",), {"activity_log", "manage_exports"}),
        (("prove",), {"activity_log", "read_proofs"}),
        (("administer",), {"manage_access", "manage_retention"}),
    ],
)
def test_each_scope_gives_its_permissions(scopes: tuple[str, ...], full: set[str]) -> None:
    """And no other; recording gives none, for whoever records need not read."""
    viewer = Credential(org="acme", scopes=scopes, source=SOURCE, withheld=("salary",)).viewer()
    levels = (
        "activity_log",
        "read_proofs",
        "manage_access",
        "manage_exports",
        "manage_retention",
        "verify_log",
    )
    assert {name for name in levels if getattr(viewer, name) == "full"} == full
    assert (viewer.org, viewer.kind, viewer.withheld) == ("acme", "integration", ("salary",))
    assert viewer.item == Item(type="source", id="k-1", name="HR system")


def test_a_scope_is_for_its_own_organisation() -> None:
    """Refused with the permission that is missing; a key that may not record with an error of its own."""
    reader = Credential(org="acme", scopes=("read",), source=SOURCE)
    reader.require("read", "acme")
    with pytest.raises(NotPermittedError) as refused:
        reader.require("read", "other")
    assert refused.value.permission == "Activity log"
    with pytest.raises(KeyRefusedError):
        reader.require("record", "acme")


def test_what_a_key_may_record() -> None:
    """Its categories, and itself as actor where it may name nobody else; the refusal says where."""
    entry = NewEntry(
        action="role.created",
        occurred_at=START,
        actor=Actor(kind="person", type="user", id="u-1"),
        target=Item(type="role", id="r-1"),
        origin=Origin(interface="api"),
    )
    refused = unrecordable(SOURCE, entry, "salary")
    assert refused is not None
    assert [fault.pointer for fault in refused.faults] == ["/action", "/actor"]
    own = structs.replace(entry, actor=Actor(kind="integration", type="source", id=SOURCE.id))
    assert unrecordable(SOURCE, own, "roles") is None
    assert unrecordable(structs.replace(SOURCE, categories=(), only_itself=False), entry, "salary") is None
    assert unrecordable(Item(type="source", id="library"), entry, "salary") is None
