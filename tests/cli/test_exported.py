"""`verify FILE` of an export: its sentence and exit status, by the keys beside the log and by one's own."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Folder, begin_signed

from trailbook import Item, Query
from trailbook.access import Viewer
from trailbook.deployment import Deployment, Signs, open_deployment
from trailbook.export import ExportRequest, Runner
from trailbook.testing.small import ORG, grow
from trailbook.testing.steady import FrozenClock
from trailbook.tree import format_vkey

ANNA = Viewer(
    org=ORG,
    item=Item(type="user", id="u-17", name="Anna Berg"),
    activity_log="full",
    roles=("system-administrator",),
)
NAME = "everything-acme.csv"


@pytest.fixture
def exported(tmp_path: Path) -> Folder:
    """A log, and beside it a file that was exported from it, with its statement and once more in one ZIP with it."""
    clock = FrozenClock()
    signs = Signs(origin="log.example", outside=tmp_path / "outside.txt")
    deployment = open_deployment(f"sqlite:///{tmp_path}/trailbook.db", create=True, clock=clock, signs=signs)
    grow(deployment.create(ORG), clock, 20)
    runner = Runner(deployment, tmp_path / "exports")
    for zipped in (False, True):
        job = runner.order(ExportRequest(query=Query(as_of=20), format="csv", zip=zipped), ANNA)
        deployment.signer().sign(ORG)
        assert runner.step()
        job = runner.orders.find(ANNA, job.id)
        name = f"{Path(NAME).stem}.zip" if zipped else NAME
        (tmp_path / name).write_bytes(runner.path(job, ANNA).read_bytes())
        (tmp_path / f"{NAME}.note").write_bytes(runner.path(job, ANNA, "manifest").read_bytes())
        if not zipped:
            (tmp_path / "kept.note").write_bytes((tmp_path / f"{NAME}.note").read_bytes())
    (tmp_path / "keys").write_text("\n".join(_lines(deployment)) + "\n")
    deployment.close()
    return Folder(tmp_path)


def _lines(deployment: Deployment) -> list[str]:
    return [format_vkey(key) for key in deployment.verifier_keys(ORG)]


def test_it_says_whether_it_is_the_file(exported: Folder, tmp_path: Path) -> None:
    """Exit 0 and a sentence where it is, 1 and how it differs where it is not, 2 where nothing can be said."""
    for given in ((NAME,), ("everything-acme.zip",), (NAME, "--statement", "kept.note")):
        ended = exported.good("verify", *given)
        assert f"Holds: {NAME} is the file that was exported, with 20 entries: All activity" in ended.out
        assert "signed by the key log.example/acme+" in ended.out
        assert "By the keys beside the log here" in ended.err
    answer = exported.good("verify", NAME, "--key", "keys", "--json").json
    assert (answer["holds"], answer["count"], answer["findings"]) == (True, 20, [])
    file = exported.path / NAME
    whole = file.read_bytes()
    file.write_bytes(whole[:-9])
    cut = exported.run("verify", NAME)
    assert cut.code == 1
    assert f"it has {len(whole) - 9:,} bytes, and {len(whole):,} were exported" in cut.out
    changed = exported.run("verify", NAME, "--json")
    assert (changed.code, changed.json["holds"]) == (1, False)
    assert [finding["place"] for finding in changed.json["findings"]] == [NAME]
    (exported.path / f"{NAME}.note").unlink()
    unsigned = exported.run("verify", NAME, "--key", "keys", "--json")
    assert unsigned.code == 2
    assert "there is no statement beside it" in unsigned.problem["detail"]
    assert exported.run("verify", "--statement", "kept.note").code == 2


def test_a_stranger_is_told_to_bring_a_key(
    exported: Folder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Where no log is, or another one, its keys decide nothing: the refusal names the log whose key is missing."""
    away = Folder(tmp_path_factory.mktemp("away"))
    for name in (NAME, f"{NAME}.note", "keys", "everything-acme.zip"):
        (away.path / name).write_bytes((exported.path / name).read_bytes())
    assert away.good("verify", "everything-acme.zip", "--key", "keys").out.startswith("Holds")
    alone = away.run("verify", NAME, "--json")
    assert alone.code == 2, alone
    assert "--key" in json.dumps(alone.problem)
    begin_signed(away)
    another = away.run("verify", NAME)
    assert another.code == 2
    assert "none of the keys is of the log log.example/acme" in another.err
