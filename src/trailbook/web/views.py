"""The ten questions HR and admin people ask, as ready views: each is a link with a filter.

Owns which filter answers which question. Refuses to hold text (the languages have it) or results.
"""

from msgspec import Struct

Pairs = tuple[tuple[str, str], ...]


class ReadyView(Struct, frozen=True):
    """A ready view; `asks` names the filter that the reader still has to fill in: actor or concerns."""

    name: str
    params: Pairs
    asks: str | None = None


VIEWS = (
    ReadyView("own-profile", (("category", "users"), ("self", "true"), ("date", "last-month"))),
    ReadyView("integrations", (("category", "integrations"), ("date", "last-quarter"))),
    ReadyView("permissions-of", (("category", "permissions"), ("category", "roles")), "concerns"),
    ReadyView("review", (("category", "permissions"), ("category", "roles"), ("date", "past-6-months"))),
    ReadyView("new-hire", (), "concerns"),
    ReadyView("automation", (("actor_kind", "integration"), ("actor_kind", "system"))),
    ReadyView("skills", (("category", "competence"),)),
    ReadyView("absence-salary", (("category", "absence"), ("category", "salary"), ("date", "past-6-months"))),
    ReadyView("one-actor", (("date", "last-month"),), "actor"),
    ReadyView("auditor", (("date", "last-year"),)),
)


def view_named(name: str | None) -> ReadyView | None:
    """The ready view of a name, if there is one."""
    return next((view for view in VIEWS if view.name == name), None)
