"""Trailbook: an organisation's log of who did what, to what, about whom, and when.

from trailbook import Actor, Item, open_deployment

log = open_deployment("sqlite:///log.db", create=True).create("acme")
anna = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
log.record("role.assigned", actor=anna, target=Item(type="role", id="r-3", name="Manager"),
           concerns={"member": Item(type="user", id="u-42", name="Bob Li")})
"""

from trailbook.access import Viewer, operator
from trailbook.deployment import Deployment, open_deployment
from trailbook.log import Keys, Log
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
