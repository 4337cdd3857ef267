"""Erasing a person: nothing that names them can be read any more, and every proof still verifies."""

from pathlib import Path

import msgspec
import pytest
from msgspec import structs
from tests.retention.canary import GONE, SECRETS, about, files, hits, stored

from trailbook import Item, Query, operator
from trailbook.errors import InvalidError, NotFoundError
from trailbook.proofs.evidence import proof_file
from trailbook.query import from_params
from trailbook.record.canonical import decode_body, item_preimage, token_of
from trailbook.testing import FrozenClock
from trailbook.testing.small import ANNA, ORG, WEB, assigned, grow, opened, person
from trailbook.testing.trees import tree_faults
from trailbook.tree.checkpoint import parse_proof
from trailbook.tree.merkle import leaf_hash, verify_inclusion

VIEWER = operator(ORG)
MANAGER = Item(type="role", id="r-3", name="Manager")
HINTS = [b"canary ladder", b"Canary Choir", b"Keeper of Keys"]


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


def test_after_an_erasure_nothing_that_names_the_person_can_be_read(
    tmp_path: Path, clock: FrozenClock
) -> None:
    """Name, id, address, agent and personal items' ids are gone from every file at once."""
    log = opened(tmp_path, clock).create(ORG)
    grow(log, clock, 400)
    log.record_many(about(clock))
    grow(log, clock, 400, first=1000)
    assert set(hits(tmp_path)) == set(SECRETS)  # the control: they were all there
    log.erase(GONE, actor=ANNA, origin=WEB, purpose="data_subject_request")
    assert hits(tmp_path) == []


def test_what_the_host_said_before_goes_too(tmp_path: Path, clock: FrozenClock) -> None:
    """A hint that was overwritten long since stands in old pages until then; those of others stay."""
    log = opened(tmp_path, clock).create(ORG)
    for hint in ("Cook at the canary ladder", "Piper in the Canary Choir"):
        gone = structs.replace(GONE, hint=hint)
        about_them = {"member": [gone, Item(type="user", id="u-1", name="Bob Li", hint="Keeper of Keys")]}
        log.record("role.assigned", actor=ANNA, target=MANAGER, concerns=about_them, origin=WEB)
    assert [text in files(tmp_path) for text in HINTS] == [True] * 3
    log.erase(GONE, actor=ANNA, origin=WEB)
    assert [text in files(tmp_path) for text in HINTS] == [False, False, True]
    assert log.item("user", "u-1", viewer=VIEWER).hint == "Keeper of Keys"  # type: ignore[union-attr]


def test_every_old_proof_still_verifies(tmp_path: Path, clock: FrozenClock) -> None:
    deployment = opened(tmp_path, clock)
    log = deployment.create(ORG)
    grow(log, clock, 300)
    log.record_many(about(clock))
    signed = deployment.signer().sign(ORG)
    store = stored(tmp_path)
    before = [(store.kept_at(ORG, [seq])[0].body, proof_file(store, ORG, seq)) for seq in (0, 299, 300, 301)]
    log.erase(GONE, actor=ANNA, origin=WEB)
    assert signed is not None
    for body, file in before:
        proof = parse_proof(file)
        assert body is not None
        assert store.kept_at(ORG, [proof.index])[0].body == body
        verify_inclusion(leaf_hash(body), proof.hashes, index=proof.index, size=302, root=signed.root)
    assert tree_faults(store, ORG) == []
    assert deployment.signer().sign(ORG) is not None


def test_the_erased_entry_cites_a_manifest_of_every_token(tmp_path: Path, clock: FrozenClock) -> None:
    log = opened(tmp_path, clock).create(ORG)
    log.record_many(about(clock))
    store = stored(tmp_path)
    persons = {i.item for i in store.identities(ORG, [("user", GONE.id, None)])}
    tokens = {i.token for i in store.every_identity(ORG) if i.item in persons or i.owner in persons}
    receipt = log.erase(GONE, actor=ANNA, origin=WEB)
    assert receipt.seq is not None
    body = decode_body(store.kept_at(ORG, [receipt.seq])[0].body or b"")
    target = store.identities_of(ORG, [body.target])[0].id or ""
    manifest = store.blob(ORG, "erasure", target.partition("-")[2])
    assert manifest is not None
    assert set(msgspec.json.decode(manifest)["tokens"]) == tokens
    assert body.concerns[0].item in tokens
    assert len(tokens) == 4  # two names, one origin, one absence


def test_an_erased_person_reads_as_one_stable_pseudonym(tmp_path: Path, clock: FrozenClock) -> None:
    log = opened(tmp_path, clock).create(ORG)
    log.record_many(about(clock))
    log.erase(GONE, actor=ANNA, origin=WEB)
    page = log.search(Query(), viewer=VIEWER)
    names = {e.target.pseudonym for e in page.entries if e.target.type == "user"}
    assert len(names) == 1
    assert any("updated their own profile" in e.sentence for e in page.entries)
    assert all(e.link is None for e in page.entries if e.target.erased)
    assert log.items("kanarifugl", viewer=VIEWER) == []
    assert log.count(from_params([("text", "gulefjær")]), viewer=VIEWER)[0] == 0
    assert log.count(from_params([("concerns", f"user/{GONE.id}")]), viewer=VIEWER)[0] == 0


def test_others_are_found_as_before(tmp_path: Path, clock: FrozenClock) -> None:
    """The control of the pseudonym: an erasure reaches nobody else."""
    log = opened(tmp_path, clock).create(ORG)
    grow(log, clock, 3)
    log.record_many(about(clock))
    log.erase(GONE, actor=ANNA, origin=WEB)
    items = log.items("zebedee", viewer=VIEWER)
    assert [f.id for f in items] == ["u-100", "u-101", "u-102"]
    assert log.count(from_params([("concerns", "user/u-101")]), viewer=VIEWER)[0] == 1


def test_guesses_do_not_open_kept_tokens(tmp_path: Path, clock: FrozenClock) -> None:
    """Without the salt, neither zero, random nor another item's salt opens the token of a known name and id."""
    log = opened(tmp_path, clock).create(ORG)
    log.record_many(about(clock))
    store = stored(tmp_path)
    before = next(i for i in store.identities(ORG, [("user", GONE.id, None)]) if i.name == GONE.name)
    assert token_of(item_preimage(GONE), before.salt or b"") == before.token  # the control: the salt opens it
    log.erase(GONE, actor=ANNA, origin=WEB)
    kept = {i.token for i in store.every_identity(ORG)}
    salts = [bytes(16), *(i.salt for i in store.every_identity(ORG) if i.salt is not None)][:10]
    names = [f"Kanarifugl Gulefjær{n or ''}" for n in range(120)]
    people = (Item(type="user", id=f"canary-id-{n}", name=name) for n in range(3000, 5000) for name in names)
    preimages = (item_preimage(person) for person in people)
    tried = 0
    for preimage in preimages:
        assert not any(token_of(preimage, salt) in kept for salt in salts)
        tried += len(salts)
    assert tried >= 1_000_000


def test_recorded_again_the_person_is_somebody_new(tmp_path: Path, clock: FrozenClock) -> None:
    log = opened(tmp_path, clock).create(ORG)
    log.record_many(about(clock))
    store = stored(tmp_path)
    old = {i.token for i in store.every_identity(ORG)}
    old_items = {i.item for i in store.identities(ORG, [("user", GONE.id, None)])}
    log.erase(GONE, actor=ANNA, origin=WEB)
    log.record_many(about(clock)[:1])
    new = store.identities(ORG, [("user", GONE.id, None)])
    assert new
    assert not {i.token for i in new} & old
    assert not {i.item for i in new} & old_items
    assert log.count(from_params([("concerns", f"user/{GONE.id}")]), viewer=VIEWER)[0] == 1


def test_a_repeated_id_is_a_replay_once_its_person_is_erased(tmp_path: Path, clock: FrozenClock) -> None:
    """Contents cannot be compared any more, so the id alone decides."""
    log = opened(tmp_path, clock).create(ORG)
    first = log.record_many([assigned(clock, 7)])[0]
    again = msgspec.structs.replace(assigned(clock, 8), id=first.id)
    assert log.record_each([again])[0].refused is not None  # the control: it was a conflict
    log.erase(person(7), actor=ANNA, origin=WEB)
    outcome = log.record_each([again])[0]
    assert outcome.receipt is not None
    assert outcome.receipt.replayed


def test_who_cannot_be_erased(tmp_path: Path, clock: FrozenClock) -> None:
    log = opened(tmp_path, clock).create(ORG)
    log.record_many([assigned(clock, 7)])
    size = log.size(viewer=VIEWER)
    with pytest.raises(InvalidError, match="only persons"):
        log.erase(Item(type="role", id="r-3"), actor=ANNA, origin=WEB)
    with pytest.raises(NotFoundError):
        log.erase(Item(type="user", id="u-unknown"), actor=ANNA, origin=WEB)
    assert log.size(viewer=VIEWER) == size
    log.erase(person(7), actor=ANNA, origin=WEB)
    with pytest.raises(NotFoundError):
        log.erase(person(7), actor=ANNA, origin=WEB)
