"""What was captured of the small Django host, and what should have been."""

from typing import Any

import msgspec
from django.db import connections
from tests.capture.django.company.models import Absence, Employee, Person, Role

from trailbook.capture import outbox
from trailbook.capture.django import DjangoDatabase
from trailbook.capture.folding import folded
from trailbook.catalogue import load
from trailbook.model import Actor

ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
CATALOGUE = load()
Rows = dict[tuple[str, Any], tuple[Any, ...]]
_MODELS = {
    "user": Person,
    "role": Role,
    "absence": Absence,
    "employee": Employee,
    "member": Role.members.through,
}
_COLUMNS = {"user": ("pk", "name", "email", "phone", "notes", "mentor"), "member": ("role", "person")}
_WORDS = {
    "user": {"updated": "profile_updated"},
    "employee": {"updated": "profile_updated"},
    "absence": {"created": "registered"},
    "member": {"created": "assigned", "deleted": "unassigned"},
}


def waiting(alias: str = "default") -> list[dict[str, Any]]:
    """Every entry in the outbox but for those of capture itself, folded as the drain would, in order."""
    with DjangoDatabase(alias).connect() as connection:
        rows = outbox.page(connection, 100_000)
    unfolded = folded(rows, lambda org, action: CATALOGUE.action(action).verb)
    entries = [msgspec.json.decode(each.text) for each in unfolded if not each.folds]
    return [entry for entry in entries if not entry["action"].startswith("activity_log.")]


def captured(alias: str = "default") -> list[tuple[str, str]]:
    """The action and target of every entry in the outbox, sorted."""
    targets = [(entry["action"], entry["target"]) for entry in waiting(alias)]
    return sorted((action, f"{target['type']}/{target['id']}") for action, target in targets)


def forget(alias: str = "default") -> None:
    """Empty the outbox."""
    with DjangoDatabase(alias).begin() as connection:
        connection.execute("DELETE FROM trailbook_outbox")


def rows() -> Rows:
    """Every registered row of the host as (type, key), and what is in it, but for what is declared to mean nothing."""
    contents: Rows = {}
    for kind, model in _MODELS.items():
        for row in model._base_manager.values_list(*_COLUMNS.get(kind, ())):
            values = tuple(str(value) for value in row)
            contents[kind, values[:2] if kind == "member" else values[0]] = values
    return contents


def changes(before: Rows, after: Rows) -> list[tuple[str, str]]:
    """The entries that a difference of rows has to have: what happened to which item, sorted."""
    entries = []
    for kind, key in before.keys() | after.keys():
        was, is_ = before.get((kind, key)), after.get((kind, key))
        if was != is_:
            verb = "created" if was is None else "deleted" if is_ is None else "updated"
            shown = {"employee": "user", "member": "role"}.get(kind, kind)
            word = _WORDS.get(kind, {}).get(verb, verb)
            entries.append((f"{shown}.{word}", f"{shown}/{key[0] if kind == 'member' else key}"))
    return sorted(entries)


def closed() -> None:
    """Every connection of this thread closed, as at the end of a request."""
    connections.close_all()
