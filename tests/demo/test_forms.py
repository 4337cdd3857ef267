"""The HR forms: each records one entry without a word of what was written, or is refused by name and records none."""

import pytest
from sqlalchemy import select
from tests.demo.conftest import BERG, NOW, SAME, Site

from trailbook.demo import names, tables as t


def test_profile_is_saved_and_recorded_at_once(site: Site) -> None:
    """One entry, by the HR lead, with the names of what changed and nothing of what it became."""
    form = {"phone": "+47 99887766", "address": "Storgata 9", "location": "Oslo"}
    with site.rows() as rows:
        form["location"] = rows.get_one(t.Person, BERG).location
    answer = site.client.post(f"/hr/people/{BERG}/profile", data=form, headers=SAME, follow_redirects=False)
    assert answer.status_code == 303
    entry = site.entry()
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
    page = site.client.get(answer.headers["location"]).text
    assert f'href="/hr/log?concerns=user/{BERG}">Recorded in the activity log</a>' in page


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
    entry = site.entry()
    assert entry.action == action
    assert [(c.part, c.id) for c in entry.concerns] == [(concerned, BERG)]
    assert not any(value in repr(entry) for value in names.CANARIES)


def test_a_role_is_taken_away_once(site: Site) -> None:
    """Taking a role records one entry; taking it again is refused and records none."""
    with site.rows() as rows:
        query = select(t.RoleAssignment).where(
            t.RoleAssignment.person_id == BERG, t.RoleAssignment.ended_at.is_(None)
        )
        given = rows.scalars(query).first()
        assert given is not None
    assert site.post(f"/hr/assignments/{given.id}/end") == 303
    assert (site.entry().action, site.entry().target.id) == ("role.unassigned", given.role_id)
    assert site.post(f"/hr/assignments/{given.id}/end") == 422
    assert len(site.recorder.entries) == 1


def test_a_permission_is_granted_and_revoked(site: Site) -> None:
    """Both ways of a role's page, one entry each; granting what is held is refused."""
    live = select(t.RolePermission).where(
        t.RolePermission.role_id == "recruiter", t.RolePermission.ended_at.is_(None)
    )
    with site.rows() as rows:
        held = {grant.permission_id for grant in rows.scalars(live)}
    free = next(key for key in names.PERMISSIONS if key not in held)
    assert site.post("/hr/roles/recruiter/permissions", {"permission": free}) == 303
    assert site.post("/hr/roles/recruiter/permissions", {"permission": free}) == 422
    with site.rows() as rows:
        given = rows.scalars(live.where(t.RolePermission.permission_id == free)).one()
    assert site.post(f"/hr/role-permissions/{given.id}/end") == 303
    assert [e.action for e in site.recorder.entries] == ["role.permission_granted", "role.permission_revoked"]
    assert all(e.target.id == "recruiter" for e in site.recorder.entries)


def test_a_salary_is_changed_without_its_amount(site: Site) -> None:
    """The amount is in hr.db and not in the entry."""
    with site.rows() as rows:
        salary = rows.scalars(select(t.Salary).where(t.Salary.person_id == BERG)).one()
    assert site.post(f"/hr/salaries/{salary.id}", {"amount": "777123.45"}) == 303
    entry = site.entry()
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


def test_somebody_else_signs_in_and_acts(site: Site) -> None:
    """The chosen person is the actor of what follows; choosing records nothing."""
    assert site.post("/hr/signed-in-as", {"person": names.IT_LEAD}) == 303
    assert site.recorder.entries == []
    assert site.post(f"/hr/people/{BERG}/roles", {"role": "department-head"}) == 303
    assert site.entry().actor.id == names.IT_LEAD
