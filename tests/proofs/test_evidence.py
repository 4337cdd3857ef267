"""What an outside verifier may fetch: up to the last signed head, and nothing that is not there."""

from hashlib import sha256
from pathlib import Path

import pytest

from trailbook.errors import (
    BundleExpiredError,
    DamagedError,
    NotCheckpointedError,
    NotFoundError,
    ProofInvalidError,
)
from trailbook.model import Actor, Item, Origin
from trailbook.proofs import (
    Edge,
    Holdings,
    ProvedSizes,
    entry_bundle,
    entry_state,
    evidence_of,
    latest_checkpoint,
    openings,
    proof_file,
    proved_sizes,
    served_tile,
)
from trailbook.record import item_preimage, token_of
from trailbook.stores import MemoryStore
from trailbook.testing.signed import KEYRING, ORG, ORIGIN, SignedLog, entry_at, fill, open_signed
from trailbook.testing.trees import head_root
from trailbook.tree import HASH, TILE, key_ranges, leaf_hash
from trailbook.verify import check_proof


def everything(category: str) -> bool:
    """Whether somebody sees a category: every one."""
    return category != ""


KEYS = key_ranges(KEYRING.verifiers(f"{ORIGIN}/{ORG}"), ())


@pytest.fixture
def signed(tmp_path: Path) -> SignedLog:
    """A log of more than a tile, with people erased and its first entries removed."""
    signed = open_signed(MemoryStore(), tmp_path / "outside.txt")
    fill(signed, 300)
    return signed


def erase(signed: SignedLog, id_: str) -> None:
    clerk = Actor(kind="person", type="user", id="u-19", name="Person 19 Ødegård")
    signed.log.erase(Item(type="user", id=id_), actor=clerk, origin=Origin(interface="job"))


def test_nothing_is_proved_before_the_first_signature() -> None:
    signed = open_signed(MemoryStore())
    store = signed.store
    assert latest_checkpoint(store, ORG) is None
    assert proved_sizes(store, ORG) == ProvedSizes(0, 0)
    with pytest.raises(NotCheckpointedError):
        evidence_of(Holdings(store, ORG, everything, list))
    signed.log.record_many([entry_at(signed, number) for number in range(3)])
    signed.signer.sign(ORG)
    assert evidence_of(Holdings(store, ORG, everything, list)).checkpoint.size == 3
    assert proved_sizes(store, ORG) == ProvedSizes(3, 0)  # no file outside


def test_the_latest_checkpoint_is_the_one_that_was_signed(signed: SignedLog) -> None:
    head = signed.store.head(ORG)
    latest = latest_checkpoint(signed.store, ORG)
    assert latest is not None
    assert (latest.checkpoint.size, latest.checkpoint.root) == (head.size, head_root(head))
    assert latest == latest_checkpoint(signed.store, ORG, "anchor")
    assert proved_sizes(signed.store, ORG) == ProvedSizes(head.size, head.size)


@pytest.mark.parametrize(
    ("seq", "state"),
    [(0, "anchored"), (2, "anchored"), (3, "checkpointed"), (4, "checkpointed"), (5, "accepted")],
)
def test_the_state_of_an_entry_follows_from_how_far_others_vouch(seq: int, state: str) -> None:
    assert entry_state(seq, ProvedSizes(checkpointed=5, anchored=3)) == state


def test_a_proof_is_of_its_entry_and_of_no_other(signed: SignedLog) -> None:
    store = signed.store
    seq, size = TILE + 3, store.head(ORG).size
    body, other = (store.kept_at(ORG, [at])[0].body or b"" for at in (seq, seq + 1))
    proof = proof_file(store, ORG, seq)
    index, checkpoint = check_proof(proof, body, KEYS)
    assert (index, checkpoint.size) == (seq, size)
    with pytest.raises(ProofInvalidError):
        check_proof(proof, other, KEYS)
    with pytest.raises(NotCheckpointedError):
        proof_file(store, ORG, size)


@pytest.mark.parametrize(
    ("level", "index", "width"),
    [
        (0, 0, 257),
        (0, 1, TILE),
        (0, 9, 256),
        (0, 2, 1),
        (1, 0, 2),
        (1, 1, 1),
        (0, 0, 0),
        (0, 0, -1),
        (2, 0, 1),
    ],
)
def test_a_tile_that_the_signed_tree_does_not_have_is_not_served(
    signed: SignedLog, level: int, index: int, width: int
) -> None:
    store = signed.store
    assert len(served_tile(store, ORG, 0, 0, width=TILE)) == TILE * HASH
    assert len(served_tile(store, ORG, 1, 0, width=1)) == HASH
    with pytest.raises(NotFoundError):
        served_tile(store, ORG, level, index, width=width)


def test_every_width_up_to_the_signed_size_is_served_and_none_beyond(signed: SignedLog) -> None:
    """Also of a tile that has grown full since; of entries as far as they are signed, though there are more."""
    store, size = signed.store, signed.store.head(ORG).size
    signed.log.record_many([entry_at(signed, number) for number in range(size, size + 3)])  # not signed yet
    hashes = [
        leaf_hash(row.body) if row.body is not None else row.leaf or b"" for row in store.kept(ORG, 0, size)
    ]
    edge: Edge = {}
    for width in range(1, TILE + 1):
        assert served_tile(store, ORG, 0, 0, width=width, edge=edge) == b"".join(hashes[:width])
    for width in [*range(1, size - TILE + 1), 5]:  # a smaller one after a greater one
        assert served_tile(store, ORG, 0, 1, width=width, edge=edge) == b"".join(hashes[TILE:][:width])
        assert entry_bundle(store, ORG, 1, width=width, sees=everything)
    for beyond in (size - TILE + 1, size - TILE + 3):
        with pytest.raises(NotFoundError):
            served_tile(store, ORG, 0, 1, width=beyond, edge=edge)
        with pytest.raises(NotFoundError):
            entry_bundle(store, ORG, 1, width=beyond, sees=everything)


def test_a_bundle_is_of_whole_bodies_or_names_the_hole(signed: SignedLog) -> None:
    store = signed.store
    width = store.head(ORG).size - TILE
    rest = entry_bundle(store, ORG, 1, width=width, sees=everything)
    for row in store.kept(ORG, TILE, TILE + width):
        length, rest = int.from_bytes(rest[:2]), rest[2:]
        assert rest[:length] == row.body
        rest = rest[length:]
    assert rest == b""
    removed = next(row for row in store.kept(ORG, 0, TILE) if row.body is None)
    with pytest.raises(BundleExpiredError) as caught:
        entry_bundle(store, ORG, 0, width=TILE, sees=everything)
    assert (caught.value.seq, caught.value.leaf) == (removed.seq, removed.leaf)
    with pytest.raises(NotFoundError):
        entry_bundle(store, ORG, 1, width=width + 1, sees=everything)


def test_openings_open_an_items_tokens(signed: SignedLog) -> None:
    """Oldest version first; of who is erased, unknown or an origin nothing is said, and the same of each."""
    store = signed.store
    opened = openings(store.identities(ORG, [("user", "u-8", None)]))
    assert [opening.name for opening in opened] == ["Person 8 Ødegård", "Person 8 Ødegård Li"]
    for opening in opened:
        item = Item(type=opening.type, id=opening.id, name=opening.name)
        assert token_of(item_preimage(item), bytes.fromhex(opening.salt)) == opening.token
    erase(signed, "u-8")
    for type_, id_ in (("user", "u-8"), ("user", "nobody"), ("origin", "192.0.2.1")):
        with pytest.raises(NotFoundError, match="the log knows no such item"):
            openings(store.identities(ORG, [(type_, id_, None)]))


def test_evidence_is_read_in_the_order_asked(signed: SignedLog) -> None:
    """Whether the seqs stand together or apart."""
    evidence = evidence_of(Holdings(signed.store, ORG, everything, list))
    for seqs in ([], [5], list(range(100, 300)), [299, 3, 150, 4]):
        assert [row.seq for row in evidence.holdings.kept(seqs)] == seqs
    assert evidence.tile(0, 1) == served_tile(signed.store, ORG, 0, 1, width=evidence.checkpoint.size - TILE)


def test_what_is_not_seen_is_in_no_evidence(signed: SignedLog) -> None:
    """Neither a row, nor a bundle that has one, nor a token that nothing seen cites; hashes are nobody's secret."""
    store = signed.store
    evidence = evidence_of(Holdings(store, ORG, lambda category: category != "users", lambda versions: []))
    of_users = [row.seq for row in store.kept(ORG, 0, TILE) if row.body and b'"category":"users"' in row.body]
    others = [
        row.seq for row in store.kept(ORG, 0, TILE) if row.body and b'"category":"users"' not in row.body
    ]
    assert of_users
    assert [row.seq for row in evidence.holdings.kept(others)] == others  # the control
    with pytest.raises(NotFoundError, match="no such entry"):
        list(evidence.holdings.kept([*others, of_users[0]]))
    assert evidence.holdings.tokens_of("user", "u-8") == []
    width = store.head(ORG).size - TILE
    with pytest.raises(NotFoundError, match="no such tile"):
        entry_bundle(store, ORG, 1, width=width, sees=lambda category: category != "users")


def test_the_tokens_of_an_item_are_those_of_every_version(signed: SignedLog) -> None:
    """Of a star every item of the type, but nobody who was erased."""
    evidence = evidence_of(Holdings(signed.store, ORG, everything, list))
    versions = signed.store.identities(ORG, [("user", "u-8", None)])
    tokens = evidence.holdings.tokens_of("user", "u-8")
    assert tokens == sorted(version.token for version in versions)
    every = evidence.holdings.tokens_of("user", "*")
    assert set(tokens) < set(every)
    assert every == sorted(every)
    stubs = {i.token for i in signed.store.every_identity(ORG) if i.id is None}
    assert stubs
    assert stubs.isdisjoint(every)
    assert {i.token for i in evidence.holdings.identities([*tokens, *stubs])} == {*tokens, *stubs}
    erase(signed, "u-8")
    assert evidence.holdings.tokens_of("user", "u-8") == []
    assert set(evidence.holdings.tokens_of("user", "*")) == set(every) - set(tokens)


def test_a_manifest_that_is_gone_is_damage(signed: SignedLog) -> None:
    evidence = evidence_of(Holdings(signed.store, ORG, everything, list))
    digest = next(key for kind, key in signed.store.blob_names(ORG) if kind == "erasure")
    assert sha256(evidence.holdings.manifest("erasure", digest)).hexdigest() == digest
    with pytest.raises(DamagedError, match="the removal manifest"):
        evidence.holdings.manifest("removal", digest)
