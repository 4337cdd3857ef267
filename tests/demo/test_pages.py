"""The HR pages: every entry's link opens its item, every form records one entry, and other sites are refused."""

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from trailbook import demo
from trailbook.capture.outbox_drain import Ways, list_quarantined, retry_quarantined
from trailbook.demo import entering, names, pages, script
from trailbook.demo import tables as t
from trailbook.demo.acting import JOB, Act, person_actor, system_actor
from trailbook.demo.hr import access, people
from trailbook.demo.looks import HEADERS
from trailbook.demo.system import HRSystem
from trailbook.errors import EntryInvalidError, StoreError
from trailbook.model import Item, NewEntry
from trailbook.recording.contract import Result

if TYPE_CHECKING:
    from tests.demo.conftest import Built, Recorder

NOW = datetime.now(UTC)
SAME = {"sec-fetch-site": "same-origin"}
BERG = "u-1013"


class Site:
    """The pages served from a copy of hr.db, with what they recorded."""

    def __init__(self, file: Path, recorder: "Recorder") -> None:
        self.file = file
        self.recorder = recorder
        self.hr = HRSystem(file, recorder, lambda: NOW)
        self.client: TestClient[Litestar] = TestClient(
            Litestar(pages.page_routes(self.hr)), base_url="http://testserver.local"
        )

    def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> int:
        """Send a form as a browser on the page would, and answer the status."""
        return self.client.post(
            path, data=form or {}, headers=headers or SAME, follow_redirects=False
        ).status_code

    def one(self) -> NewEntry:
        """The one entry recorded since the site began."""
        assert len(self.recorder.entries) == 1
        return self.recorder.entries[0]

    def rows(self) -> Session:
        """A look into hr.db from outside."""
        return Session(create_engine(f"sqlite:///{self.file}"))


@pytest.fixture
def site(built: "Built", tmp_path: Path) -> Iterator[Site]:
    """The pages over a copy of the built company."""
    file = tmp_path / "hr.db"
    shutil.copy(built.directory / demo.HR_FILE, file)
    found = Site(file, type(built.recorder)(built.recorder.catalogue, lambda: NOW))
    with found.client:
        yield found
    found.hr.close()


def test_every_link_of_an_entry_opens_a_page(site: Site, built: "Built") -> None:
    """S2: for each type with a link, the first, a middle and the last item recorded has a page of its own."""
    items: dict[str, dict[str, None]] = {}
    for entry in built.recorder.entries:
        for item in (entry.target, *entry.concerns):
            items.setdefault(item.type, {})[built.recorder.catalogue.link(item.type, item.id) or ""] = None
    assert items.keys() >= {"user", "role", "integration", "absence", "competence", "salary", "payslip"}
    for links in items.values():
        paths = list(links)
        for path in {paths[0], paths[len(paths) // 2], paths[-1]}:
            assert path.startswith("/hr/")
            found = site.client.get(path)
            assert (path, found.status_code) == (path, 200)
            assert found.text.count("<h1>") == 1


def test_an_item_that_never_was_is_not_found(site: Site) -> None:
    """The control of the test above, for each kind of path."""
    for path in ("/hr/people/u-9", "/hr/roles/none", "/hr/absences/abs-1", "/hr/nothing/x", "/hr/salaries/x"):
        assert site.client.get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/hr", "/hr?q=%C3%A5se", "/hr?left=true", "/hr/roles", "/hr/integrations", "/hr/teams/grid"]
)
def test_lists_are_pages_without_scripts_or_inline_style(site: Site, path: str) -> None:
    """P70: the header is exact, and nothing on the page needs more than it allows."""
    found = site.client.get(path)
    assert found.status_code == 200
    for name, value in HEADERS.items():
        assert found.headers[name] == value
    assert '<html lang="en">' in found.text
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", found.text)


def test_every_field_has_a_label(site: Site) -> None:
    """Each input and select of a person's page is named by a label, and each id stands once."""
    html = site.client.get(f"/hr/people/{BERG}").text
    fields = re.findall(r"<(?:input|select) id=\"([^\"]+)\"", html)
    assert len(fields) > 8
    for field in fields:
        assert f'<label for="{field}">' in html
        assert html.count(f'id="{field}"') == 1


def test_hostile_names_show_as_text(site: Site) -> None:
    """A name with markup is escaped wherever it stands."""
    assert site.post(f"/hr/people/{BERG}/position", {"job_title": "<img src=x onerror=alert(1)>"}) == 303
    html = site.client.get(f"/hr/people/{BERG}").text
    assert "<img" not in html
    assert "&lt;img" in html


def test_profile_is_saved_and_recorded_at_once(site: Site) -> None:
    """One entry, by the HR lead, with the names of what changed and nothing of what it became."""
    form = {"phone": "+47 99887766", "address": "Storgata 9", "location": "Oslo"}
    with site.rows() as rows:
        form["location"] = rows.get_one(t.Person, BERG).location
    answer = site.client.post(f"/hr/people/{BERG}/profile", data=form, headers=SAME, follow_redirects=False)
    assert answer.status_code == 303
    entry = site.one()
    assert (entry.action, entry.target.id, entry.fields) == (
        "user.profile_updated",
        BERG,
        ("address", "phone"),
    )
    assert (entry.actor.id, entry.actor.kind, entry.origin.interface) == (names.HR_LEAD, "person", "web")
    assert entry.occurred_at == NOW
    assert "99887766" not in repr(entry)
    with site.rows() as rows:
        assert rows.get_one(t.Person, BERG).phone == "+47 99887766"
    told = site.client.get(answer.headers["location"]).text
    assert f'href="/hr/log?concerns=user/{BERG}">Recorded in the activity log</a>' in told


def test_saving_what_is_there_records_nothing(site: Site) -> None:
    """The control of the test above."""
    with site.rows() as rows:
        person = rows.get_one(t.Person, BERG)
        form = {"phone": person.phone, "address": person.address, "location": person.location}
    assert site.post(f"/hr/people/{BERG}/profile", form) == 303
    assert site.recorder.entries == []


@pytest.mark.parametrize(
    ("path", "form", "action", "concerned"),
    [
        (
            f"/hr/people/{BERG}/position",
            {"job_title": "Planner of grids"},
            "user.position_changed",
            "subject",
        ),
        (f"/hr/people/{BERG}/roles", {"role": "department-head"}, "role.assigned", "member"),
        (f"/hr/people/{BERG}/competences", {"competence": "grid-design"}, "competence.added", "holder"),
        (
            f"/hr/people/{BERG}/absences",
            {
                "kind": "vacation",
                "first_day": "2026-12-01",
                "last_day": "2026-12-04",
                "note": names.CANARY_NOTE,
            },
            "absence.registered",
            "owner",
        ),
    ],
)
def test_a_form_of_a_person_records_one_entry(
    site: Site, path: str, form: dict[str, str], action: str, concerned: str
) -> None:
    """Each form: the right action, about that person, with no word of what was written."""
    assert site.post(path, form) == 303
    entry = site.one()
    assert entry.action == action
    assert [(c.part, c.id) for c in entry.concerns] == [(concerned, BERG)]
    assert not any(value in repr(entry) for value in names.CANARIES)


def test_a_role_is_taken_away_once(site: Site) -> None:
    """Taking a role records one entry; taking it again is refused and records none."""
    with site.rows() as rows:
        found = select(t.RoleAssignment).where(
            t.RoleAssignment.person_id == BERG, t.RoleAssignment.ended_at.is_(None)
        )
        given = rows.scalars(found).first()
        assert given is not None
    assert site.post(f"/hr/assignments/{given.id}/end") == 303
    assert (site.one().action, site.one().target.id) == ("role.unassigned", given.role_id)
    assert site.post(f"/hr/assignments/{given.id}/end") == 422
    assert len(site.recorder.entries) == 1


def test_a_permission_is_granted_and_revoked(site: Site) -> None:
    """Both ways of a role's page, one entry each; granting what is held is refused."""
    live = select(t.RolePermission).where(
        t.RolePermission.role_id == "recruiter", t.RolePermission.ended_at.is_(None)
    )
    with site.rows() as rows:
        held = {found.permission_id for found in rows.scalars(live)}
    free = next(key for key in names.PERMISSIONS if key not in held)
    assert site.post("/hr/roles/recruiter/permissions", {"permission": free}) == 303
    assert site.post("/hr/roles/recruiter/permissions", {"permission": free}) == 422
    with site.rows() as rows:
        given = rows.scalars(live.where(t.RolePermission.permission_id == free)).one()
    assert site.post(f"/hr/role-permissions/{given.id}/end") == 303
    assert [e.action for e in site.recorder.entries] == ["role.permission_granted", "role.permission_revoked"]
    assert all(e.target.id == "recruiter" for e in site.recorder.entries)


def test_a_salary_is_changed_without_its_amount(site: Site) -> None:
    """S3: the amount is in hr.db and not in the entry."""
    with site.rows() as rows:
        salary = rows.scalars(select(t.Salary).where(t.Salary.person_id == BERG)).one()
    assert site.post(f"/hr/salaries/{salary.id}", {"amount": "777123.45"}) == 303
    entry = site.one()
    assert (entry.action, entry.target.id, entry.concerns[0].id) == ("salary.updated", salary.id, BERG)
    assert "777123" not in repr(entry)
    with site.rows() as rows:
        assert rows.get_one(t.Salary, salary.id).amount == "777123.45"


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/hr/people/u-1013/position", {"job_title": ""}),
        ("/hr/people/u-1013/position", {"job_title": "a\u202eb"}),
        ("/hr/people/u-1013/roles", {"role": "emperor"}),
        (
            "/hr/people/u-1013/absences",
            {"kind": "vacation", "first_day": "2026-12-04", "last_day": "2026-12-01"},
        ),
        ("/hr/people/u-1013/absences", {"kind": "vacation", "first_day": "soon", "last_day": "2026-12-01"}),
        ("/hr/people/u-1013/competences", {}),
        ("/hr/signed-in-as", {"person": "u-9"}),
        ("/hr/people/u-1013/position", {"job_title": ["One", "Two"]}),
    ],
)
def test_bad_input_is_refused_by_name(site: Site, path: str, form: dict[str, object]) -> None:
    """A form that cannot be saved says which field, and records nothing."""
    answer = site.client.post(path, data=form, headers=SAME)
    assert answer.status_code == 422
    assert "could not be saved" in answer.text
    assert site.recorder.entries == []


def test_what_was_typed_stays_beside_what_is_wrong_with_it(site: Site) -> None:
    """A last day before the first: the form stands there again, filled in, with the field that is at fault."""
    form = {"kind": "vacation", "first_day": "2026-12-04", "last_day": "2026-12-01", "note": "Alps"}
    answer = site.client.post(f"/hr/people/{BERG}/absences", data=form, headers=SAME)
    assert "Last day lies before the first day." in answer.text
    assert 'value="2026-12-04"' in answer.text
    assert 'value="2026-12-01" aria-invalid="true" aria-describedby="wrong"' in answer.text
    assert 'value="Alps"' in answer.text
    assert "aria-invalid" not in site.client.get(f"/hr/people/{BERG}").text  # the control
    nobody = site.client.post("/hr/people/u-none/absences", data=form, headers=SAME)
    assert nobody.status_code == 404


def test_the_log_opens_for_whoever_is_signed_in(site: Site, built: "Built") -> None:
    """A link from HR leads to the log of whoever is chosen in HR, and never to that of another."""
    reading: list[Item | None] = [None]
    hr = site.hr
    routes = [
        *pages.page_routes(hr),
        *entering.entry_routes(hr, lambda item: f"/in/{item.id}", lambda _: reading[0]),
    ]
    with TestClient(Litestar(routes), base_url="http://testserver.local") as client:
        client.follow_redirects = False
        path = f"/hr/log?concerns=user/{BERG}"
        asks = client.get(path)
        assert (asks.status_code, "Open as Ingrid" in asks.text) == (200, True)
        opened = client.post(f"/hr/enter?person={names.HR_LEAD}", headers=SAME)
        assert (opened.status_code, opened.headers["location"]) == (303, f"/in/{names.HR_LEAD}")
        reading[0] = entering.item_of(entering.FOUR[0])
        assert client.get(path).headers["location"] == f"/orgs/nordlys/activity?concerns=user/{BERG}"
        client.post("/hr/signed-in-as", data={"person": names.IT_LEAD}, headers=SAME)
        assert "Open as Mikael" in client.get(path).text
        assert client.post("/hr/enter?person=nobody", headers=SAME).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 303),
        ({"origin": "http://testserver.local"}, 303),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "origin": "http://testserver.local"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({}, 403),
    ],
)
def test_only_the_site_itself_may_change_something(site: Site, headers: dict[str, str], status: int) -> None:
    """A form sent by another site changes nothing; the same form from here does."""
    form = {"job_title": "Chief of nothing"}
    answer = site.client.post(
        f"/hr/people/{BERG}/position", data=form, headers=headers, follow_redirects=False
    )
    assert answer.status_code == status
    assert len(site.recorder.entries) == (status == 303)


def test_somebody_else_signs_in_and_acts(site: Site) -> None:
    """The chosen person is the actor of what follows; choosing records nothing."""
    assert site.post("/hr/signed-in-as", {"person": names.IT_LEAD}) == 303
    assert site.recorder.entries == []
    assert site.post(f"/hr/people/{BERG}/roles", {"role": "department-head"}) == 303
    assert site.one().actor.id == names.IT_LEAD


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
    """F26: a log whose clock has gone wrong takes nothing; the change is made, and its entry is tried again later."""
    site.recorder.clock = lambda: datetime(2020, 1, 1, tzinfo=UTC)
    assert site.post(f"/hr/people/{BERG}/position", {"job_title": "Time traveller"}) == 303
    with site.rows() as rows:
        assert rows.get_one(t.Person, BERG).job_title == "Time traveller"
    assert site.recorder.entries == []
    assert [one.code for one in list_quarantined(site.hr.engine)] == ["time-ahead"]
    site.recorder.clock = lambda: NOW
    retry_quarantined(site.hr.engine, site.recorder, Ways(source=demo.SOURCE))
    assert site.one().action == "user.position_changed"


def test_a_log_that_does_not_answer_is_told_later(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """F26: the form is saved all the same, and the entry is there once the log answers."""

    def down(*_: object, **__: object) -> list[Result]:
        raise StoreError("the log does not answer")

    with monkeypatch.context() as gone:
        gone.setattr(site.recorder, "record_each", down)
        assert site.post(f"/hr/people/{BERG}/position", {"job_title": "Patient"}) == 303
        assert site.recorder.entries == []
    site.hr.drain()
    assert site.one().action == "user.position_changed"


def test_whoever_is_stopped_between_saving_and_telling(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """F26: what was saved and not told is told by whoever opens hr.db next, once."""
    with monkeypatch.context() as killed:
        killed.setattr(HRSystem, "drain", lambda self: None)
        assert site.post(f"/hr/people/{BERG}/position", {"job_title": "Sudden"}) == 303
        site.hr.close()
    assert site.recorder.entries == []
    site.hr = HRSystem(site.file, site.recorder, lambda: NOW)
    assert site.one().action == "user.position_changed"
    site.hr.drain()
    assert len(site.recorder.entries) == 1


def test_what_is_rolled_back_is_not_told(site: Site) -> None:
    """F26: no phantom: neither what was said nor what the triggers saw."""

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
    told = site.recorder.entries
    assert sorted(entry.target.id for entry in told) == sorted(there)
    assert {(e.action, e.fields, e.actor.kind) for e in told} == {
        ("user.profile_updated", ("location",), "system")
    }
    assert "Drammen" not in str(told)
    assert script.main([str(site.file.parent), "Atlantis", "Oslo"]) == 1


def test_a_nightly_job_acts_as_itself(site: Site) -> None:
    """Who: the system, named after the job, from the interface `job`; never whoever was signed in last."""
    with site.hr.working() as work:
        given = work.session.scalars(select(t.RoleAssignment).filter_by(ended_at=None)).first()
        assert given is not None
        act = Act(hr=work, at=NOW, actor=system_actor("access-expiry", "Access expiry"), origin=JOB)
        access.unassign_role(act, given)
    entry = site.one()
    assert (entry.action, entry.actor.id, entry.origin.interface) == (
        "role.unassigned",
        "access-expiry",
        "job",
    )
