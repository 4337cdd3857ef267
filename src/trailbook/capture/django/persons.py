"""Whether `user/<id>` of the declarations is the person whom `user/<id>` of a signed-in user means.

Owns the check `trailbook.E005`. Without `TRAILBOOK["actor"]` whoever is signed in acts as `user/<pk>` of the user
model; a table of its own with people in it counts anew, and user 1 would be taken for person 1. Refuses what cannot be
shown to be the same: a callable as the id may give anything.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core import checks
from django.db.models import Model

from trailbook.capture.declarations import Part, Ref
from trailbook.capture.django.host import Host
from trailbook.capture.django.tables import Registered

SIGNED_IN = "user"  # the type of the item as which a signed-in user acts
_AUTH = "django.contrib.auth"


def mistaken_persons(host: Host) -> Iterator[checks.CheckMessage]:
    """The parts of declarations that would have whoever is signed in taken for somebody else."""
    if host.settings.actor is not None or not apps.is_installed(_AUTH):
        return
    user: type[Model] = get_user_model()
    label = user._meta.label
    hint = f'Register {label}, or say with TRAILBOOK["actor"] which person a signed-in user is.'
    for entry in host.registered.values():
        for name, part in _persons(entry):
            if not _is_key_of(user, entry.model, part):
                why = (
                    f'{name}: is not the primary key of {label}, by which a signed-in user is "{SIGNED_IN}/..." in the'
                    " log: who acts would be taken for somebody else"
                )
                yield checks.Error(why, hint, obj=entry.model, id="trailbook.E005")


def _persons(entry: Registered) -> Iterator[tuple[str, Part]]:
    """Where the ids of people stand in a row: by the name of the part that is declared."""
    tracked = entry.tracked
    if tracked.type == SIGNED_IN:
        yield "id", tracked.id
    for part, ref in tracked.concerns.items():
        if isinstance(ref, Ref) and ref.type == SIGNED_IN:
            yield part, ref.id


def _is_key_of(user: type[Model], model: type[Model], part: Part) -> bool:
    """Whether a part of a row is the key of the user model, itself or by way of foreign keys."""
    fields = model._meta.concrete_fields
    field = next((each for each in fields if part in (each.name, each.attname)), None)
    return field is not None and _origin(field) == _origin(user._meta.pk)


def _origin(field: Any) -> Any:
    """The field that a foreign key, or the link to a parent, has its values from."""
    while field.remote_field is not None:
        field = field.target_field
    return field
