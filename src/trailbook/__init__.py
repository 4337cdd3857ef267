"""Trailbook: an organisation's log of who did what, to what, about whom, and when.

from trailbook import Actor, Item, Origin, open_deployment

log = open_deployment("sqlite:///log.db", create=True).create("acme")
anna = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
log.record("role.assigned", actor=anna, target=Item(type="role", id="r-3", name="Manager"),
           concerns={"member": Item(type="user", id="u-42", name="Bob Li")}, origin=Origin(interface="web"))
"""

from trailbook.front import front

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = front(__name__)
