"""A small host: people, roles, absences, an inherited model, a proxy, and one table that nobody registered."""

import uuid

from django.db import models

from trailbook.capture import Ref
from trailbook.capture.django import register

USER_ACTIONS = {"created": "user.created", "updated": "user.profile_updated", "deleted": "user.deleted"}


class Person(models.Model):
    """Somebody."""

    name = models.CharField(max_length=100)
    email = models.CharField(max_length=100, null=True)
    phone = models.CharField(max_length=20, null=True)
    seen = models.IntegerField(default=0)
    notes = models.JSONField(default=dict)
    mentor = models.ForeignKey("self", models.SET_NULL, null=True)

    class Meta:
        db_table = "app_user"


class Colleague(Person):
    """The same people, by another name."""

    class Meta:
        proxy = True


class Role(models.Model):
    """A role."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=100, unique=True)
    members = models.ManyToManyField(Person, related_name="roles")


class Desk(models.Model):
    """A table with a key of two columns; registered by some tests."""

    pk = models.CompositePrimaryKey("floor", "number")
    floor = models.IntegerField()
    number = models.IntegerField()
    label = models.CharField(max_length=100, null=True)
    person = models.ForeignKey(Person, models.CASCADE, null=True)


class Stamped(models.Model):
    """An abstract base."""

    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class Absence(Stamped):
    """An absence of somebody: an item without a name, with an owner, and a column of another name than its field."""

    person = models.ForeignKey(Person, models.CASCADE)
    reason = models.TextField(null=True)
    start = models.DateField(null=True, db_column="Begins on")


class Party(models.Model):
    """The base of an inherited model, in a table of its own; not registered itself."""

    name = models.CharField(max_length=100)


class Employee(Party):
    """Inherited: registered, with a table of its own for the rest."""

    title = models.CharField(max_length=100, null=True)


class Thing(models.Model):
    """The first of three levels, each in a table of its own; the last is registered by some tests."""

    name = models.CharField(max_length=100)


class Machine(Thing):
    """The level between."""

    maker = models.CharField(max_length=100, null=True)


class Press(Machine):
    """The third level."""

    size = models.IntegerField(null=True)


class Tool(Thing):
    """A level between that has nothing of its own."""


class Drill(Tool):
    """The third level."""

    size = models.IntegerField(null=True)


class Setting(models.Model):
    """A table that is not registered."""

    value = models.CharField(max_length=100)


def declare(by: str = "hooks") -> None:
    """What the small host says of itself; the inherited model is covered by hooks always."""
    register(
        Person,
        type="user",
        name="name",
        actions=USER_ACTIONS,
        fields=["email", "phone"],
        ignore=["seen"],
        by=by,
    )
    register(
        Role,
        type="role",
        name="name",
        actions={"created": "role.created", "updated": "role.updated", "deleted": "role.deleted"},
        fields=["name"],
        by=by,
    )
    register(
        Role.members.through,
        type="role",
        id="role",
        actions={"created": "role.assigned", "updated": None, "deleted": "role.unassigned"},
        concerns={"member": Ref("user", "person")},
        by=by,
    )
    register(
        Absence,
        type="absence",
        owner=Ref("user", "person_id"),
        actions={"created": "absence.registered", "updated": "absence.updated", "deleted": "absence.deleted"},
        fields={"start": "start_date"},
        by=by,
    )
    register(Employee, type="user", name="name", actions=USER_ACTIONS, fields={"title": "job_title"})
