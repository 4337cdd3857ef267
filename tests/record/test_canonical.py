"""The bytes that are hashed: golden bodies, RFC 8785 as another implementation writes it, and injectivity."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
import rfc8785
from hypothesis import given, strategies as st
from msgspec import structs

from trailbook.catalogue import load
from trailbook.errors import DamagedError, EntryInvalidError
from trailbook.model import Concern, Item, NewEntry, Origin, entry_from
from trailbook.record.canonical import (
    Cited,
    EntryStamp,
    canonical_json,
    correlation_digits,
    decode_body,
    encode_body,
    item_preimage,
    origin_preimage,
    token_of,
)
from trailbook.record.rules import complete_entry
from trailbook.testing.steady import START
from trailbook.testing.strategies import new_entries, texts
from trailbook.tree.merkle import leaf_hash

GOLDEN = Path(__file__).parents[1] / "golden" / "bodies.json"
KEY = bytes(range(64))
CATALOGUE = load()


def salt(first: str) -> bytes:
    """16 bytes counting up from one in hex: 00 is 00..0f, 10 is 10..1f."""
    return bytes(range(int(first, 16), int(first, 16) + 16))


def cited(case: dict[str, Any], entry: NewEntry) -> Cited:
    salts, origin = case["salts"], entry.origin
    behalf = entry.on_behalf_of
    return Cited(
        actor=token_of(item_preimage(entry.actor), salt(salts["actor"])),
        target=token_of(item_preimage(entry.target), salt(salts["target"])),
        source=token_of(item_preimage(Item(**case["source"])), salt(salts["source"])),
        on_behalf_of=None if behalf is None else token_of(item_preimage(behalf), salt(salts["on_behalf_of"])),
        origin=token_of(origin_preimage(origin.ip, origin.user_agent), salt(salts["origin"]))
        if "origin" in salts
        else None,
        concerns=tuple(
            token_of(item_preimage(c), salt(s))
            for c, s in zip(entry.concerns, salts["concerns"], strict=True)
        ),
    )


def body_of(case: dict[str, Any]) -> bytes:
    entry = entry_from(case["entry"])
    stamp = EntryStamp(
        id=UUID(case["stamp"]["id"]),
        recorded_at=case["stamp"]["recorded_at"],
        key=bytes.fromhex(case["key"]),
    )
    return encode_body(entry, cited(case, entry), stamp)


def golden() -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in json.loads(GOLDEN.read_text())]


@pytest.mark.parametrize("case", golden())
def test_golden_bodies(case: dict[str, Any]) -> None:
    body = body_of(case)
    assert body.decode() == case["body"]
    assert len(body) == case["bytes"]
    assert leaf_hash(body).hex() == case["leaf"]
    assert rfc8785.dumps(json.loads(body)) == body


def test_the_example_is_that_of_the_design() -> None:
    """575 bytes and this leaf; written here too, so that no regenerated file can hide a change."""
    body = json.loads(GOLDEN.read_text())[0]["body"].encode()
    assert len(body) == 575
    digest = hashlib.sha256(b"\x00" + body).hexdigest()
    assert digest == "d0a6a0c19738750a07f287469f1db13891ad36af0269425bcad5ac086414623c"


def plain(entry: NewEntry, recorded_at: str = "2026-11-02T08:15:00.000000Z") -> bytes:
    """A body whose tokens follow from the items alone, so that only content makes bodies differ."""

    def stands(item: Item | None) -> str | None:
        return None if item is None else token_of(item_preimage(item), bytes(16))

    origin = entry.origin
    placed = origin.ip is not None or origin.user_agent is not None
    tokens = Cited(
        actor=stands(entry.actor) or "",
        target=stands(entry.target) or "",
        source="s" * 32,
        on_behalf_of=stands(entry.on_behalf_of),
        origin=token_of(origin_preimage(origin.ip, origin.user_agent), bytes(16)) if placed else None,
        concerns=tuple(stands(c) or "" for c in entry.concerns),
    )
    assert entry.id is not None
    return encode_body(entry, tokens, EntryStamp(id=entry.id, recorded_at=recorded_at, key=KEY))


ENTRIES = new_entries(CATALOGUE).map(lambda entry: complete_entry(CATALOGUE, entry, START).entry)


@given(ENTRIES)
def test_bodies_are_rfc_8785(entry: NewEntry) -> None:
    body = plain(entry)
    assert rfc8785.dumps(json.loads(body)) == body
    assert msgspec.json.encode(decode_body(body)) == body  # as the declared members say, whoever writes it
    assert body.isascii()
    assert b"null" not in body
    assert json.loads(body)["v"] == 1
    assert "seq" not in json.loads(body)


@given(st.dictionaries(st.sampled_from(["type", "id", "name", "ip", "user_agent"]), texts(), max_size=5))
def test_canonical_json_is_rfc_8785(members: dict[str, str]) -> None:
    assert canonical_json(members) == rfc8785.dumps(members)


def content(entry: NewEntry) -> tuple[Any, ...]:
    """What an entry says, with everything that has no order or several written forms brought to one."""
    together = None if entry.correlation is None else correlation_digits(entry.correlation, KEY)
    concerns = sorted((c.part, c.type, c.id, c.name or "", c.name is None) for c in entry.concerns)
    same = structs.replace(entry, concerns=(), fields=(), correlation=together)
    return repr(same), concerns, sorted(entry.fields)


@given(st.lists(ENTRIES, min_size=2, max_size=12))
def test_different_entries_never_give_the_same_bytes(entries: list[NewEntry]) -> None:
    """The bytes are a function of the content, and one to one."""
    ident = UUID(int=0)
    same_id = [structs.replace(entry, id=ident) for entry in entries]
    by_body: dict[bytes, Any] = {}
    for entry in same_id:
        assert by_body.setdefault(plain(entry), content(entry)) == content(entry)
    assert len(by_body) == len({repr(content(entry)) for entry in same_id})


def changes(entry: NewEntry) -> dict[str, NewEntry]:
    """The entry with each member changed by itself."""
    other = Item(type="user", id="other", name="Other")
    concern = Concern(type="user", id="other", part="filtered")
    given: dict[str, Any] = {
        "id": UUID(int=99),
        "action": entry.action + "x",
        "category": (entry.category or "") + "x",
        "outcome": "denied" if entry.outcome != "denied" else "failure",
        "occurred_at": entry.occurred_at.replace(microsecond=(entry.occurred_at.microsecond + 1) % 10**6),
        "actor": structs.replace(entry.actor, kind="system" if entry.actor.kind != "system" else "person"),
        "target": structs.replace(entry.target, id=entry.target.id + "x"),
        "on_behalf_of": None if entry.on_behalf_of else other,
        "concerns": (*entry.concerns, concern),
        "fields": (*entry.fields, "zzz"),
        "purpose": None if entry.purpose else "leave",
        "effective_at": None if entry.effective_at else "2026-01-01",
        "correlation": None if entry.correlation else "x",
        "caused_by": None if entry.caused_by else UUID(int=98),
        "origin": structs.replace(entry.origin, ip="203.0.113.1"),
    }
    return {name: structs.replace(entry, **{name: value}) for name, value in given.items()}


@given(ENTRIES)
def test_each_member_reaches_the_bytes(entry: NewEntry) -> None:
    """No silent change: every member a recorder gives makes other bytes when it alone is changed."""
    changed = changes(entry)
    assert set(changed) == set(NewEntry.__struct_fields__)
    bodies = {name: plain(other) for name, other in changed.items()}
    bodies["recorded_at"] = plain(entry, "2026-11-02T08:15:00.000001Z")
    assert [name for name, body in bodies.items() if body == plain(entry)] == []


@given(ENTRIES, st.randoms(use_true_random=False))
def test_order_in_lists_says_nothing(entry: NewEntry, chance: Any) -> None:
    concerns, fields = list(entry.concerns), list(entry.fields)
    chance.shuffle(concerns)
    chance.shuffle(fields)
    shuffled = structs.replace(entry, concerns=tuple(concerns), fields=tuple(fields))
    assert plain(shuffled) == plain(entry)


@given(ENTRIES)
def test_decoding_reads_back_what_was_written(entry: NewEntry) -> None:
    body = decode_body(plain(entry))
    assert (body.action, body.category, body.outcome) == (entry.action, entry.category, entry.outcome)
    assert body.fields == tuple(sorted(entry.fields))
    assert len(body.concerns) == len(entry.concerns)
    assert len(body.tokens()) == 3 + bool(entry.on_behalf_of) + bool(body.origin.item) + len(entry.concerns)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b'{"v":1}', b'{"action":1}'])
def test_what_is_no_body_is_damage(body: bytes) -> None:
    with pytest.raises(DamagedError):
        decode_body(body)


ITEMS = st.builds(Item, type=st.just("user"), id=texts(200), name=st.none() | texts())


@given(ITEMS, st.binary(min_size=16, max_size=16))
def test_a_token_is_the_salted_hash(item: Item, salted: bytes) -> None:
    members = {"id": item.id, "type": item.type, **({} if item.name is None else {"name": item.name})}
    digest = hashlib.sha256(b"trailbook/item/v1\x00" + salted + rfc8785.dumps(members)).digest()
    assert token_of(item_preimage(item), salted) == urlsafe_b64encode(digest[:24]).decode()
    assert len(token_of(item_preimage(item), salted)) == 32


@given(ITEMS, st.binary(min_size=16, max_size=16), st.integers(0, 127))
def test_any_bit_of_the_salt_makes_another_token(item: Item, salted: bytes, bit: int) -> None:
    flipped = (int.from_bytes(salted, "big") ^ (1 << bit)).to_bytes(16, "big")
    assert token_of(item_preimage(item), flipped) != token_of(item_preimage(item), salted)


@given(ITEMS)
def test_any_member_makes_another_token(item: Item) -> None:
    others = [
        structs.replace(item, type="role"),
        structs.replace(item, id=item.id + "x"),
        structs.replace(item, name="x" + (item.name or "")),
        structs.replace(item, name=item.id if item.name is None else None),
    ]
    tokens = {token_of(item_preimage(i), bytes(16)) for i in (item, *others)}
    assert len(tokens) == 1 + len(others)


def test_an_origin_is_no_item() -> None:
    """What is absent is left out; an origin with nothing but its type is never written."""
    assert origin_preimage("192.0.2.7", None) == b'{"ip":"192.0.2.7","type":"origin"}'
    assert origin_preimage(None, "curl") == b'{"type":"origin","user_agent":"curl"}'
    assert origin_preimage("192.0.2.7", None) != item_preimage(Item(type="origin", id="192.0.2.7"))


@pytest.mark.parametrize(
    ("given_", "written"),
    [
        ("4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("4bf92f35-77b3-4da6-a3ce-929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("4BF92F35-77B3-4DA6-A3CE-929D0E0E4736", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("HR/42", hmac.digest(KEY, b"HR/42", "sha256")[:16].hex()),
        ("4bf92f35", hmac.digest(KEY, b"4bf92f35", "sha256")[:16].hex()),
    ],
)
def test_correlations(given_: str, written: str) -> None:
    assert correlation_digits(given_, KEY) == written


@given(texts(200))
def test_a_correlation_is_hidden_under_the_key(text: str) -> None:
    """Under another organisation's key it reads otherwise: no dictionary of references crosses over."""
    digits = correlation_digits(text, KEY)
    assert len(digits) == 32
    if digits != text:
        assert correlation_digits(text, bytes(64)) != digits


def test_a_body_longer_than_a_bundle_takes_is_refused() -> None:
    """A C2SP entry bundle gives the length in 16 bits: 65,535 bytes pass, 65,536 do not."""
    entry = structs.replace(
        entry_from(json.loads(GOLDEN.read_text())[1]["entry"]), id=UUID(int=1), origin=Origin(interface="job")
    )
    room = 65_535 - len(plain(structs.replace(entry, fields=("",))))
    assert len(plain(structs.replace(entry, fields=("x" * room,)))) == 65_535
    with pytest.raises(EntryInvalidError):
        plain(structs.replace(entry, fields=("x" * (room + 1),)))
