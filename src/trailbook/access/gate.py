"""The gate: what a viewer may see of a log's entries, by their category.

Owns the one decision that every door to an entry asks for. Refuses whatever it does not recognise: what is no viewer,
a category that is not declared, and a restricted one that the viewer is not named for. What the log holds is none of
its business, so that no answer changes with the first entry of a category.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct

from trailbook.access.viewer import ACTIVITY_LOG, EVERY_CATEGORY, Viewer
from trailbook.catalogue import Category
from trailbook.errors import NotPermittedError


class Clearance(Struct, frozen=True, kw_only=True):
    """What a viewer who was let in may see: entries of these categories.

    `everything`: no declared category is kept from them. An operator, who holds the files, is `unbound`: they see
    what is declared no more as well, but for `kept_back`.
    """

    categories: frozenset[str]
    everything: bool
    unbound: bool
    kept_back: frozenset[str]

    def sees(self, category: str) -> bool:
        """Whether entries of a category are handed out."""
        return category in self.categories or (self.unbound and category not in self.kept_back)


def require_everything(clearance: Clearance) -> None:
    """Let a viewer have what shows every category at once, whatever the log holds. Raises: NotPermittedError."""
    if not clearance.everything:
        raise NotPermittedError(f"{ACTIVITY_LOG}, with nothing withheld")


def clearance(
    viewer: Viewer, org: str, *, required: Callable[[Viewer, str], None], declared: Mapping[str, Category]
) -> Clearance:
    """What a viewer may see of the log of `org`, once `required` has let them in.

    Raises: NotPermittedError, before anything is looked up; TypeError for what is no viewer.
    """
    if not isinstance(viewer, Viewer):
        raise TypeError("a log is read by a viewer")
    required(viewer, org)
    named, kept_back = frozenset(viewer.restricted), frozenset(viewer.withheld)
    unbound = EVERY_CATEGORY in named
    seen = frozenset(
        category.name
        for category in declared.values()
        if category.name not in kept_back and (unbound or not category.restricted or category.name in named)
    )
    return Clearance(
        categories=seen, everything=seen == declared.keys(), unbound=unbound, kept_back=kept_back
    )
