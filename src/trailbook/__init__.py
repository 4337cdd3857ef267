"""Trailbook: an organisation's log of who did what, to what, about whom, and when.

from trailbook import Actor, Item, Origin, open_deployment

log = open_deployment("sqlite:///log.db", create=True).create("acme")
anna = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
log.record("role.assigned", actor=anna, target=Item(type="role", id="r-3", name="Manager"),
           concerns={"member": Item(type="user", id="u-42", name="Bob Li")}, origin=Origin(interface="web"))
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trailbook.access.viewer import Viewer, operator
    from trailbook.deployment.deployment import Deployment
    from trailbook.deployment.opening import open_deployment
    from trailbook.log.log import Keys, Log
    from trailbook.model import Actor, Concern, Item, NewEntry, Origin, Receipt
    from trailbook.query import Query, Term

__all__ = [
    "Actor",
    "Concern",
    "Deployment",
    "Item",
    "Keys",
    "Log",
    "NewEntry",
    "Origin",
    "Query",
    "Receipt",
    "Term",
    "Viewer",
    "open_deployment",
    "operator",
]

__version__ = "0.1.0"

# Where each name lives. They are imported when asked for, so that `trailbook --help` does not wait for numpy.
_HOMES = {
    "access.viewer": ("Viewer", "operator"),
    "deployment.deployment": ("Deployment", "open_deployment"),
    "log.log": ("Keys", "Log"),
    "model": ("Actor", "Concern", "Item", "NewEntry", "Origin", "Receipt"),
    "query": ("Query", "Term"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"trailbook.{home}"), name)
    raise AttributeError(f"module 'trailbook' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
