"""The twenty-four months: the same every time, rich enough for the questions, and without a single value."""

import ipaddress
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.demo.conftest import Build, Built

from trailbook import demo
from trailbook.demo import names
from trailbook.demo.simulation.calendar import first_week, local, odd_night, span_of
from trailbook.model import NewEntry

DOCUMENTATION = [
    ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]
SECRET_COLUMNS = {  # table: columns that hold what the log must never see
    "person": ("national_id", "notes", "phone", "address", "email"),
    "salary": ("amount",),
    "salary_step": ("amount",),
    "payslip": ("net",),
    "bank_account": ("number",),
    "absence": ("note",),
    "role_request": ("reason",),
    "competence": ("certificate",),
    "integration": ("secret",),
    "emergency_contact": ("phone",),
}


def written(entries: Iterable[NewEntry]) -> str:
    """All entries as one text."""
    return msgspec.json.encode(list(entries)).decode()


def of(built: Built, action: str) -> list[NewEntry]:
    """The entries of an action."""
    return [entry for entry in built.recorder.entries if entry.action == action]


def test_the_same_seed_gives_the_same_company(built: Built, build: Build, tmp_path: Path) -> None:
    """Every entry of a second build is the same, its id too; another seed is another company."""
    (tmp_path / "same").mkdir()
    (tmp_path / "other").mkdir()
    again = build(tmp_path / "same", 7)
    assert again.recorder.entries == built.recorder.entries
    assert again.recorder.recorded_at == built.recorder.recorded_at
    assert again.summary == built.summary
    other = build(tmp_path / "other", 8)
    assert other.recorder.entries != built.recorder.entries


def test_it_is_as_large_as_a_real_company(built: Built) -> None:
    """More than 30,000 entries over 24 months, about 120 people at a time, and something in every month."""
    assert built.summary.entries == len(built.recorder.entries) > 30_000
    assert 110 <= built.summary.staff <= 130
    assert built.summary.people > built.summary.staff + 20
    months = Counter(at.strftime("%Y-%m") for at in built.recorder.recorded_at)
    assert len(months) == 25  # 24 whole months touch 25 of the calendar
    assert min(list(months.values())[1:-1]) > 700
    assert built.summary.until - built.summary.first > timedelta(days=729)


def test_every_category_has_its_share(built: Built) -> None:
    """Each but the log's own, and none of it by way of what it must not say: a case concerns nobody."""
    counts = Counter(entry.category for entry in built.recorder.entries)
    assert {*counts, "activity_log"} == built.recorder.catalogue.categories.keys()
    assert {e.concerns for e in built.recorder.entries if e.category == "whistleblowing"} == {()}


@pytest.mark.parametrize(
    ("action", "part", "named"),
    [
        ("role.permission_granted", "permission", names.PERMISSIONS.values()),
        ("role.permission_revoked", "permission", names.PERMISSIONS.values()),
        ("role.access_level_changed", "permission", names.PERMISSIONS.values()),
        ("role_request.submitted", "role", names.ROLES.values()),
        ("role_request.approved", "role", names.ROLES.values()),
        ("enrolment.completed", "course", names.THINGS["course"].values()),
        ("signature_request.signed", "document_type", ["Employment contract"]),
        ("candidate.added", "job", names.VACANCIES),
        ("user.merged", "merged", ["Anna Berg", "Lars Hansen"]),
    ],
)
def test_an_entry_says_which(built: Built, action: str, part: str, named: Iterable[str]) -> None:
    """Which permission, which role, which course: every entry of these says it, by a name that the company knows."""
    parts = [[c.name for c in entry.concerns if c.part == part] for entry in of(built, action)]
    assert parts
    assert all(len(each) == 1 and each[0] in {*named, "Insights reader"} for each in parts)


def test_some_changes_are_made_at_odd_hours(built: Built) -> None:
    """Q8: absence on a Sunday evening and an account in the night, besides the salary of the odd night."""
    night = odd_night(built.summary.until)
    odd = [
        (e.action, e.actor.id, e.occurred_at - night)
        for e in built.recorder.entries
        if e.category in ("absence", "salary") and night <= e.occurred_at < night + timedelta(days=4, hours=2)
    ]
    assert ("absence.registered", "u-1013", timedelta(hours=44, minutes=17)) in odd
    assert ("absence.updated", names.HR_ADVISOR, timedelta(hours=45, minutes=9)) in odd
    assert ("bank_account.changed", names.PAYROLL, timedelta(days=4, minutes=31)) in odd


def test_ids_are_version_7_and_nobody_shares_one(built: Built) -> None:
    """Each id is given, unique, and carries the time of its entry."""
    ids = [entry.id for entry in built.recorder.entries]
    assert len(set(ids)) == len(ids)
    for entry in built.recorder.entries[::97]:
        assert entry.id is not None
        assert entry.id.version == 7
        after = entry.occurred_at.timestamp() * 1000 - (entry.id.int >> 80)
        assert 0 <= after < 300_000  # the entry at a run's end has the id that was reserved at its beginning


def test_only_imports_are_told_late(built: Built) -> None:
    """Live entries are recorded within the hour; imports of the past months say so by their times."""
    late = set()
    for entry, recorded in zip(built.recorder.entries, built.recorder.recorded_at, strict=True):
        assert entry.occurred_at <= recorded
        if recorded - entry.occurred_at > timedelta(hours=1):
            late.add((entry.origin.interface, entry.category))
    assert late == {("import", "absence"), ("import", "competence")}
    assert built.recorder.recorded_at == sorted(built.recorder.recorded_at)


def test_what_led_to_an_entry_is_recorded_by_then(built: Built) -> None:
    """Children of runs, approvals and endings cite their cause, and share its correlation where it has one."""
    seen = {entry.id: entry for entry in built.recorder.entries}
    at = dict(zip(seen, built.recorder.recorded_at, strict=True))
    caused: Counter[tuple[str, str]] = Counter()
    for entry in built.recorder.entries:
        if entry.caused_by is not None:
            cause = seen[entry.caused_by]
            caused[cause.action, entry.action] += 1
            assert cause.correlation in (None, entry.correlation)
            assert at[entry.caused_by] <= at[entry.id]
    for pair in (
        ("integration.sync_completed", "integration.user_sent"),
        ("integration.user_received", "user.profile_updated"),
        ("role_request.approved", "role.assigned"),
        ("user.terminated", "role.unassigned"),
        ("salary.approved", "salary.updated"),
        ("payroll_run.paid", "payslip.published"),
    ):
        assert caused[pair] > 10, pair


def test_everybody_and_everything_acts(built: Built) -> None:
    """People, integrations and rules act; some on behalf of others; some fail and some are refused."""
    entries = built.recorder.entries
    assert {entry.actor.kind for entry in entries} == {"person", "integration", "system"}
    assert {entry.outcome for entry in entries} == {"success", "failure", "denied"}
    assert {entry.origin.interface for entry in entries} == {"web", "mobile", "job", "import"}
    assert {e.actor.id for e in entries if e.actor.kind == "system"} == set(names.RULES)
    assert {e.actor.id for e in entries if e.actor.kind == "integration"} == set(names.INTEGRATIONS)
    behalf = Counter(entry.actor.kind for entry in entries if entry.on_behalf_of is not None)
    assert behalf["person"] > 20
    assert behalf["integration"] > 50
    assert len({entry.action for entry in entries}) > 80


def test_addresses_are_nobodys(built: Built) -> None:
    """Every IP address is of a range kept for documentation; people have one and a user agent, jobs have none."""
    for entry in built.recorder.entries:
        if entry.actor.kind == "person":
            address = ipaddress.ip_address(entry.origin.ip or "")
            assert any(address in network for network in DOCUMENTATION)
            assert entry.origin.user_agent in names.AGENTS
        else:
            assert entry.origin.ip is None


def test_namesakes_and_a_new_name(built: Built) -> None:
    """Several people share a name under ids of their own; one is called otherwise after her wedding."""
    created = {entry.target.id: entry.target.name for entry in of(built, "user.created")}
    shared = [name for name, count in Counter(created.values()).items() if count > 1]
    assert {"Anna Berg", "Lars Hansen"} <= set(shared)
    hers = [e.target.name for e in built.recorder.entries if e.target.id == names.MARRIED]
    assert set(hers) == {"Åse Bjørnstad", "Åse Lindqvist"}
    assert hers == sorted(hers)  # the old name first, then the new one, never back
    assert re.search("[åøæ]", "".join(str(n) for n in created.values()))
    assert re.search("[öä]", "".join(str(n) for n in created.values()))


def test_roles_change_most_around_the_review(built: Built) -> None:
    """Q4: August to October together have twice the changes of roles and permissions of three months in spring."""
    months = Counter(
        e.occurred_at.month
        for e in built.recorder.entries
        if e.category in ("roles", "permissions") and e.actor.kind == "person"
    )
    assert sum(months[m] for m in (8, 9, 10)) > 2 * sum(months[m] for m in (2, 3, 4))


def test_the_odd_night_and_the_newcomer(built: Built) -> None:
    """Q5 and Q8: a salary changed on a Saturday night, and a first week with an entry of most categories."""
    night = odd_night(built.summary.until)
    odd = [e for e in of(built, "salary.updated") if e.occurred_at == night]
    assert [(e.actor.id, e.origin.ip) for e in odd] == [(names.PAYROLL, "203.0.113.254")]
    monday, sunday = first_week(built.summary.until)
    week = local(monday, 0), local(sunday + timedelta(days=1), 0)
    hers = [
        e
        for e in built.recorder.entries
        if week[0] <= e.occurred_at < week[1] and names.NEW_HIRE in {c.id for c in e.concerns}
    ]
    assert {"user.activated", "mfa_factor.enrolled", "user.signed_in", "competence.added"} <= {
        e.action for e in hers
    }
    assert {e.category for e in hers} >= {"users", "security", "competence", "absence", "integrations"}


def test_no_value_is_in_any_entry(built: Built) -> None:
    """No amount, national id, note, number, address or secret of hr.db is anywhere in the entries."""
    words = set(re.findall(r'"([^"]*)"', written(built.recorder.entries)))
    text = "\n".join(words)
    with closing(sqlite3.connect(built.directory / demo.HR_FILE)) as rows:
        for table, columns in SECRET_COLUMNS.items():
            for column in columns:
                query = f"SELECT DISTINCT {column} FROM {table} WHERE {column} <> '' ORDER BY 1"
                values = [value for (value,) in rows.execute(query)]
                assert values, (table, column)
                assert words.isdisjoint(values)  # every value, as a whole
                assert [v for v in values[:: len(values) // 40 + 1] if v in text] == []  # some, within others


def test_the_canaries_are_in_hr_db(built: Built) -> None:
    """The control of the test above: each canary is really there to be found, and names are in the entries."""
    content = (built.directory / demo.HR_FILE).read_bytes()
    text = written(built.recorder.entries)
    for canary in names.CANARIES:
        assert canary.encode() in content
        assert canary not in text
    assert "Åse Lindqvist" in text


def test_a_second_company_is_not_built_over_the_first(built: Built, build: Build) -> None:
    """An hr.db that exists is left alone."""
    before = (built.directory / demo.HR_FILE).stat().st_mtime_ns
    with pytest.raises(FileExistsError):
        build(built.directory, 7)
    assert (built.directory / demo.HR_FILE).stat().st_mtime_ns == before


def test_progress_is_told(built: Built) -> None:
    """Each simulated day is told once, up to the last."""
    days = len(span_of(built.summary.until).days)
    assert built.progress == [(n, days) for n in range(1, days + 1)]
