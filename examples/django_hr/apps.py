"""What each row is in the activity log, and the first two people, who come with the tables."""

from datetime import date
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from trailbook.capture import Ref, acting_as, system
from trailbook.capture.django import register


class HrConfig(AppConfig):
    name = "examples.django_hr"
    label = "hr"

    def ready(self) -> None:
        """Declare the models: from here on every change of theirs is captured, whoever makes it."""
        person, absence, role = (self.get_model(name) for name in ("Person", "Absence", "RoleGiven"))
        register(
            person,
            type="user",
            name="name",
            fields={"name": "last_name", "phone": "phone"},
            ignore=["last_login"],
            actions={"created": "user.created", "updated": "user.profile_updated", "deleted": "user.deleted"},
        )
        register(
            absence,
            type="absence",
            owner=Ref("user", "person_id"),
            fields={"starts": "start_date"},
            actions={
                "created": "absence.requested",
                "updated": "absence.updated",
                "deleted": "absence.deleted",
            },
        )
        register(
            role,
            type="role",
            id="role",
            name="role",
            concerns={"member": Ref("user", "person_id")},
            actions={"created": "role.assigned", "updated": None, "deleted": "role.unassigned"},
        )
        post_migrate.connect(first_day, sender=self)


def first_day(sender: AppConfig, **more: Any) -> None:
    person, absence = sender.get_model("Person"), sender.get_model("Absence")
    if person.objects.exists():
        return
    with acting_as(system("first-day")):
        people = {"is_staff": True, "is_superuser": True}
        person.objects.create(id=1, username="anna", name="Anna Berg", **people)
        person.objects.create(id=2, username="bob", name="Bob Li", **people)
        absence.objects.create(person_id=2, starts=date(2026, 12, 21))
