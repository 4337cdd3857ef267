"""A registry: who may open a log and what they may do there, in parts that need nothing of each other.

Owns which parts there are. Each may come from another engine. Refuses to do anything itself.
"""

from msgspec import Struct

from trailbook.stores.access import Access
from trailbook.stores.api_keys import ApiKeys
from trailbook.stores.jobs import Jobs
from trailbook.stores.sessions import Sessions
from trailbook.stores.views import Views


class Registry(Struct, frozen=True, kw_only=True):
    """The parts of one registry."""

    keys: ApiKeys
    sessions: Sessions
    access: Access
    jobs: Jobs
    views: Views
