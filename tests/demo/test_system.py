"""The HR system at work: rows and what is told of them together or neither, whatever breaks."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from tests.demo.conftest import BERG, NOW, Site

from trailbook import demo
from trailbook.capture.outbox_drain import Ways, list_quarantined, retry_quarantined
from trailbook.demo import script, tables as t
from trailbook.demo.acting import JOB, Act, person_actor, system_actor
from trailbook.demo.hr import access, people
from trailbook.demo.system import HRSystem
from trailbook.errors import EntryInvalidError, StoreError
from trailbook.recording.contract import Result


def doing(site: Site, what: Callable[[Act, t.Person], None]) -> None:
    """One unit of work by Berg about himself."""
    with site.hr.working() as work:
        person = work.get(t.Person, BERG)
        what(Act(hr=work, at=NOW, actor=person_actor(person), origin=JOB), person)


def test_what_the_rules_refuse_is_not_in_hr_db(site: Site) -> None:
    """Rows and what is told of them together or neither: what no log would take rolls the change back."""

    def wrongly(act: Act, person: t.Person) -> None:
        people.update_profile(act, person, {"location": "Nowhere"})
        act.tell("user.profile_updated", person.item, fields=("shoe_size",))

    with pytest.raises(EntryInvalidError):
        doing(site, wrongly)
    assert site.recorder.entries == []
    with site.rows() as rows:
        assert rows.get_one(t.Person, BERG).location != "Nowhere"


def test_what_the_log_refuses_is_kept_and_set_aside(site: Site) -> None:
    """A log whose clock has gone wrong takes nothing; the change is made, and its entry is tried again later."""
    site.recorder.clock = lambda: datetime(2020, 1, 1, tzinfo=UTC)
    assert site.post(f"/hr/people/{BERG}/position", {"job_title": "Time traveller"}) == 303
    with site.rows() as rows:
        assert rows.get_one(t.Person, BERG).job_title == "Time traveller"
    assert site.recorder.entries == []
    assert [row.code for row in list_quarantined(site.hr.engine)] == ["time-ahead"]
    site.recorder.clock = lambda: NOW
    retry_quarantined(site.hr.engine, site.recorder, Ways(source=demo.SOURCE))
    assert site.entry().action == "user.position_changed"


def test_a_log_that_does_not_answer_is_told_later(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form is saved all the same, and the entry is there once the log answers."""

    def down(*_: object, **__: object) -> list[Result]:
        raise StoreError("the log does not answer")

    with monkeypatch.context() as gone:
        gone.setattr(site.recorder, "record_each", down)
        assert site.post(f"/hr/people/{BERG}/position", {"job_title": "Patient"}) == 303
        assert site.recorder.entries == []
    site.hr.drain()
    assert site.entry().action == "user.position_changed"


def test_whoever_is_stopped_between_saving_and_telling(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was saved and not told is told by whoever opens hr.db next, once."""
    with monkeypatch.context() as killed:
        killed.setattr(HRSystem, "drain", lambda self: None)
        assert site.post(f"/hr/people/{BERG}/position", {"job_title": "Sudden"}) == 303
        site.hr.close()
    assert site.recorder.entries == []
    site.hr = HRSystem(site.file, site.recorder, lambda: NOW)
    assert site.entry().action == "user.position_changed"
    site.hr.drain()
    assert len(site.recorder.entries) == 1


def test_what_is_rolled_back_is_not_told(site: Site) -> None:
    """No phantom: neither what was said nor what the triggers saw."""

    def failing(act: Act, person: t.Person) -> None:
        people.update_profile(act, person, {"location": "Nowhere"})
        act.hr.flush()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        doing(site, failing)
    site.hr.drain()
    assert site.recorder.entries == []


def test_a_script_in_sql_shows_up(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """Issue of every admin: a statement past the HR system is one entry a person, by the database, no value in it."""
    site.recorder.clock = lambda: datetime.now(UTC)  # as the database, whose triggers say when it was
    with site.rows() as rows:
        there = [p.id for p in rows.query(t.Person).filter_by(location="Oslo", status="active")]
    assert script.main([str(site.file.parent), "Oslo", "Drammen"]) == 0
    assert f"{len(there)} people moved" in capsys.readouterr().out
    site.hr.drain()
    entries = site.recorder.entries
    assert sorted(entry.target.id for entry in entries) == sorted(there)
    assert {(e.action, e.fields, e.actor.kind) for e in entries} == {
        ("user.profile_updated", ("location",), "system")
    }
    assert "Drammen" not in str(entries)
    assert script.main([str(site.file.parent), "Atlantis", "Oslo"]) == 1


def test_a_nightly_job_acts_as_itself(site: Site) -> None:
    """Who: the system, named after the job, from the interface `job`; never whoever was signed in last."""
    with site.hr.working() as work:
        given = work.session.scalars(select(t.RoleAssignment).filter_by(ended_at=None)).first()
        assert given is not None
        act = Act(hr=work, at=NOW, actor=system_actor("access-expiry", "Access expiry"), origin=JOB)
        access.unassign_role(act, given)
    entry = site.entry()
    assert (entry.action, entry.actor.id, entry.origin.interface) == (
        "role.unassigned",
        "access-expiry",
        "job",
    )
