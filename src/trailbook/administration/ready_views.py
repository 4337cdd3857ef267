"""The questions HR and admin people ask, and those for review, as ready views: links with a filter.

Owns which filter answers which question, and what it still needs: a name, or a file. Refuses to hold text (the
languages have it) or results.
"""

from typing import Literal

from msgspec import Struct

Pairs = tuple[tuple[str, str], ...]


class ReadyView(Struct, frozen=True):
    """A ready view; `asks` names the filter that the reader still has to fill in: actor or concerns.

    `part_of` is the question that it narrows, below which it stands; `exports`: its answer is a file.
    """

    name: str
    params: Pairs
    asks: Literal["actor", "concerns"] | None = None
    part_of: str | None = None
    exports: bool = False


_LATELY = ("date", "past-6-months")
_SETTINGS = (
    *("activity_log.settings_changed", "activity_log.access_changed", "activity_log.key_rotated"),
    *("activity_log.erased", "activity_log.pruned", "activity_log.restarted", "activity_log.suspended"),
)
_FOLDED = ("category.not", "activity_log")
# That something ran out, or soon will, is told by the clock: nobody gained or updated anything.
_REMINDERS = ("competence.expiry_announced", "competence.expired")
_ACCESS = ("role.*", "permission.*", "api_key.*", "user.deactivated", "user.invited")


def _of(*actions: str, field: str = "action") -> Pairs:
    """Any of these actions."""
    return tuple((field, action) for action in actions)


def _absence_and_salary(hours: str) -> Pairs:
    return (("category", "absence"), ("category", "salary"), ("hours", hours), _LATELY)


READY_VIEWS = (
    ReadyView("own-profile", (("category", "users"), ("self", "true"), ("date", "last-month"))),
    ReadyView(
        "integrations", (*_of("integration.user_sent", "webhook.delivery_failed"), ("date", "last-quarter"))
    ),
    ReadyView("integrations-received", (*_of("integration.user_received"), ("date", "last-quarter"))),
    ReadyView("permissions-of", (("category", "permissions"), ("category", "roles")), asks="concerns"),
    ReadyView("review", (("category", "permissions"), ("category", "roles"), _LATELY)),
    ReadyView("new-hire", (_FOLDED,), asks="concerns"),
    ReadyView("automation", (("actor_kind", "integration"), ("actor_kind", "system"))),
    ReadyView("skills", (("category", "competence"), *_of(*_REMINDERS, field="action.not"))),
    ReadyView("absence-salary", _absence_and_salary("outside")),
    ReadyView("absence-salary-night", _absence_and_salary("night"), part_of="absence-salary"),
    ReadyView("absence-salary-weekend", _absence_and_salary("weekend"), part_of="absence-salary"),
    ReadyView("one-actor", (("date", "last-month"),), asks="actor"),
    ReadyView("auditor", (("date", "last-year"),), exports=True),
)
# Beside the questions: what whoever looks after the log itself looks at again and again.
REVIEW_VIEWS = (
    ReadyView("denied", (("outcome", "denied"), _LATELY)),
    ReadyView("exports", (*_of("activity_log.exported", "export.completed", "export.downloaded"), _LATELY)),
    ReadyView("access", (*_of(*_ACCESS), _LATELY)),
    ReadyView("log-settings", (*_of(*_SETTINGS), _LATELY)),
)


def ready_view(name: str | None) -> ReadyView | None:
    """The ready view of a name, if there is one."""
    return next((view for view in (*READY_VIEWS, *REVIEW_VIEWS) if view.name == name), None)
