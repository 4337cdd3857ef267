"""Access is bound: whatever is changed in the registry by hand is named, and what Trailbook itself changes is not.

Each edit is made in SQL, in the file of a closed deployment; the untouched file is the control.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs

from trailbook import Deployment, Item, open_deployment
from trailbook.access import Change, Member, NewKey, Role, access_manifest, operator
from trailbook.administration import (
    By,
    add_organisation,
    add_role,
    change_role,
    disable_member,
    issue_key,
    put_member,
    remove_member,
    remove_role,
    restrict_key,
    revoke_key,
    rotate_key,
    withhold,
)
from trailbook.administration.access import (
    AccessEntry,
    AccessState,
    PlannedChange,
    change_access,
    record_access,
    role_item,
)
from trailbook.deployment.verifying import _verify, task_of
from trailbook.errors import AccessMovedError, BatchRefusedError, EntryInvalidError, InvalidError
from trailbook.model import Actor, Concern, NewEntry, Origin
from trailbook.query import Query
from trailbook.record import NOTHING, digest_of
from trailbook.retention import Retention
from trailbook.testing import FrozenClock, Steady
from trailbook.verify import Report

ORG = "acme"
ANNA, BOB = Item(type="user", id="u-1", name="Anna"), Item(type="user", id="u-2", name="Bob")
KARI = Item(type="user", id="u-3", name="Kari")
ADMIN = "system-administrator"
SYSTEM = Actor(kind="system", type="system", id="house", name="House rules")
JOB = Origin(interface="job")


class Company:
    """A deployment with members, a role and a key of its own, in a file that may be edited while it is closed."""

    def __init__(self, folder: Path, *, began: bool = True) -> None:
        self.folder, self.clock = folder, FrozenClock()
        folder.mkdir(exist_ok=True)
        self.deployment = self.opened(create=True)
        if began:
            add_organisation(self.deployment, ORG)
        else:
            self.deployment.create(ORG)

    @property
    def by(self) -> By:
        return By(self.deployment, operator(ORG))

    def opened(self, *, create: bool = False) -> Deployment:
        url = f"sqlite:///{self.folder / 'log.db'}"
        return open_deployment(url, create=create, clock=self.clock, entropy=Steady(3))

    def filled(self) -> "Company":
        put_member(self.by, ANNA, [ADMIN])
        role = add_role(self.by, "Payroll", {"activity_log": "full"})
        put_member(self.by, BOB, [role.id])
        issue_key(self.by, NewKey(name="HR", scopes=("record",), categories=("roles",)))
        withhold(self.by, ["salary"])
        return self

    def edit(self, *statements: str) -> None:
        """Run SQL on the file as whoever runs the database can."""
        self.deployment.close()
        with sqlite3.connect(self.folder / "log.db") as db:
            for statement in statements:
                assert db.execute(statement).rowcount > 0, statement
        db.close()
        self.deployment = self.opened()

    def verify(self) -> Report:
        self.deployment.signer().sign(ORG)
        return self.deployment.verify(ORG)

    def faults(self) -> list[tuple[str, str]]:
        return [(f.verdict, f.what) for f in self.verify().findings]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    company = Company(tmp_path_factory.mktemp("filled")).filled()
    assert company.verify().findings == ()
    company.deployment.close()
    return company.folder


@pytest.fixture
def company(filled: Path, tmp_path: Path) -> Iterator[Company]:
    """A copy of the filled deployment; untouched it has no finding and no note, which is the control."""
    shutil.copytree(filled, tmp_path / "copy")
    company = Company.__new__(Company)
    company.folder, company.clock = tmp_path / "copy", FrozenClock()
    company.deployment = company.opened()
    report = company.verify()
    assert (report.findings, report.notes) == ((), ())
    assert report.checked["access"] == 5
    yield company
    company.deployment.close()


_MEMBER = "INSERT INTO member VALUES ('acme', 'user', 'u-66', 'Eve', 'hr', NULL, NULL, NULL)"


@pytest.mark.parametrize(
    ("edit", "verdict", "what"),
    [
        (_MEMBER, "inserted", "no entry gave it"),
        (
            "INSERT INTO role VALUES ('acme', 'r66', 'Own', 'manage_access', '')",
            "inserted",
            "no entry gave it",
        ),
        ("UPDATE member SET roles = 'hr' WHERE id = 'u-2'", "changed", "roles: is not what the entry"),
        (
            "UPDATE role SET permissions = permissions || ' manage_access'",
            "changed",
            "full: is not what the entry",
        ),
        ("UPDATE role SET categories = 'whistleblowing'", "changed", "categories: is not what the entry"),
        ("UPDATE api_key SET scopes = 'record administer'", "changed", "scopes: is not what the entry"),
        ("UPDATE api_key SET categories = ''", "changed", "categories: is not what the entry"),
        ("UPDATE api_key SET restricted = 'whistleblowing'", "changed", "restricted: is not what the entry"),
        ("UPDATE api_key SET expires_at = expires_at * 2", "changed", "expires_at: is not what the entry"),
        ("UPDATE api_key SET secret_hash = zeroblob(32)", "changed", "secrets: is not what the entry"),
        ("UPDATE organisation SET withheld = ''", "missing", "and it is not there"),
        ("UPDATE organisation SET withheld = 'roles'", "changed", "withheld: is not what the entry"),
        ("DELETE FROM member WHERE id = 'u-2'", "missing", "and it is not there"),
        ("DELETE FROM blob WHERE kind = 'access'", "missing", "the access manifest that the entry cites"),
        (
            "UPDATE blob SET content = X'7b7d' WHERE kind = 'access' AND instr(content, 'scopes')",
            "changed",
            "the access manifest is not the one",
        ),
    ],
)
def test_an_edit_of_the_registry_is_named(company: Company, edit: str, verdict: str, what: str) -> None:
    """The control is in the fixture: the same file before the edit."""
    company.edit(edit)
    faults = company.faults()
    assert faults
    assert all(verdict == fault[0] and what in fault[1] for fault in faults)


def test_everything_that_trailbook_itself_changes_is_bound(tmp_path: Path) -> None:
    """Given, widened, disabled, taken away, deleted: after each step the registry is what the entries say."""
    company = Company(tmp_path)
    by = company.by
    role = add_role(by, "Payroll", {"activity_log": "full"})
    for item in (ANNA, BOB, KARI):
        put_member(by, item, [ADMIN] if item == ANNA else [role.id, "employee"])
    put_member(by, KARI, [role.id])
    key, _ = issue_key(by, NewKey(name="HR", scopes=("read",)))
    withhold(by, ["salary"])
    steps = [
        lambda: change_role(by, role.id, "Pay", {"read_proofs": "full"}),
        lambda: disable_member(by, "user", "u-2", disabled=True),
        lambda: put_member(by, Item(type="user", id="u-3", name="Kari Lie"), [role.id, "hr"]),
        lambda: rotate_key(by, key.id, timedelta(hours=1)),
        lambda: restrict_key(by, key.id, ["whistleblowing"]),
        lambda: remove_role(by, role.id),
        lambda: disable_member(by, "user", "u-2", disabled=False),
        lambda: remove_member(by, "user", "u-3"),
        lambda: revoke_key(by, key.id),
        lambda: withhold(by, []),
    ]
    for step in steps:
        step()
        report = company.verify()
        assert (report.findings, report.notes) == ((), ())
    company.deployment.close()


def test_a_change_that_came_second_is_taken_back(company: Company) -> None:
    """Its entry was written first and stays, its failure is one too: what stands is what was there before."""
    new = Member(type="user", id="u-2", name="Bob", roles=("hr",))

    def plan(state: AccessState) -> PlannedChange:
        somebody_else = Change(organisation=state.organisation)
        company.deployment.access.change_access(state.organisation, somebody_else)
        entry = AccessEntry(
            action="role.assigned",
            target=role_item(state.roles["hr"]),
            members=(BOB,),
            manifest=access_manifest(new),
        )
        return PlannedChange(Change(organisation=state.organisation, put_members=[new]), [entry])

    with pytest.raises(AccessMovedError):
        change_access(company.by, plan)
    assert company.faults() == []
    put_member(company.by, BOB, ["hr"])
    assert company.faults() == []
    company.edit("UPDATE member SET roles = 'auditor' WHERE id = 'u-2'")
    assert [verdict for verdict, _ in company.faults()] == ["changed"]


def test_a_change_under_way_is_no_finding(company: Company) -> None:
    """Its entry is written, and the registry changes while the rest is read; left undone it is one."""
    deployment, access = company.deployment, company.deployment.access
    new = Role(id="r2", name="Later", full=("read_proofs",))

    def change() -> None:
        before = access.organisation(ORG)
        access.change_access(before, Change(organisation=before, put_roles=[new]))

    entry = AccessEntry(
        action="role.created", target=role_item(new), fields=(), manifest=access_manifest(new)
    )
    record_access(company.by, [entry])
    deployment.signer().sign(ORG)
    assert [f.verdict for f in deployment.verify(ORG).findings] == ["missing"]
    changes = iter([change])
    report = deployment.verify(ORG, progress=lambda done, total: next(changes, lambda: None)())
    assert report.findings == ()


def test_retention_keeps_the_entries_behind_living_access(tmp_path: Path) -> None:
    """What was given before and taken away goes with its class; the last entry of whoever still has access stays."""
    company = Company(tmp_path).filled()
    put_member(company.by, KARI, ["hr"])
    put_member(company.by, KARI, ["auditor"])
    remove_member(company.by, "user", "u-3")
    put_member(company.by, BOB, ["hr"])
    company.clock.move(timedelta(days=2000))
    log = company.deployment.log(ORG)
    for kept_for in ("extended", "standard"):
        retention = Retention(kept_for=kept_for, before=company.clock.at - timedelta(days=1))
        with suppress(InvalidError):
            log.prune(retention, actor=SYSTEM, origin=JOB)
    report = company.verify()
    assert (report.findings, report.notes) == ((), ())
    kept = [
        e.action for e in log.rows(Query(), viewer=operator(ORG)) if e.action.startswith(("role.", "api_"))
    ]
    # Of Anna, the role, Bob twice (his old role went, another came) and the key; nothing of Kari.
    assert sorted(kept) == ["api_key.created", "role.assigned", "role.created", "role.unassigned"]
    company.edit("UPDATE member SET roles = 'auditor' WHERE id = 'u-2'")
    assert [verdict for verdict, _ in company.faults()] == ["changed"]
    company.deployment.close()


def test_access_from_before_entries_stated_it_is_a_note(tmp_path: Path) -> None:
    """Given by an entry without a manifest, as earlier versions wrote it; without any entry it is a finding."""
    company = Company(tmp_path, began=False)
    access, role = company.deployment.access, Item(type="role", id="trailbook.hr", name="HR")
    entry = AccessEntry(action="role.assigned", target=role, members=(BOB,))
    record_access(company.by, [entry])
    before = access.organisation(ORG)
    bob = Member(type="user", id="u-2", name="Bob", roles=("hr",))
    access.change_access(before, Change(organisation=before, put_members=[bob]))
    report = company.verify()
    assert report.findings == ()
    assert report.notes == ("access older than the entries that state it is not provable: 1 of 1",)
    put_member(company.by, ANNA, [ADMIN])
    assert company.verify().findings == ()
    company.edit(_MEMBER)
    assert company.faults() == [("inserted", "no entry gave it")]
    company.deployment.close()


def test_a_host_s_own_roles_excuse_nobody(tmp_path: Path) -> None:
    """A role of the host is none of Trailbook's, whatever it is called there."""
    company = Company(tmp_path, began=False)
    entry = NewEntry(
        action="role.assigned",
        occurred_at=company.clock.at,
        actor=SYSTEM,
        target=Item(type="role", id="manager", name="Manager"),
        concerns=(Concern(type="user", id="u-66", name="Eve", part="member"),),
        origin=JOB,
    )
    company.deployment.log(ORG).record_many([entry])
    assert company.faults() == []
    company.edit(_MEMBER)
    report = company.verify()
    assert [(f.verdict, f.place) for f in report.findings] == [("inserted", "access, item 4")]
    company.deployment.close()


def test_nobody_else_states_access(tmp_path: Path) -> None:
    """An entry that cites a manifest which it does not bring is refused; without that it is recorded."""
    company = Company(tmp_path)
    fact = Concern(type="access", id=digest_of(NOTHING), part="access")
    entry = NewEntry(
        action="role.created",
        occurred_at=company.clock.at,
        actor=SYSTEM,
        target=Item(type="role", id="trailbook.hr", name="HR"),
        concerns=(fact,),
        origin=JOB,
    )
    log = company.deployment.log(ORG)
    with pytest.raises(BatchRefusedError) as refused:
        log.record_many([entry])
    (error,) = refused.value.refused.values()
    assert isinstance(error, EntryInvalidError)
    assert [fault.pointer for fault in error.faults] == ["/concerns/0"]
    assert log.record_many([structs.replace(entry, concerns=())])
    company.deployment.close()


def test_findings_name_no_member(company: Company) -> None:
    """A member whom no entry knows is named by their place, others by the number of their item."""
    company.edit(_MEMBER, "UPDATE member SET roles = 'hr' WHERE id = 'u-2'")
    places = [f.place for f in company.verify().findings]
    assert len(places) == 2
    assert places[0].startswith("access, item ")
    assert places[1] == "access, member 3 in the order of type and id"


def test_another_process_holds_the_registry_against_the_log(company: Company) -> None:
    """The page's verification is one; the control finds nothing."""
    assert _verify(task_of(company.deployment, ORG)).findings == ()
    company.edit(_MEMBER)
    company.deployment.signer().sign(ORG)
    findings = _verify(task_of(company.deployment, ORG)).findings
    assert [f.what for f in findings] == ["no entry gave it"]


def test_what_the_file_may_not_hold_is_named(company: Company) -> None:
    """A blob of a kind that no log has, and a trigger: it would do something at every write."""
    blob = "INSERT INTO blob (org, kind, key, content) SELECT number, 'extra', 'x', X'00' FROM org"
    company.edit(blob)
    assert company.faults() == [("inserted", "a log has no such blob")]
    company.edit("DELETE FROM blob WHERE kind = 'extra'")
    assert company.faults() == []
    company.deployment.close()
    with sqlite3.connect(company.folder / "log.db") as db:
        db.execute("CREATE TRIGGER quiet AFTER INSERT ON member BEGIN DELETE FROM member; END")
    db.close()
    company.deployment = company.opened()
    assert [what for _, what in company.faults()] == [
        "the engine says: there is a trigger 'quiet', which is none of ours"
    ]
