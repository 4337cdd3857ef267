"""Erasing a person, removing by retention, and going on from a backup (R9, R14, F9, F22, G15)."""

import shutil
from datetime import timedelta
from pathlib import Path

import apsw
import msgspec
import pytest

from trailbook import Actor, Item, Log, NewEntry, Origin, Query, operator
from trailbook.errors import EntryExpiredError, InvalidError, NotFoundError
from trailbook.proofs.evidence import proof_file
from trailbook.query import from_params
from trailbook.record.canonical import decode_body, item_preimage, token_of
from trailbook.retention.removal import Retention
from trailbook.stores import Store, open_store
from trailbook.testing import FrozenClock
from trailbook.testing.small import ANNA, ORG, WEB, assigned, grow, opened, person
from trailbook.testing.trees import tree_faults
from trailbook.tree.checkpoint import parse_proof
from trailbook.tree.merkle import leaf_hash, verify_inclusion

VIEWER = operator(ORG)
GONE = Item(type="user", id="canary-id-4711", name="Kanarifugl Gulefjær")
PLACE = Origin(interface="web", ip="198.51.100.77", user_agent="CanaryAgent/9.1 (x)")
SECRETS = [b"canary-id-4711", b"Kanarifugl", "Gulefjær".encode(), b"gulefjaer", b"kanarifugl"]
SECRETS += [b"198.51.100.77", b"CanaryAgent", b"canary-absence-1"]


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


def about(clock: FrozenClock) -> list[NewEntry]:
    """What the person did and what was done about them: own origin, a renamed self, a personal item."""
    gone = Actor(kind="person", type=GONE.type, id=GONE.id, name=GONE.name)
    own, by_anna = {"occurred_at": clock(), "origin": PLACE}, {"occurred_at": clock(), "origin": WEB}
    absence = {"type": "absence", "id": "canary-absence-1"}
    owner = {"part": "owner", "type": GONE.type, "id": GONE.id, "name": "Kanarifugl Nyttnavn"}
    return [
        NewEntry(action="user.profile_updated", actor=gone, target=GONE, **own),
        NewEntry(
            action="absence.registered",
            actor=ANNA,
            target=Item(**absence),
            concerns=(msgspec.convert(owner, type=assigned(clock, 1).concerns[0].__class__),),
            **by_anna,
        ),
    ]


def files(folder: Path) -> bytes:
    """Every byte of the database's files."""
    return b"".join(file.read_bytes() for file in folder.glob("log.db*") if file.is_file())


def hits(folder: Path) -> list[bytes]:
    """Which secrets of the person can be read in the files."""
    written = files(folder)
    return [secret for secret in SECRETS if secret in written]


def stored(folder: Path) -> Store:
    """The store of a folder, opened apart."""
    return open_store(f"sqlite:///{folder}/log.db")[0]


def test_after_an_erasure_nothing_that_names_the_person_can_be_read(
    tmp_path: Path, clock: FrozenClock
) -> None:
    """R14, G15: name, id, address, agent and personal items' ids are gone from every file at once."""
    log = opened(tmp_path, clock).create(ORG)
    grow(log, clock, 400)
    log.record_many(about(clock))
    grow(log, clock, 400, first=1000)
    assert set(hits(tmp_path)) == set(SECRETS)  # the control: they were all there
    log.erase(GONE, actor=ANNA, origin=WEB, purpose="data_subject_request")
    assert hits(tmp_path) == []


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
    found = log.items("zebedee", viewer=VIEWER)
    assert [f.id for f in found] == ["u-100", "u-101", "u-102"]
    assert log.count(from_params([("concerns", "user/u-101")]), viewer=VIEWER)[0] == 1


def test_guesses_do_not_open_kept_tokens(tmp_path: Path, clock: FrozenClock) -> None:
    """G15: without the salt, neither zero, random nor another item's salt opens the token of a known name and id."""
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
    """F9: contents cannot be compared any more, so the id alone decides."""
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


def old_and_new(folder: Path, clock: FrozenClock) -> Log:
    """Forty entries of long ago and forty of now, in a log on disk."""
    log = opened(folder, clock).create(ORG)
    grow(log, clock, 40)
    clock.move(timedelta(days=1200))
    grow(log, clock, 40, first=500)
    return log


def test_removal_takes_what_is_due_and_cites_it(tmp_path: Path, clock: FrozenClock) -> None:
    """R9: bodies of the class go, leaf hashes stay, the manifest names each seq, all other proofs verify."""
    log = old_and_new(tmp_path, clock)
    gone = log.search(from_params([("order", "asc")][:0]), viewer=VIEWER, order="asc", limit=1).entries[0]
    store = stored(tmp_path)  # with an entry of that reading
    leaves = [leaf_hash(row.body or b"") for row in store.kept(ORG, 0, 40)]
    receipt = log.prune(
        Retention(kept_for="extended", before=clock() - timedelta(days=1)), actor=ANNA, origin=WEB
    )
    rows = list(store.kept(ORG, 0, 82))
    assert [row.leaf for row in rows[:40]] == leaves
    assert all(row.body is not None for row in rows[40:])
    assert receipt.seq == 81
    manifest = store.blob(
        ORG, "removal", store.identities_of(ORG, [decode_body(rows[81].body or b"").target])[0].id or ""
    )
    assert msgspec.json.decode(manifest or b"")["seqs"] == [[0, 39]]
    assert tree_faults(store, ORG) == []
    assert log.count(Query(), viewer=VIEWER)[0] == 42
    with pytest.raises(EntryExpiredError):
        log.show(msgspec.convert(gone.id, type=receipt.id.__class__), viewer=VIEWER)


def test_removal_sweeps_identities_that_no_kept_body_cites(tmp_path: Path, clock: FrozenClock) -> None:
    log = old_and_new(tmp_path, clock)
    assert b"Quixote139" in files(tmp_path)
    log.prune(Retention(kept_for="extended", before=clock() - timedelta(days=1)), actor=ANNA, origin=WEB)
    written = files(tmp_path)
    assert b"Quixote139" not in written
    assert b"Quixote539" in written
    assert log.items("zebedee quixote139", viewer=VIEWER) == []
    assert log.items("manager", viewer=VIEWER)  # still cited by what is kept


def test_removal_refuses_what_is_not_due(tmp_path: Path, clock: FrozenClock) -> None:
    log = old_and_new(tmp_path, clock)
    for kept_for, back in (("permanent", 1), ("weekly", 1), ("extended", 5000), ("standard", 1)):
        with pytest.raises(InvalidError, match="retention"):
            log.prune(
                Retention(kept_for=kept_for, before=clock() - timedelta(days=back)), actor=ANNA, origin=WEB
            )
    assert log.count(Query(), viewer=VIEWER)[0] == 80


def test_another_process_notices_a_removal(tmp_path: Path, clock: FrozenClock) -> None:
    log = old_and_new(tmp_path, clock)
    other = opened(tmp_path, clock, create=False).log(ORG)
    assert other.count(Query(), viewer=VIEWER)[0] == 80
    log.prune(Retention(kept_for="extended", before=clock() - timedelta(days=1)), actor=ANNA, origin=WEB)
    assert other.count(Query(), viewer=VIEWER)[0] == 41


def test_a_restored_backup_goes_on_only_as_a_declared_restart(tmp_path: Path, clock: FrozenClock) -> None:
    """F22, record.md 5: new origin, an entry that cites what was lost, and erased stays erased."""
    deployment = opened(tmp_path, clock)
    log = deployment.create(ORG)
    grow(log, clock, 30)
    log.record_many(about(clock))
    deployment.signer().sign(ORG)
    deployment.backup(tmp_path / "backup.db")
    log.erase(GONE, actor=ANNA, origin=WEB)
    grow(log, clock, 5, first=700)
    lost = deployment.signer().sign(ORG)
    deployment.close()
    for name in ("log.db", "log.db-wal", "log.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.db", tmp_path / "log.db")
    (tmp_path / "backup.db").unlink()
    restored = opened(tmp_path, clock, create=False)
    outside = tmp_path / "outside.txt"
    assert set(hits(tmp_path)) == set(SECRETS)  # the backup still had the person
    assert list(restored.behind(outside)) == [ORG]
    done = restored.restart(outside)[0]
    assert (done.lost, done.origin, done.erased_again) == ((32, 38), "log.example/acme/1", 1)
    assert hits(tmp_path) == []
    store = stored(tmp_path)
    assert lost is not None
    first = decode_body(store.kept_at(ORG, [32])[0].body or b"")
    assert first.action == "activity_log.restarted"
    assert store.identities_of(ORG, [first.target])[0].id == f"38-{lost.root.hex()}"
    signed = restored.signer().sign(ORG)
    assert signed is not None
    assert signed.origin == "log.example/acme/1"
    assert restored.behind(outside) == {}
    assert restored.restart(outside) == []
    assert tree_faults(store, ORG) == []


def test_a_whole_copy_needs_no_restart(tmp_path: Path, clock: FrozenClock) -> None:
    """The control: a copy that reaches the last outside checkpoint goes on as it is."""
    deployment = opened(tmp_path, clock)
    grow(deployment.create(ORG), clock, 30)
    deployment.signer().sign(ORG)
    assert deployment.behind(tmp_path / "outside.txt") == {}
    assert deployment.restart(tmp_path / "outside.txt") == []


def test_a_backup_is_whole_while_others_write_and_never_overwrites(
    tmp_path: Path, clock: FrozenClock
) -> None:
    deployment = opened(tmp_path, clock)
    log = deployment.create(ORG)
    grow(log, clock, 300)
    steps: list[tuple[int, int]] = []
    deployment.backup(tmp_path / "copy.db", lambda done, total: steps.append((done, total)))
    grow(log, clock, 10, first=900)
    copy = open_store(f"sqlite:///{tmp_path}/copy.db")[0]
    assert copy.head(ORG).size == 300
    assert tree_faults(copy, ORG) == []
    assert steps[-1][0] == steps[-1][1]
    with pytest.raises(Exception, match="never overwrites"):
        deployment.backup(tmp_path / "copy.db")
    assert apsw.Connection(str(tmp_path / "copy.db")).execute("PRAGMA integrity_check").get == "ok"


def test_what_the_removal_itself_cites_stays(tmp_path: Path) -> None:
    """R9: with every other entry removed, the one that says so can still be read, and the log verifies."""
    clock = FrozenClock()
    deployment = opened(tmp_path, clock)
    log = deployment.create(ORG)
    grow(log, clock, 5)
    clock.move(timedelta(days=1))
    asked = Retention(kept_for="extended", before=clock())
    log.prune(asked, actor=ANNA, origin=Origin(interface="cli"))
    shown = list(log.rows(Query(), viewer=VIEWER))
    assert [entry.action for entry in shown] == ["activity_log.pruned"]
    assert shown[0].actor.name == ANNA.name
    deployment.signer().sign(ORG)
    assert deployment.verify(ORG).findings == ()
    deployment.close()
