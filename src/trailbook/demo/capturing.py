"""What the HR system captures of its own database: three tables whose every write is seen, whoever makes it.

Owns the declarations of people, salaries and roles given, covered by triggers, so that a script in SQL shows up like a
form does. Refuses to name a value, and to say what a business function says better: what it says folds these in.
"""

from pathlib import Path

from trailbook.capture import Capture, Ref
from trailbook.clock import Clock
from trailbook.demo.hr.people import FIELDS
from trailbook.demo.simulation.founding import ORG
from trailbook.demo.tables import Person, RoleAssignment, Salary

CATALOGUE = Path(__file__).parent / "catalogue"
_OF_A_PERSON = (
    *(
        "first_name",
        "last_name",
        "email",
        "phone",
        "address",
        "birth_date",
        "national_id",
        "notes",
        "job_title",
    ),
    *("department_id", "team_id", "location", "supervisor_id", "employment_type", "start_date", "end_date"),
    *("status", "photo"),
)


def capture_of(clock: Clock) -> Capture:
    """The declarations, for the engine of an hr.db."""
    capture = Capture(ORG, name="nordlys-hr", job="hr-script", folders=[CATALOGUE], clock=clock)
    capture.track(
        Person.__table__,
        type="user",
        actions={"created": "user.created", "updated": "user.profile_updated", "deleted": "user.deleted"},
        fields={column: FIELDS.get(column, column) for column in _OF_A_PERSON},
        by="triggers",
    )
    capture.track(
        Salary.__table__,
        type="salary",
        owner=Ref("user", "person_id"),
        actions={"created": "salary.added", "updated": "salary.updated", "deleted": "salary.deleted"},
        fields={"amount": "amount", "valid_from": "start_date", "currency": "currency"},
        by="triggers",
    )
    capture.track(
        RoleAssignment.__table__,
        type="role",
        id="role_id",
        concerns={"member": Ref("user", "person_id")},
        actions={"created": "role.assigned", "updated": "role.unassigned", "deleted": "role.unassigned"},
        by="triggers",
    )
    return capture
