"""Edits by whoever runs the database, alone and in pairs: each is named, and none hides another.

Made in the file of a closed deployment; the untouched file is the control.
"""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.finding.conftest import TINY
from tests.finding.embedded import forged

from trailbook import Actor, Concern, Deployment, Item, NewEntry, Origin, open_deployment, operator
from trailbook.access import NewKey
from trailbook.administration import By, add_organisation, add_role, issue_key, put_member
from trailbook.deployment.settings import Signs
from trailbook.stores import open_store
from trailbook.testing import FrozenClock, Steady
from trailbook.testing.small import assigned
from trailbook.testing.steady import new_log

ORG = "acme"
HR = Actor(kind="system", type="system", id="hr", name="HR")
ANNA, BOB, DAN = (
    Item(type="user", id=f"u-{n}", name=name) for n, name in ((1, "Anna"), (2, "Bob"), (3, "Dan"))
)
HIDDEN = 20  # an entry in a sealed segment


def opened(folder: Path, clock: FrozenClock, *, create: bool = False) -> Deployment:
    signs = Signs(origin="log.example", outside=folder / "outside.txt")
    url = f"sqlite:///{folder / 'log.db'}"
    return open_deployment(url, create=create, clock=clock, entropy=Steady(3), signs=signs)


def slip(clock: FrozenClock, number: int, owner: Item) -> NewEntry:
    """A payslip of somebody."""
    return NewEntry(
        action="payslip.published",
        actor=HR,
        target=Item(type="payslip", id=f"00000000-0000-4000-8000-{number:012}"),
        concerns=(Concern(type=owner.type, id=owner.id, name=owner.name, part="owner"),),
        origin=Origin(interface="job"),
        occurred_at=clock.at,
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with people, one of them erased, access of its own, signed heads and a sealed index."""
    folder, clock = tmp_path_factory.mktemp("whole"), FrozenClock()
    deployment = opened(folder, clock, create=True)
    add_organisation(deployment, ORG)
    by, log = By(deployment, operator(ORG)), deployment.log(ORG)
    put_member(by, ANNA, ["system-administrator"])
    role = add_role(by, "Payroll", {"activity_log": "full"})
    put_member(by, BOB, [role.id])
    issue_key(by, NewKey(name="HR", scopes=("record",), categories=("roles",)))
    log.record_many([assigned(clock, number) for number in range(280)])
    log.record_many([slip(clock, 1, BOB), slip(clock, 2, DAN)])
    deployment.signer().sign(ORG)
    log.erase(DAN, actor=HR, origin=Origin(interface="job"))
    deployment.signer().sign(ORG)
    deployment.close()
    store, _ = open_store(f"sqlite:///{folder / 'log.db'}")
    new_log(store, ORG, clock=clock, seed=7, sizes=TINY).upkeep.seal()
    store.close()
    return folder


def sql(statement: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        with sqlite3.connect(folder / "log.db") as db:
            assert db.execute(statement).rowcount > 0
        db.close()

    return edit


def hide(folder: Path) -> None:
    """Take an entry out of what finds people, under digests that fit."""
    store, _ = open_store(f"sqlite:///{folder / 'log.db'}")
    forged.forge(store, ORG, 0, forged.without_posting("about", HIDDEN))
    store.close()


def replace_key(folder: Path) -> None:
    """Put the public half of another key in the place of the log's."""
    (file,) = (folder / "log.db.signing").glob("log-*.pub")
    head, _, _ = file.read_text("ascii").partition(" ")
    file.write_text(f"{head} {'A' * 43}=\n", "ascii")


_BLOB = "UPDATE blob SET content = {} WHERE kind = '{}'"
_ROWS = "UPDATE identity SET {} WHERE {}"
EDITS: dict[str, tuple[Callable[[Path], None], str]] = {
    "body": (
        sql("UPDATE entry SET body = (SELECT body FROM entry WHERE place & 1023 = 9) WHERE place & 1023 = 8"),
        "changed seq 8: the entry is not",
    ),
    "tile": (sql(_BLOB.format("zeroblob(length(content))", "tile") + " AND key = '0/0'"), "tile 0/0"),
    "index part": (hide, f"seq {HIDDEN}: the index hides its about"),
    "salt": (sql(_ROWS.format("salt = zeroblob(16)", "key = 'user/u-7'")), "does not open its token"),
    "owner": (sql(_ROWS.format("owner = NULL", "key LIKE 'payslip/%'")), "it belongs to nobody"),
    "type": (
        sql(_ROWS.format("type = 'absence'", "key IS NULL AND type = 'payslip'")),
        "its type",
    ),
    "note": (
        sql(_BLOB.format("CAST('x' || CAST(content AS TEXT) AS BLOB)", "checkpoint")),
        "a head of another log",
    ),
    "key file": (replace_key, "no signature is by a key"),
    "erasure manifest": (sql(_BLOB.format("x'7b7d'", "erasure")), "the erasure manifest"),
    "access manifest": (sql(_BLOB.format("x'7b7d'", "access")), "the access manifest"),
    "member": (
        sql("INSERT INTO member VALUES ('acme', 'user', 'u-66', 'Eve', 'hr', NULL, NULL, NULL)"),
        "no entry gave it",
    ),
    "role": (
        sql("UPDATE member SET roles = 'system-administrator' WHERE id = 'u-2'"),
        "not what the entry of seq 3 says",
    ),
}


# With tile and body changed nothing says any more which of the tile's entries is at fault: all of them are named.
WIDER = {("body", "tile"): "changed seq 0 to 286"}


def faults(whole: Path, folder: Path, *names: str) -> list[str]:
    """What is found once these edits were made in turn, each as a line."""
    shutil.copytree(whole, folder)
    for name in names:
        EDITS[name][0](folder)
    deployment = opened(folder, FrozenClock())
    findings = deployment.verify(ORG).findings
    deployment.close()
    shutil.rmtree(folder)
    return [f"{f.verdict} {f.place}: {f.what}" for f in findings]


def test_nothing_is_found_where_nothing_was_edited(whole: Path, tmp_path: Path) -> None:
    assert faults(whole, tmp_path / "log") == []


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_named(whole: Path, tmp_path: Path, name: str) -> None:
    """It alone: of no other edit is anything said."""
    named = faults(whole, tmp_path / "log", name)
    assert [other for other, (_, words) in EDITS.items() if any(words in line for line in named)] == [name]


@pytest.mark.parametrize("name", EDITS)
def test_no_edit_hides_another(whole: Path, tmp_path: Path, name: str) -> None:
    others = list(EDITS)[list(EDITS).index(name) + 1 :]
    for other in others:
        named = faults(whole, tmp_path / "log", name, other)
        for each in (name, other):
            words = WIDER.get((name, other), EDITS[each][1])
            assert any(words in line for line in named), (name, other, named)
