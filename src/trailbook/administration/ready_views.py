"""The ten questions HR and admin people ask, and those for review, as ready views: links with a filter.

Owns which filter answers which question. Refuses to hold text (the languages have it) or results.
"""

from msgspec import Struct

Pairs = tuple[tuple[str, str], ...]


class ReadyView(Struct, frozen=True):
    """A ready view; `asks` names the filter that the reader still has to fill in: actor or concerns."""

    name: str
    params: Pairs
    asks: str | None = None


_LATELY = ("date", "past-6-months")
_SETTINGS = (
    *("activity_log.settings_changed", "activity_log.access_changed", "activity_log.key_rotated"),
    *("activity_log.erased", "activity_log.pruned", "activity_log.restarted", "activity_log.suspended"),
)


def _of(*actions: str) -> Pairs:
    """Any of these actions."""
    return tuple(("action", action) for action in actions)


READY_VIEWS = (
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
# Beside the questions: what whoever looks after the log itself looks at again and again.
REVIEW_VIEWS = (
    ReadyView("denied", (("outcome", "denied"), _LATELY)),
    ReadyView("exports", (*_of("activity_log.exported", "export.completed", "export.downloaded"), _LATELY)),
    ReadyView(
        "access", (*_of("role.*", "permission.*", "api_key.*", "user.deactivated", "user.invited"), _LATELY)
    ),
    ReadyView("log-settings", (*_of(*_SETTINGS), _LATELY)),
)


def ready_view(name: str | None) -> ReadyView | None:
    """The ready view of a name, if there is one."""
    return next((view for view in (*READY_VIEWS, *REVIEW_VIEWS) if view.name == name), None)
