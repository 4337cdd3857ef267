"""Index rows: what of an entry becomes a number, and that a body which cites a stranger gives none."""

from typing import Any

import pytest
from msgspec import structs

from trailbook.catalogue import load
from trailbook.errors import DamagedError
from trailbook.index import IndexRow
from trailbook.record import Body, RowItems, body_row, index_row, sixty_bits, unread_row
from trailbook.record.canonical import BodyActor, BodyConcern, BodyOrigin
from trailbook.record.row import alive_after
from trailbook.stores import Identity

CATALOGUE = load()
BODY = Body(
    action="role.assigned",
    actor=BodyActor("anna", "person"),
    category="roles",
    concerns=(BodyConcern("bob", "member"), BodyConcern("oslo", "scope"), BodyConcern("bob again", "owner")),
    caused_by="00000000-0000-4000-8000-0000000000ff",
    correlation="4bf92f3577b34da6a3ce929d0e0e4736",
    id="00000000-0000-4000-8000-000000000001",
    occurred_at="1970-01-01T00:00:01.000002Z",
    origin=BodyOrigin("web", "mozilla"),
    outcome="success",
    recorded_at="2026-11-02T08:15:00.000000Z",
    source="key",
    target="manager",
    v=1,
)
ITEMS = {"anna": 1, "bob": 2, "bob again": 2, "oslo": 3, "mozilla": 4, "key": 5, "manager": 6, "eve": 7}


def identity(token: str) -> Identity:
    type_ = "role" if token == "manager" else "user"
    return Identity(item=ITEMS[token], token=token, type=type_, id=token, name=None, salt=b"")


IDENTITIES = {token: identity(token) for token in ITEMS}


def row(**members: Any) -> IndexRow:
    return body_row(9, structs.replace(BODY, **members), IDENTITIES, catalogue=CATALOGUE)


def test_a_body_becomes_numbers() -> None:
    assert row() == IndexRow(
        seq=9,
        at=1_000_002,
        actor=1,
        target=6,
        source=5,
        behalf=0,
        origin=4,
        concerned=(2, 3),  # each item once, in the body's order
        kind="person",
        type="role",
        category="roles",
        action="role.assigned",
        outcome="success",
        interface="web",
        own=False,
        correlation=sixty_bits(BODY.correlation),
        cause=0xFF,
        alive=None,
    )


def test_an_origin_without_address_and_agent_is_no_item() -> None:
    assert row(origin=BodyOrigin("web", None)) == structs.replace(row(), origin=0)


@pytest.mark.parametrize("member", ["origin", "target", "source", "on_behalf_of", "actor", "concerns"])
def test_a_token_that_the_directory_does_not_have_is_damage(member: str) -> None:
    stranger = {
        "origin": BodyOrigin("web", "nobody"),
        "actor": BodyActor("nobody", "person"),
        "concerns": (BodyConcern("nobody", "member"),),
    }
    with pytest.raises(DamagedError, match="entry 9 cites a token"):
        row(**{member: stranger.get(member, "nobody")})
    known = {
        "origin": BodyOrigin("web", "eve"),
        "actor": BodyActor("eve", "person"),
        "concerns": (BodyConcern("eve", "member"),),
    }
    assert row(**{member: known.get(member, "eve")}) != row()


@pytest.mark.parametrize(
    ("members", "own"),
    [
        ({}, False),
        ({"target": "anna"}, True),
        ({"concerns": (BodyConcern("bob", "member"), BodyConcern("anna", "scope"))}, True),
        ({"target": "anna", "on_behalf_of": "bob"}, False),
    ],
)
def test_own_is_by_and_about_the_actor_on_nobodys_behalf(members: dict[str, Any], own: bool) -> None:
    assert row(**members).own is own


@pytest.mark.parametrize(
    ("action", "outcome", "alive"),
    [
        ("role.deleted", "success", False),
        ("role.deleted", "denied", None),
        ("user.restored", "success", True),
        ("role.updated", "success", None),
        ("spaceship.deleted", "success", None),
    ],
)
def test_a_target_ends_or_comes_back_where_it_was_done(action: str, outcome: str, alive: bool | None) -> None:
    assert alive_after(CATALOGUE, action, outcome) is alive
    assert row(action=action, outcome=outcome).alive is alive


def test_sixty_bits_are_the_last_ones_however_the_id_is_written() -> None:
    assert sixty_bits(None) == 0
    assert sixty_bits("4bf92f35-77b3-4da6-a3ce-929d0e0e4736") == sixty_bits(BODY.correlation)
    assert sixty_bits("f" * 32) == 2**60 - 1
    assert sixty_bits("0" * 16 + "1" + "0" * 15) == 0


def test_of_an_entry_that_cannot_be_read_only_its_place_is_known() -> None:
    unread = unread_row(7, 5)
    assert (unread.seq, unread.at) == (7, 5)
    others = [value for name, value in structs.asdict(unread).items() if name not in ("seq", "at")]
    assert not any(others)
    made = index_row(
        7,
        BODY,
        RowItems(actor=1, target=6, source=5, behalf=0, origin=0, concerned=(), type="role"),
        at=5,
        correlation=None,
        cause=None,
        catalogue=CATALOGUE,
    )
    assert any(value for name, value in structs.asdict(made).items() if name not in ("seq", "at"))
