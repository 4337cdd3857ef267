"""People: hiring, inviting, changing profiles and positions, leaving, and whom to call in an emergency.

Owns the tables `person`, `person_change`, `emergency_contact` and `user_field`. Values before and after a
change are kept in the HR system's own history; the log hears only which fields changed.
"""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from trailbook.demo.acting import Act
from trailbook.demo.tables import EmergencyContact, EmergencyContactChange, Person, PersonChange, UserField
from trailbook.model import Item

FIELDS = {  # a column of `person` as the log calls it, where the two differ
    "department_id": "department",
    "team_id": "team",
    "supervisor_id": "supervisor",
    "notes": "custom_fields",
}


def field_names(changes: Mapping[str, object]) -> tuple[str, ...]:
    """The names of changed columns as the log knows them."""
    return tuple(FIELDS.get(column, column) for column in changes)


def hire(act: Act, person: Person) -> None:
    """Register a new person."""
    act.hr.add(person)
    _changed(act, person, "created")
    act.tell("user.created", person.item, effective_at=person.start_date.isoformat())


def invite(act: Act, person: Person, again: bool = False) -> None:
    """Send the invitation to sign in, or send it again."""
    what = "invite_resent" if again else "invited"
    _changed(act, person, what)
    act.tell(f"user.{what}", person.item)


def activate(act: Act, person: Person) -> None:
    """Open the account; usually the person does it by following the invitation."""
    person.status = "active"
    _changed(act, person, "activated")
    act.tell("user.activated", person.item, fields=("status",))


def update_profile(act: Act, person: Person, changes: Mapping[str, object]) -> None:
    """Change what a profile says."""
    before, after = _apply(person, changes)
    _changed(act, person, "profile_updated", before=before, after=after)
    act.tell("user.profile_updated", person.item, fields=field_names(changes))


def update_sensitive(act: Act, person: Person, changes: Mapping[str, object]) -> None:
    """Change a field that few may see, such as the national id."""
    before, after = _apply(person, changes)
    _changed(act, person, "sensitive_field_updated", before=before, after=after)
    act.tell("user.sensitive_field_updated", person.item, fields=field_names(changes))


def change_email(act: Act, person: Person, email: str) -> None:
    """Change the address that a person signs in with."""
    before, after = _apply(person, {"email": email})
    _changed(act, person, "email_changed", before=before, after=after)
    act.tell("user.email_changed", person.item, fields=("email",))


def change_photo(act: Act, person: Person) -> None:
    """Put another photo on a profile."""
    person.photo = f"{act.hr.key('photo')}.jpg"
    _changed(act, person, "photo_changed")
    act.tell("user.photo_changed", person.item, fields=("photo",))


def change_position(act: Act, person: Person, changes: Mapping[str, object]) -> None:
    """Give a person another title, team, department or place of work, from a day on."""
    before, after = _apply(person, changes)
    _changed(act, person, "position_changed", before=before, after=after)
    effective = act.at.date().replace(day=1).isoformat()
    act.tell("user.position_changed", person.item, fields=field_names(changes), effective_at=effective)


def change_employment(act: Act, person: Person, employment_type: str) -> None:
    """Move a person between permanent, temporary and so on."""
    before, after = _apply(person, {"employment_type": employment_type})
    _changed(act, person, "employment_type_changed", before=before, after=after)
    act.tell("user.employment_type_changed", person.item, fields=("employment_type",))


def change_supervisor(act: Act, person: Person, supervisor: Person) -> None:
    """Give a person another supervisor."""
    previous = act.hr.get(Person, person.supervisor_id) if person.supervisor_id else None
    person.supervisor_id = supervisor.id
    was = previous.id if previous else None
    act.write(
        PersonChange,
        person_id=person.id,
        what="supervisor_changed",
        **{**_nothing(), "supervisor_id": supervisor.id, "previous_supervisor_id": was},
    )
    parts = {"supervisor": supervisor.item, **({"previous_supervisor": previous.item} if previous else {})}
    act.tell("user.supervisor_changed", person.item, parts=parts, fields=("supervisor",))


def schedule_termination(act: Act, person: Person, last_day: date) -> None:
    """Note somebody's last day of work."""
    person.end_date = last_day
    _changed(act, person, "termination_scheduled", after=last_day.isoformat())
    effective = last_day.isoformat()
    act.tell("user.termination_scheduled", person.item, fields=("end_date",), effective_at=effective)


def terminate(act: Act, person: Person) -> UUID:
    """End the employment; the entry's id is the cause of what follows."""
    person.status = "left"
    _changed(act, person, "terminated")
    return act.tell("user.terminated", person.item, fields=("status",))


def deactivate(act: Act, person: Person) -> None:
    """Close the account."""
    _changed(act, person, "deactivated")
    act.tell("user.deactivated", person.item, fields=("status",))


def merge(act: Act, person: Person, duplicate: Person) -> None:
    """Fold an account that was made twice into the one that stays."""
    duplicate.status = "merged"
    _changed(act, person, "merged", after=duplicate.id)
    act.tell("user.merged", person.item, parts={"merged": duplicate.item})
    _changed(act, duplicate, "archived")
    act.tell("user.archived", duplicate.item, fields=("status",))


def add_contact(act: Act, person: Person, *, name: str, phone: str) -> EmergencyContact:
    """Add somebody to call in an emergency."""
    contact = EmergencyContact(
        id=act.hr.key("ec"), person_id=person.id, name=name, phone=phone, added_at=act.at, added_by=act.by
    )
    act.hr.add(contact)
    act.tell("emergency_contact.added", _contact_item(contact), parts={"owner": person.item})
    return contact


def update_contact(act: Act, contact: EmergencyContact, phone: str) -> None:
    """Change an emergency contact's number."""
    person = act.hr.get(Person, contact.person_id)
    act.write(EmergencyContactChange, contact_id=contact.id, before=contact.phone, what="updated")
    contact.phone = phone
    target, parts = _contact_item(contact), {"owner": person.item}
    act.tell("emergency_contact.updated", target, parts=parts, fields=("phone",))


def define_field(act: Act, field_id: str, name: str) -> UserField:
    """Add a field to everybody's profile."""
    field = UserField(id=field_id, name=name, created_at=act.at, created_by=act.by)
    act.hr.add(field)
    act.tell("user_field.created", Item(type="user_field", id=field_id, name=name))
    return field


def _contact_item(contact: EmergencyContact) -> Item:
    return Item(type="emergency_contact", id=contact.id)


def _apply(person: Person, changes: Mapping[str, object]) -> tuple[str, str]:
    before = "; ".join(f"{column}={getattr(person, column)}" for column in changes)
    for column, value in changes.items():
        setattr(person, column, value)
    return before, "; ".join(f"{column}={value}" for column, value in changes.items())


def _nothing() -> dict[str, str | None]:
    return dict.fromkeys(("supervisor_id", "previous_supervisor_id", "before", "after"))


def _changed(act: Act, person: Person, what: str, **content: str) -> None:
    row = {**_nothing(), **content}
    act.write(PersonChange, person_id=person.id, what=what, **row)
