"""The page of trust: its answer is the worst that is known, and follows what happens to the log."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import apsw
import pytest
from litestar.testing import TestClient
from msgspec import structs
from tests.web.conftest import ANNA, BOB, ORG, PLENTY, WEB

from trailbook import Item, NewEntry, operator
from trailbook.administration.access import By, disable_member, put_member
from trailbook.deployment.deployment import Deployment
from trailbook.deployment.opening import open_deployment
from trailbook.deployment.restart import RESTORER
from trailbook.deployment.settings import Signs
from trailbook.finding.answers import Shown
from trailbook.proofs.status import SignedHead, Trust
from trailbook.proofs.witnesses import Sighting
from trailbook.query import Query
from trailbook.testing import FrozenClock
from trailbook.testing.witness import witnessing_server
from trailbook.tree import KeyRange, format_key
from trailbook.web.app import create_app
from trailbook.web.pages.trust import judged

PAGE = f"/orgs/{ORG}/activity/trust"
BASE = "http://testserver.local"
BEGUN = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


class Company:
    """A log, a page over it, and the time."""

    def __init__(
        self, folder: Path, *, outside: bool, create: bool = True, signs: Signs | None = None
    ) -> None:
        self.now = BEGUN
        self.file = folder / "log.db"
        signs = signs or Signs(outside=folder / "outside.txt" if outside else None)
        self.deployment: Deployment = open_deployment(
            f"sqlite:///{self.file}", create=create, signs=signs, clock=lambda: self.now
        )
        if create:
            self.deployment.create(ORG)
        self.reader, self.role = Item(type="user", id="u-17", name="Anna"), "hr"
        self.client = TestClient(
            create_app(self.deployment, base_url=BASE, timezone="Europe/Oslo", limits=PLENTY), base_url=BASE
        )

    def record(self) -> None:
        role = Item(type="role", id="r-1", name="Reader")
        self.deployment.log(ORG).record(
            "role.assigned",
            actor=ANNA,
            target=role,
            concerns={"member": BOB},
            occurred_at=self.now,
            origin=WEB,
        )

    def sign(self) -> None:
        self.deployment.signer().sign(ORG)

    def verify(self) -> bool:
        """Verify all of it as the command does, and have that remembered; whether it held."""
        report = self.deployment.verify(ORG)
        self.deployment.log(ORG).verified(report, viewer=operator(ORG))
        return not report.findings

    def change(self, body: str, seq: int = 0) -> None:
        """Put something else where an entry's body is, past the log."""
        with closing(apsw.Connection(str(self.file))) as other:  # another library would take our locks away
            other.execute(f"UPDATE entry SET body = {body} WHERE place % 1099511627776 = {seq}")

    def verdict(self) -> str:
        """The answer of the page, as it is read."""
        session = self.deployment.credentials.new_session(ORG, self.reader, [self.role])
        answer = self.client.get(PAGE, headers={"Cookie": f"__Host-trailbook={session}"})
        assert answer.status_code == 200, answer.text
        self.text = unescape(answer.text)
        match = re.search(r'<p class="verdict[^"]*">(.*?)</p>', self.text)
        assert match is not None
        return match[1].partition(".")[0]


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """One that keeps a file outside."""
    made = Company(tmp_path, outside=True)
    with made.client:
        yield made
    made.deployment.close()


def test_the_answer_follows_the_log(company: Company) -> None:
    """Unsigned, then signed and copied, then verified, then old; every step is said with what to do."""
    company.record()
    assert company.verdict() == "Not yet"
    assert "Nothing is signed yet" in company.text
    company.sign()
    assert company.verdict() == "Probably"
    assert "is in the file outside, of 2 March 2026, 10:15" in company.text
    assert company.verify()
    assert company.verdict() == "Yes, as far as a log can prove it"
    assert "every entry was read again, and everything held" in company.text
    company.now += timedelta(days=36)
    company.sign()
    assert company.verdict() == "Yes, when it was last verified"


def test_a_changed_row_takes_the_answer_back(company: Company) -> None:
    """The verification that found it is remembered, and stands until one that held."""
    company.record()
    company.record()
    company.sign()
    assert company.verify()
    company.change("(SELECT body FROM entry WHERE place % 1099511627776 = 1)")
    assert not company.verify()
    assert company.verdict() == "No"
    assert "faults were found" in company.text


def test_a_verification_that_a_key_tells_of_is_none(company: Company) -> None:
    """Whoever may record can record such an entry too; the page believes the log's own alone."""
    company.record()
    company.sign()
    forged = NewEntry(
        action="activity_log.verified",
        occurred_at=company.now,
        actor=ANNA,
        target=Item(type="log", id=ORG),
        origin=WEB,
    )
    company.deployment.log(ORG).record_many([forged], source=Item(type="source", id="k-1", name="HR system"))
    company.sign()
    assert company.verdict() == "Probably"
    company.deployment.log(ORG).record_many([forged])  # the control: it is the source that matters
    company.sign()
    assert company.verdict() == "Yes, as far as a log can prove it"


def test_what_cannot_be_read_is_said(company: Company) -> None:
    """Where a body is no entry any more the page says so, instead of nothing at all."""
    company.record()
    company.sign()
    company.deployment.close()
    company.change("x'7b7d'")
    damaged = Company(company.file.parent, outside=True, create=False)
    with damaged.client:
        assert damaged.verdict() == "No"
        assert "cannot be read" in damaged.text
    damaged.deployment.close()


def test_without_a_copy_it_is_the_owners_word(tmp_path: Path) -> None:
    """A log that nobody outside has a head of is not proved against its owner, however often it was verified."""
    alone = Company(tmp_path, outside=False)
    with alone.client:
        alone.record()
        alone.sign()
        assert alone.verify()
        alone.sign()
        assert alone.verdict() == "Only with its owner's word"
        assert "outside_file" in alone.text
    alone.deployment.close()


def test_a_file_outside_that_is_another_log_s(company: Company, tmp_path: Path) -> None:
    """A head of other keys or another log is no copy of this one; a damaged file is none either."""
    company.record()
    company.sign()
    (tmp_path / "outside.txt").write_text("++\nelsewhere/acme\n1\nAAAA\n\n--\n")
    assert company.verdict() == "Only with its owner's word"
    assert "or cannot be read" in company.text


def test_a_restart_is_said(company: Company) -> None:
    """An epoch that began anew is named with its entry."""
    company.record()
    company.sign()
    assert company.verdict() == "Probably"
    assert "never had to go on" in company.text
    assert "began a new tree" not in company.text
    company.deployment.restart(company.file.parent / "outside.txt", always=True)
    company.sign()
    company.verdict()
    assert "began a new tree" in company.text
    assert RESTORER.kind == "system"


def shown(action: str, at: datetime) -> Shown:
    """A verification that was remembered."""
    made = dict.fromkeys(Shown.__struct_fields__)
    return Shown(**(made | {"action": action, "occurred_at": at.isoformat()}))  # type: ignore[arg-type]


GOOD = Trust(size=9, signed=SignedHead(9, BEGUN), keeps_outside=True, outside=SignedHead(9, BEGUN))
HELD = shown("activity_log.verified", BEGUN)


@pytest.mark.parametrize(
    ("facts", "verified", "verdict"),
    [
        (GOOD, HELD, "yes"),
        (GOOD, None, "unverified"),
        (GOOD, shown("activity_log.verification_failed", BEGUN), "faulty"),
        (GOOD, shown("activity_log.verified", BEGUN - timedelta(days=36)), "old"),
        (structs.replace(GOOD, outside=None), HELD, "alone"),
        (structs.replace(GOOD, signed=None), HELD, "unsigned"),
        (structs.replace(GOOD, signed=SignedHead(8, BEGUN)), HELD, "yes"),
        (structs.replace(GOOD, signed=SignedHead(8, BEGUN - timedelta(hours=2))), HELD, "unsigned"),
        (structs.replace(GOOD, signed=SignedHead(8, None)), HELD, "unsigned"),
        (structs.replace(GOOD, signed=None, refused="other keys"), HELD, "refused"),
    ],
)
def test_the_worst_is_said(facts: Trust, verified: Shown | None, verdict: str) -> None:
    """`yes` only where nothing is missing."""
    assert judged(facts, verified, BEGUN) == verdict


def test_only_whoever_may_read_proofs_is_given_them(company: Company) -> None:
    """The downloads stand there for who may have them; everybody is told how to check."""
    company.record()
    company.sign()
    company.verdict()
    assert "/log/nordlys/checkpoint" not in company.text
    assert "Ask somebody who may read proofs" in company.text
    company.role = "auditor"
    company.verdict()
    assert "/log/nordlys/checkpoint" in company.text


def test_each_key_is_shown_with_the_sizes_that_it_signs(company: Company) -> None:
    """Once there is another; the last head of the new one is the log's own as before."""
    company.record()
    company.sign()
    company.verdict()
    assert f"{format_key(KeyRange(company.deployment.verifier_keys(ORG)[0]))}</code>" in company.text
    company.deployment.rotate_keys(company.file.parent / "log.db.signing")
    company.record()
    company.sign()
    assert company.verdict() == "Probably"
    ranges = company.deployment.key_ranges(ORG)
    assert all(range_.first or range_.after for range_ in ranges)
    assert all(f"{format_key(range_)}</code>" in company.text for range_ in ranges)


def test_who_may_has_it_verified_and_who_may_not_knows_whom_to_ask(company: Company) -> None:
    """Pressed without a script: how far it is stands on the page, and then its outcome as the answer."""
    company.record()
    company.sign()
    same_site = {"Sec-Fetch-Site": "same-origin"}

    def press() -> int:
        session = company.deployment.credentials.new_session(ORG, company.reader, [company.role])
        headers = {"Cookie": f"__Host-trailbook={session}", **same_site}
        return company.client.post(PAGE, headers=headers, follow_redirects=False).status_code

    assert company.verdict() == "Probably"
    assert "Not with your role. <bdi>Ask whoever administers roles.</bdi>" in company.text
    assert press() == 403
    by = By(company.deployment, operator(ORG))
    for id_, name, role in (("u-1", "Tuomas", "auditor"), ("u-2", "Ylva", "hr"), ("u-3", "Åse", "auditor")):
        put_member(by, Item(type="user", id=id_, name=name), [role])
    disable_member(by, "user", "u-3", disabled=True)
    assert company.verdict() == "Probably"
    assert "Not with your role. <bdi>Ask Tuomas.</bdi>" in company.text
    assert "<button" not in company.text.partition('id="verify"')[2].partition("</section>")[0]
    company.role = "auditor"
    assert company.verdict() == "Probably"
    assert "Ask Tuomas" not in company.text
    assert press() == 303
    far = company.client.app.state.verifying  # what is asked of it is told on the page
    while far.of(ORG) is not None:
        company.verdict()
        part = company.text.partition('id="verify"')[2].partition("</section>")[0]
        assert far.of(ORG) is None or (
            "under way, started" in part and "<progress" in part and "<button" not in part
        )
    assert company.verdict() == "Yes, as far as a log can prove it"
    assert 'method="post"' in company.text.partition('id="verify"')[2].partition("</section>")[0]


@pytest.mark.parametrize("indexed", [False, True])
def test_what_can_be_read_is_shown(tmp_path: Path, indexed: bool) -> None:
    """Where one entry is damaged the others are listed, and the page says which place cannot be read."""
    begun = Company(tmp_path, outside=True)
    for _ in range(
        300
    ):  # the damage is not in the tile that grows: there nothing could be recorded, nor answered
        begun.record()
    begun.deployment.log(ORG).record(
        "user.profile_updated", actor=ANNA, target=Item(type="user", id="u-17", name="Anna Berg"), origin=WEB
    )
    begun.sign()
    if indexed:
        assert begun.deployment.log(ORG).count(Query(), viewer=operator(ORG))[0]
    else:
        begun.deployment.close()
    begun.change("x'7b7d'", 1)
    company = begun if indexed else Company(tmp_path, outside=True, create=False)
    company.reader, company.role = begun.reader, begun.role
    with company.client:
        for asked in ("category.not=activity_log", "category=roles", "category=roles&group=day"):
            asked = f"{asked}&order=asc&limit=25"
            session = company.deployment.credentials.new_session(ORG, company.reader, [company.role])
            headers = {"Cookie": f"__Host-trailbook={session}"}
            answer = company.client.get(f"/orgs/{ORG}/activity?{asked}", headers=headers)
            assert answer.status_code == 200, answer.text
            rows = answer.text.count('<li class="row"')
            assert rows == (24 if indexed or "not" in asked else 25)
            known = indexed or "not" in asked  # of what was never read nobody knows the category
            assert ("place 1 in the log" in answer.text) is known
            assert (f'/orgs/{ORG}/activity/trust">' in answer.text.partition('role="alert"')[2]) is known
        facets = company.client.get(f"/api/v1/orgs/{ORG}/facets?by=category", headers=headers)
        assert all(value["value"] for value in facets.json()["values"])
    company.deployment.close()


def test_others_who_have_seen_the_head_are_counted_with_how_long_ago(tmp_path: Path) -> None:
    """A head that somebody else has seen is kept elsewhere; who lags behind is named with what they saw."""
    clock = FrozenClock()
    second = tmp_path / "second"
    second.mkdir()
    with (
        witnessing_server(tmp_path, clock) as first,
        witnessing_server(second, clock, "other.example/2") as other,
    ):
        signs = Signs(witnesses=(first.witness, other.witness), places=(first.place, other.place))
        company = Company(tmp_path, outside=False, signs=signs)
        keys = company.deployment.signing.keyring.verifiers(f"localhost/{ORG}")
        with company.client:
            clock.at = company.now
            company.record()
            company.sign()
            assert company.verify()
            company.sign()
            assert company.verdict() == "Only with its owner's word"
            assert "witness.example/1 has not seen any head yet. other.example/2 has not" in company.text
            for server in (first, other):
                server.knows({f"localhost/{ORG}": keys})
            signer = company.deployment.signer()
            [witnessing.ask(ORG) for witnessing in signer.witnessings if witnessing.due()]
            company.now += timedelta(minutes=3)
            assert company.verdict() == "Yes, as far as a log can prove it"
            assert "Seen by 2 of 2 witnesses: the signed head over 2 entries, last" in company.text
            assert "(3 minutes ago)." in company.text
            company.record()
            signer.sign(ORG)
            signer.witnessings[0].ask(ORG)
            company.now += timedelta(hours=3)
            assert company.verdict() == "Yes, as far as a log can prove it"
            size = company.deployment.trust(ORG).witnesses[0].size
            assert f"Seen by 1 of 2 witnesses: the signed head over {size} entries, last" in company.text
            assert "other.example/2 last saw the head over 2 entries, 2 March 2026" in company.text
            assert company.text.count("(3 hours ago).") == 2
        company.deployment.close()


LATE = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seen", "late"),
    [
        (Sighting(name="w"), True),
        (Sighting(name="w", size=3, at=LATE - timedelta(hours=2, seconds=1)), True),
        (Sighting(name="w", size=3, at=LATE - timedelta(hours=2)), False),
        (Sighting(name="w", size=3, at=LATE - timedelta(days=9), newest=True), False),
    ],
)
def test_a_witness_is_late_when_a_newer_head_is_hours_old(seen: Sighting, late: bool) -> None:
    assert seen.is_late(LATE) == late
