"""What a bundle holds, told before it is made and in it, and who may ask; and the keys with the sizes they sign."""

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest
from msgspec import structs
from test_bundle import FILTERS, OPERATOR, keys, lived, verdict

from trailbook import Item, Log, NewEntry, Query, Viewer
from trailbook.administration import By, add_role
from trailbook.deployment.deployment import Deployment
from trailbook.errors import (
    FilterInvalidError,
    NotCheckpointedError,
    NotPermittedError,
    TooManyExportsError,
)
from trailbook.export.bundle import verify_file, write_bundle
from trailbook.export.cut import BundleFigures, BundleRequest, bundle_figures, figures_in_words
from trailbook.export.orders import order_of
from trailbook.export.runner import BUNDLES, EVERY_FORMAT, MOST_COUNTED, ExportRequest, Runner
from trailbook.proofs import Signing
from trailbook.query import from_params
from trailbook.stores import Blob, Store, open_store
from trailbook.testing import FrozenClock
from trailbook.testing.small import ANNA, ORG, WEB, assigned, grow, opened, person
from trailbook.testing.trees import head_root
from trailbook.tree import Checkpoint, format_note, format_range, sign_checkpoint
from trailbook.tree.checkpoint import format_vkey

Life = tuple[Deployment, Log, FrozenClock]
EVERYBODY = Viewer(org=ORG, item=Item(type="user", id="u-1"), activity_log="full", read_proofs="full")
INCLUSION = BundleRequest(query=Query())


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return lived(tmp_path_factory.mktemp("log"))


def written(
    life: Life, request: BundleRequest, viewer: Viewer = OPERATOR
) -> tuple[dict[str, bytes], BundleFigures]:
    """The files of a bundle, and what its writer says that it holds."""
    deployment, log, _ = life
    with NamedTemporaryFile() as file, open(file.name, "w+b") as out:
        figures = write_bundle(log, request, out, viewer=viewer, keys=keys(deployment))
        raw = Path(file.name).read_bytes()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {
            "bundle": raw,
            **{name: archive.read(name) for name in archive.namelist()},
        }, figures


def manifest_of(files: dict[str, bytes]) -> dict[str, Any]:
    text: dict[str, Any] = json.loads(files["manifest.note"].rpartition(b"\n\n")[0])
    return text


def recounted(files: dict[str, bytes]) -> tuple[int, int]:
    """Both figures from the lines of a bundle alone."""
    opened_ = {json.loads(line)["token"] for line in files.get("identities.ndjson", b"").splitlines()}
    matching = {seq for low, high in json.loads(files["matching.json"]) for seq in range(low, high + 1)}
    held = named = 0
    for line in files["bodies.tsv"].splitlines():
        seq, _, body = line.partition(b"\t")
        if not body.startswith(b"-\t"):
            entry = json.loads(body)
            names = {entry["actor"]["item"], entry["target"], entry.get("on_behalf_of")}
            names |= {concern["item"] for concern in entry.get("concerns", ())}
            held, named = held + 1, named + (int(seq) not in matching and bool(names & opened_))
    return held, named


@pytest.mark.parametrize("redacted", [False, True])
@pytest.mark.parametrize("params", FILTERS)
@pytest.mark.parametrize("kind", ["inclusion", "closed"])
def test_the_figures_before_are_those_in_it(life: Life, kind: Any, params: Any, redacted: bool) -> None:
    """Told before, by its writer, by its manifest, by its page and by its lines: the same."""
    size = life[1].evidence(viewer=OPERATOR).checkpoint.size
    query = from_params([*params, ("as_of", str(size))])
    request = BundleRequest(query=query, kind=kind, redacted=redacted)
    before = bundle_figures(life[1], request, viewer=OPERATOR)
    files, after = written(life, request)
    manifest = manifest_of(files)
    assert before == after
    assert (manifest["v"], manifest["held"], manifest["named_outside"]) == (
        2,
        before.held,
        before.named_outside,
    )
    assert (before.held, before.named_outside) == recounted(files)
    assert (before.count, before.as_of) == (manifest["count"], manifest["as_of"])
    words = figures_in_words(before).replace("your filter", "its filter")
    assert words in files["VERIFY.md"].decode().split("\n\n")[1]


def test_a_closed_bundle_names_people_outside_its_filter(life: Life) -> None:
    """Whoever a matching entry names is named wherever else they are in the range; of the kind nobody asked, nobody."""
    query = from_params([("category", "users")])
    closed = bundle_figures(life[1], BundleRequest(query=query, kind="closed"), viewer=OPERATOR)
    assert closed.count < closed.named_outside < closed.held
    inclusion = bundle_figures(life[1], BundleRequest(query=query), viewer=OPERATOR)
    assert inclusion.held - inclusion.count == inclusion.named_outside <= 2  # witnesses


def test_what_is_not_signed_yet_is_counted(tmp_path: Path) -> None:
    """Before the first signature, too; the bundle that is made once it is signed holds just that."""
    clock = FrozenClock()
    deployment = opened(tmp_path, clock)
    log = deployment.create(ORG)
    grow(log, clock, 30)
    request = BundleRequest(query=from_params([("as_of", "30"), ("concerns", "user/u-101")]), kind="closed")
    before = bundle_figures(log, request, viewer=OPERATOR)
    assert before == BundleFigures(kind="closed", as_of=30, count=1, held=30, named_outside=29)
    with pytest.raises(NotCheckpointedError):
        written((deployment, log, clock), request)
    grow(log, clock, 1, first=500)
    deployment.signer().sign(ORG)
    assert written((deployment, log, clock), request)[1] == before
    deployment.close()


def test_figures_in_words() -> None:
    figures = BundleFigures(kind="closed", as_of=9_000, count=94, held=2_744, named_outside=406)
    assert figures_in_words(figures) == (
        "holds 2,744 entries of all categories; 406 outside your filter can be read by name"
    )
    alone = structs.replace(figures, kind="inclusion", held=1, named_outside=0)
    assert figures_in_words(alone) == "holds 1 entry; 0 outside your filter can be read by name"


def test_inclusion_is_what_nobody_has_to_ask_for(life: Life) -> None:
    """Library and orders: without a kind, it is the one that shows least."""
    assert INCLUSION.kind == "inclusion"
    assert manifest_of(written(life, INCLUSION)[0])["kind"] == "inclusion"
    assert (BUNDLES["bundle"], EVERY_FORMAT[-3:]) == (
        "inclusion",
        ("bundle", "bundle-inclusion", "bundle-closed"),
    )


@pytest.mark.parametrize("withheld", [("roles",), ("salary",)], ids=["there", "not-there"])
def test_a_closed_bundle_is_for_those_from_whom_nothing_is_withheld(
    life: Life, withheld: tuple[str, ...]
) -> None:
    """Asked where it is written and where it is counted, and of the permission alone: no entry is of salary here."""
    closed = BundleRequest(query=Query(), kind="closed")
    restricted = tuple(name for name, c in life[1].catalogue.categories.items() if c.restricted)
    everything = structs.replace(EVERYBODY, restricted=restricted)
    kept_from = structs.replace(everything, withheld=withheld)
    assert restricted
    for viewer in (kept_from, EVERYBODY):
        with pytest.raises(NotPermittedError, match="nothing withheld"):
            written(life, closed, viewer)
        with pytest.raises(NotPermittedError, match="nothing withheld"):
            bundle_figures(life[1], closed, viewer=viewer)
        assert written(life, INCLUSION, viewer)[1].held > 0
    assert written(life, closed, everything)[1] == bundle_figures(
        life[1],
        BundleRequest(query=Query(as_of=written(life, closed)[1].as_of), kind="closed"),
        viewer=everything,
    )


def test_figures_need_what_the_bundle_needs(life: Life) -> None:
    """Proofs; and a filter that can be applied again."""
    reader = Viewer(org=ORG, item=Item(type="user", id="u-17"), activity_log="full")
    with pytest.raises(NotPermittedError, match="Read proofs"):
        bundle_figures(life[1], INCLUSION, viewer=reader)
    for params in ([("text", "anna")], [("self", "true")]):
        request = BundleRequest(query=from_params(params), kind="closed")
        with pytest.raises(FilterInvalidError, match="closed"):
            bundle_figures(life[1], request, viewer=OPERATOR)
        assert bundle_figures(life[1], structs.replace(request, kind="inclusion"), viewer=OPERATOR).held >= 0


def lines_of(files: dict[str, bytes]) -> list[list[str]]:
    """The ranges of each key of a bundle."""
    return [line.split()[1:] for line in files["keys"].decode().splitlines()]


def test_keys_that_were_replaced_sign_up_to_the_entry_that_says_so(tmp_path: Path) -> None:
    """Two ranges that overlap in one size; the only key of a log signs from 0 without an end."""
    deployment, log, clock = life = lived(tmp_path)
    assert lines_of(written(life, INCLUSION)[0]) == [["0"], ["0"]]
    rotated = log.size(viewer=OPERATOR)
    deployment.rotate_keys(tmp_path / "log.db.signing")
    (tmp_path / "by-both.zip").write_bytes(written(life, INCLUSION)[0]["bundle"])
    (tmp_path / "keys").write_text("\n".join(map(format_range, deployment.key_ranges(ORG))))
    assert verify_file([str(tmp_path / "by-both.zip"), "--key", str(tmp_path / "keys")]) == 0
    log.record_many([assigned(clock, 9)])
    deployment.signer().sign(ORG)
    files, _ = written(life, INCLUSION)
    assert lines_of(files) == [["0", str(rotated + 2)], [str(rotated + 1)]] * 2
    assert (
        verdict(files["bundle"], tmp_path, deployment)[1]["findings"][0]["verdict"] == "unsigned"
    )  # the old key
    newest = format_vkey(deployment.verifier_keys(ORG)[1])
    assert newest in files["keys"].decode()
    deployment.close()


def test_a_head_that_a_replaced_key_signed_begins_no_bundle(tmp_path: Path) -> None:
    """As a process of an earlier version, that did not read the new keys, signs it; the next head goes again."""
    deployment, log, clock = life = lived(tmp_path)
    old = structs.replace(deployment.signing, folder=None)
    deployment.rotate_keys(tmp_path / "log.db.signing")
    log.record_many([assigned(clock, at) for at in range(9)])
    store, _ = open_store(deployment.url or "")
    store.put_blob(ORG, Blob("checkpoint", "latest", signed_by(old, log, store)))
    with pytest.raises(NotCheckpointedError, match="replaced"):
        written(life, INCLUSION)
    store.put_blob(ORG, Blob("checkpoint", "latest", signed_by(deployment.signing, log, store)))
    assert written(life, INCLUSION)[1].held > 0
    store.close()
    deployment.close()


def signed_by(signing: Signing, log: Log, store: Store) -> bytes:
    """The head of the log, signed by the newest of these keys whatever their range is."""
    origin, head = f"{signing.origin}/{log.org}", store.head(log.org)
    checkpoint = Checkpoint(origin, head.size, head_root(head))
    return format_note(sign_checkpoint(checkpoint, signing.keyring.signers(origin), 1_800_000_000))


def test_a_log_that_began_after_the_keys_were_replaced_ends_the_old_ones(tmp_path: Path) -> None:
    """Its first signature comes with the entry that says so; until then nothing is known."""
    deployment, _, clock = lived(tmp_path)
    deployment.rotate_keys(tmp_path / "log.db.signing")
    younger = deployment.create("younger")
    grow(younger, clock, 3)
    assert [(range_.first, range_.after) for range_ in deployment.key_ranges("younger")] == [(0, None)] * 4
    deployment.signer().sign("younger")
    ranges = deployment.key_ranges("younger")
    assert [(range_.first, range_.after) for range_ in ranges] == [(0, 5), (4, None)] * 2
    assert [range_.key for range_ in ranges] == list(deployment.verifier_keys("younger"))
    deployment.close()


def test_an_order_says_what_it_will_hold_and_its_file_what_it_holds(tmp_path: Path) -> None:
    """Counted before it is an entry; two at once, and no more."""
    deployment, log, _ = lived(tmp_path)
    runner = Runner(deployment, tmp_path / "exports")
    ask = ExportRequest(query=from_params([("category", "users")]), format="bundle-closed")
    restricted = tuple(name for name, c in log.catalogue.categories.items() if c.restricted)
    role = add_role(By(deployment, OPERATOR), "Sees all", {}, categories=restricted)
    viewer = structs.replace(EVERYBODY, roles=("system-administrator", role.id), restricted=restricted)
    size = log.size(viewer=OPERATOR)
    before = runner.figures(ask, viewer)
    assert (before.as_of, log.size(viewer=OPERATOR)) == (size, size)
    job = runner.order(ask, viewer)
    assert order_of(job).figures == before
    assert job.as_of == before.as_of
    deployment.signer().sign(ORG)
    assert runner.step()
    assert runner.orders.file(runner.orders.find(viewer, job.id)).figures == before
    for _ in range(MOST_COUNTED):
        runner._counting.acquire()
    with pytest.raises(TooManyExportsError, match="counted at once"):
        runner.figures(ask, viewer)
    runner._counting.release()
    assert runner.figures(ask, viewer).kind == "closed"
    deployment.close()


def test_a_bundle_of_which_nothing_more_is_asked_is_of_inclusion(tmp_path: Path) -> None:
    deployment, _, _ = lived(tmp_path)
    runner = Runner(deployment, tmp_path / "exports")
    job = runner.order(ExportRequest(query=Query(), format="bundle"), OPERATOR)
    assert order_of(job).format == "bundle-inclusion"
    deployment.close()


def test_an_erasure_between_is_counted_again(tmp_path: Path) -> None:
    """The figures agree when nothing was recorded between; where somebody was erased, their entries name nobody."""
    deployment, log, clock = lived(tmp_path)
    size = log.size(viewer=OPERATOR)
    clock.move(timedelta(minutes=1))
    own = NewEntry(
        action="user.profile_updated", occurred_at=clock(), actor=ANNA, target=person(160), origin=WEB
    )
    log.record_many([own])
    query = from_params([("category", "users"), ("as_of", str(size + 1))])
    request = BundleRequest(query=query, kind="closed")
    before = bundle_figures(log, request, viewer=OPERATOR)
    log.erase(person(160), actor=ANNA, origin=WEB)
    after = bundle_figures(log, request, viewer=OPERATOR)
    assert (before.count, before.as_of) == (after.count, after.as_of)
    assert after != before
    deployment.close()
