"""Bundles of a real log, judged by the single-file verifier that travels in them."""

import io
import json
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import apsw
import pytest

from trailbook import Actor, Item, Log, NewEntry, Viewer, operator
from trailbook.deployment.deployment import Deployment
from trailbook.errors import (
    ExportFailedError,
    FilterInvalidError,
    NotCheckpointedError,
    NotPermittedError,
)
from trailbook.export import bundle as bundles
from trailbook.export.bundle import BundleKeys, write_bundle
from trailbook.export.cut import BundleRequest
from trailbook.query import Query, from_params
from trailbook.retention.removal import Retention
from trailbook.stores.sqlite.bodies import unpacked
from trailbook.testing import FrozenClock
from trailbook.testing.small import ANNA, ORG, WEB, assigned, grow, opened, person
from trailbook.tree.checkpoint import format_vkey

VERIFIER = Path(__file__).parents[2] / "src" / "trailbook" / "export" / "trailbook_verify.py"
OPERATOR = operator(ORG)
FILTERS: list[list[tuple[str, str]]] = [
    [],
    [("concerns", "user/u-160")],
    [("category", "users")],
    [("category", "roles"), ("from", "2026-11-01")],
    [("from", "2029-12-01"), ("action.not", "role.*")],
    [("target", "role/*"), ("actor_kind", "person")],
    [("date", "last-year")],
    [("by_or_about", "user/u-17"), ("outcome.not", "denied")],
]


def lived(folder: Path) -> tuple[Deployment, Log, FrozenClock]:
    """A signed log with removed bodies, an erased person, and entries after the last signed head."""
    clock = FrozenClock()
    deployment = opened(folder, clock)
    log = deployment.create(ORG)
    grow(log, clock, 40)
    clock.move(timedelta(days=1200))
    grow(log, clock, 300, first=130)
    gone = Actor(kind="person", type="user", id="u-150", name="Zebedee Quixote150")
    own = NewEntry(
        action="user.profile_updated", occurred_at=clock(), actor=gone, target=person(150), origin=WEB
    )
    log.record_many([own])
    log.erase(person(150), actor=ANNA, origin=WEB)
    log.prune(Retention(kept_for="extended", before=clock() - timedelta(days=1)), actor=ANNA, origin=WEB)
    deployment.signer().sign(ORG)
    grow(log, clock, 5, first=3000)
    return deployment, log, clock


def keys(deployment: Deployment) -> BundleKeys:
    """The key of the manifest and those of the checkpoints."""
    return BundleKeys(deployment.signing.keyring.signers(f"log.example/{ORG}")[0], deployment.key_ranges(ORG))


def bundle(deployment: Deployment, log: Log, request: BundleRequest) -> tuple[bytes, int]:
    """The bytes of a bundle, and how many entries match."""
    with NamedTemporaryFile() as file, open(file.name, "w+b") as out:
        count = write_bundle(log, request, out, viewer=OPERATOR, keys=keys(deployment)).count
        return Path(file.name).read_bytes(), count


def verdict(raw: bytes, folder: Path, deployment: Deployment) -> tuple[int, Any]:
    """What the verifier says of a bundle, run as an auditor runs it: isolated, with a key of their own."""
    (folder / "bundle.zip").write_bytes(raw)
    key = format_vkey(deployment.verifier_keys(ORG)[0])
    command = [sys.executable, "-I", str(VERIFIER), str(folder / "bundle.zip"), "--key", key, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, json.loads(done.stdout)


def repacked(raw: bytes, name: str, change: Any) -> bytes:
    """The same bundle with one file's content changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.namelist():
            content = old.read(member)
            new.writestr(member, change(content) if member == name else content)
    return out.getvalue()


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> tuple[Deployment, Log, FrozenClock]:
    return lived(tmp_path_factory.mktemp("log"))


@pytest.mark.parametrize("redacted", [False, True])
@pytest.mark.parametrize("params", FILTERS)
@pytest.mark.parametrize("kind", ["inclusion", "closed"])
def test_every_bundle_holds_before_the_verifier_it_carries(
    life: tuple[Deployment, Log, FrozenClock], tmp_path: Path, kind: Any, params: Any, redacted: bool
) -> None:
    deployment, log, _ = life
    query = from_params(params)
    raw, count = bundle(deployment, log, BundleRequest(kind=kind, query=query, redacted=redacted))
    signed = log.evidence(viewer=OPERATOR).checkpoint.size
    assert count == log.count(from_params([*params, ("as_of", str(signed))]), viewer=OPERATOR)[0]
    exit_code, answer = verdict(raw, tmp_path, deployment)
    assert (exit_code, answer["findings"]) == (0, [])


@pytest.mark.parametrize("kind", ["inclusion", "closed"])
def test_what_somebody_had_stays_in_the_store(life: tuple[Deployment, Log, FrozenClock], kind: Any) -> None:
    """A bundle has the manifest of an erasure, and nothing of the list that it binds but a salted digest."""
    deployment, log, _ = life
    store = deployment._store
    (kept,) = [store.blob(ORG, *name) or b"" for name in store.blob_names(ORG) if name[0] == "stubs"]
    raw, _ = bundle(deployment, log, BundleRequest(kind=kind, query=Query()))
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    (manifest,) = [content for name, content in contents.items() if name.startswith("erasures/")]
    assert json.loads(manifest)["v"] == 2
    secret = [
        kept[:16],
        *(b'"%s","%s"' % (row[0].encode(), row[1].encode()) for row in json.loads(kept[16:])),
    ]
    assert all(text in kept for text in secret)  # the control
    assert not any(text in content for text in secret for content in contents.values())


def test_an_address_stands_in_no_manifest(life: tuple[Deployment, Log, FrozenClock], tmp_path: Path) -> None:
    """An inclusion bundle says that there was one, once; a closed one, which is checked again, is not made."""
    deployment, log, _ = life
    query = from_params(
        [("ip", "192.0.2.7"), ("ip", "198.51.100.0/24"), ("category", "roles"), ("ip.not", "::/0")]
    )
    raw, count = bundle(deployment, log, BundleRequest(kind="inclusion", query=query))
    assert count == 300
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        manifest = archive.read("manifest.note").decode()
    assert json.loads(manifest.partition("\n\n")[0])["filter"] == [
        ["category", "roles"],
        ["ip", ""],
        ["ip.not", ""],
    ]
    assert "Roles, IP address: not named here, IP address not: not named here" in manifest
    assert not any(address in manifest for address in ("192.0.2", "198.51", "::/0"))
    assert verdict(raw, tmp_path, deployment)[0] == 0
    with pytest.raises(FilterInvalidError, match="ip: cannot be checked again"):
        bundle(deployment, log, BundleRequest(kind="closed", query=query))
    bundle(deployment, log, BundleRequest(kind="closed", query=from_params([("category", "roles")])))


@pytest.mark.parametrize("kind", ["inclusion", "closed"])
def test_a_changed_outcome_is_named_with_its_seq(
    life: tuple[Deployment, Log, FrozenClock], tmp_path: Path, kind: Any
) -> None:
    deployment, log, _ = life
    raw, _ = bundle(deployment, log, BundleRequest(kind=kind, query=Query()))
    lied = repacked(raw, "bodies.tsv", lambda text: text.replace(b'"success"', b'"failure"', 1))
    exit_code, answer = verdict(lied, tmp_path, deployment)
    assert exit_code == 1
    assert ("changed", 40) in {(finding["verdict"], finding.get("seq")) for finding in answer["findings"]}


def test_a_swapped_name_and_a_dropped_row_are_found(
    life: tuple[Deployment, Log, FrozenClock], tmp_path: Path
) -> None:
    deployment, log, _ = life
    raw, _ = bundle(deployment, log, BundleRequest(kind="closed", query=Query()))
    renamed = repacked(raw, "identities.ndjson", lambda text: text.replace(b"Quixote160", b"Quixote161", 1))
    assert verdict(renamed, tmp_path, deployment)[0] == 1
    dropped = repacked(raw, "bodies.tsv", lambda text: text.replace(text.split(b"\n")[50] + b"\n", b"", 1))
    findings = verdict(dropped, tmp_path, deployment)[1]["findings"]
    assert "missing" in {finding["verdict"] for finding in findings}


def test_nothing_of_an_erased_person_is_in_a_bundle(life: tuple[Deployment, Log, FrozenClock]) -> None:
    """With the control that others' names are."""
    deployment, log, _ = life
    raw, _ = bundle(deployment, log, BundleRequest(kind="closed", query=Query()))
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        text = b"".join(archive.read(name) for name in archive.namelist())
    assert b"Quixote150" not in text
    assert b"Quixote151" in text


def test_a_redacted_bundle_names_nobody(life: tuple[Deployment, Log, FrozenClock]) -> None:
    deployment, log, _ = life
    raw, _ = bundle(deployment, log, BundleRequest(kind="closed", query=Query(), redacted=True))
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        text = b"".join(archive.read(name) for name in archive.namelist())
    assert b"Quixote" not in text
    assert b"Anna Berg" not in text


def test_who_may_not_read_proofs_gets_no_bundle(life: tuple[Deployment, Log, FrozenClock]) -> None:
    deployment, log, _ = life
    reader = Viewer(org=ORG, item=Item(type="user", id="u-17"), activity_log="full")
    with pytest.raises(NotPermittedError, match="Read proofs"):
        write_bundle(
            log,
            BundleRequest(kind="closed", query=Query()),
            io.BytesIO(),
            viewer=reader,
            keys=keys(deployment),
        )


def test_what_a_bundle_cannot_hold_is_refused(life: tuple[Deployment, Log, FrozenClock]) -> None:
    deployment, log, _ = life
    for params in ([("text", "anna")], [("self", "true")]):
        with pytest.raises(FilterInvalidError, match="closed"):
            bundle(deployment, log, BundleRequest(kind="closed", query=from_params(params)))
        assert bundle(deployment, log, BundleRequest(kind="inclusion", query=from_params(params)))[1] >= 0
    size = log.size(viewer=OPERATOR)
    with pytest.raises(NotCheckpointedError):
        bundle(deployment, log, BundleRequest(kind="closed", query=Query(as_of=size)))


def test_an_old_bundle_still_verifies_after_an_erasure_and_a_rotation(tmp_path: Path) -> None:
    """Copies made earlier keep their proofs."""
    deployment, log, clock = lived(tmp_path)
    raw, _ = bundle(deployment, log, BundleRequest(kind="closed", query=Query()))
    log.erase(person(160), actor=ANNA, origin=WEB)
    deployment.rotate_keys(tmp_path / "log.db.signing")
    log.record_many([assigned(clock, 9)])
    deployment.signer().sign(ORG)
    assert verdict(raw, tmp_path, deployment)[0] == 0
    new, _ = bundle(deployment, log, BundleRequest(kind="closed", query=Query()))
    (tmp_path / "bundle.zip").write_bytes(new)
    keys = "\n".join(format_vkey(key) for key in deployment.verifier_keys(ORG))
    (tmp_path / "keys.txt").write_text(keys)
    command = [
        sys.executable,
        "-I",
        str(VERIFIER),
        str(tmp_path / "bundle.zip"),
        "--key",
        str(tmp_path / "keys.txt"),
    ]
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


@pytest.mark.parametrize("seq", [41, 200, 339])
def test_both_verifiers_name_the_same_entry(
    tmp_path: Path, seq: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package on the log and the single file on its bundle agree, before a body is changed and after.

    The bundle of the changed log is not handed out, by the verdict of the same file; unchecked it would be.
    """
    deployment, log, _ = lived(tmp_path)
    raw, _ = bundle(deployment, log, BundleRequest(kind="closed", query=Query()))
    assert deployment.verify(ORG).findings == ()
    assert verdict(raw, tmp_path, deployment)[0] == 0
    place = "place & 0xFFFFFFFFFF = ?"
    database = apsw.Connection(str(tmp_path / "log.db"))
    body = database.execute(f"SELECT body FROM entry WHERE {place}", (seq,)).get
    lied = unpacked(body).replace(b'"success"', b'"failure"')
    assert lied != unpacked(body)
    database.execute(f"UPDATE entry SET body = ? WHERE {place}", (lied, seq))
    database.close()
    package = [f for f in deployment.verify(ORG).findings if f.verdict == "changed"]
    closed = BundleRequest(kind="closed", query=Query())
    with pytest.raises(ExportFailedError, match="not handed out: changed, entry") as refused:
        bundle(deployment, log, closed)
    monkeypatch.setattr(bundles, "require_sound", lambda file, ranges, progress: None)
    answer = verdict(bundle(deployment, log, closed)[0], tmp_path, deployment)[1]
    first = answer["findings"][0]
    assert f"entry {first['seq']}: {first['file']} {first['detail']}" in refused.value.detail
    single = [finding for finding in answer["findings"] if finding["verdict"] == "changed"]
    assert any((f.seq or 0) <= seq < (f.stop or (f.seq or 0) + 1) for f in package)
    assert any(finding["seq"] <= seq <= finding.get("last", finding["seq"]) for finding in single)
    if seq < 256:  # its leaf stands in a complete tile, so both say exactly which entry it is
        assert [(f.seq, f.stop) for f in package] == [(seq, None)]
        assert {finding["seq"] for finding in single} == {seq}
