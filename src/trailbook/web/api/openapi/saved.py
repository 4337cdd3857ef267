"""Saved views, as the document describes them."""

from trailbook.web.api.openapi.shapes import ADMITTED, FILTERED, ORG, Answer, Operation, answer, ref
from trailbook.web.api.views import ViewAnswer, ViewList, ViewSent
from trailbook.web.http.media import JSON

VIEW_SHAPES = (ViewSent, ViewAnswer, ViewList)
_CHANGE = (*ADMITTED, "cross-site", "storage-full", "not-yours")
_SENT = (*FILTERED, *_CHANGE, "media-type", "invalid", "too-large", "name-taken", "overloaded")


def saved() -> tuple[Operation, ...]:
    """Filters with a name: one's own, and those that are shared."""
    path = f"{ORG}/views"
    return (*_views(path), *_view(f"{path}/{{view}}"))


def _views(path: str) -> tuple[Operation, ...]:
    return (
        Operation(
            method="GET",
            path=path,
            name="listViews",
            says="The saved views",
            scope="read",
            answers={200: answer("One's own and those that are shared, by name.", "ViewList")},
            problems=ADMITTED,
        ),
        Operation(
            method="POST",
            path=path,
            name="saveView",
            says="Save a filter as a view",
            scope="read",
            more="Items are kept as the log's own numbers: a renamed one is still found, and a view of somebody who "
            "was erased goes with them. A preset stays a preset. Saving, changing and removing are entries.",
            sends={JSON: ref("ViewSent")},
            answers={
                201: Answer(says="Saved.", forms={JSON: ref("ViewAnswer")}, headers=("Location",)),
            },
            problems=(*_SENT, "too-many-views"),
        ),
    )


def _view(path: str) -> tuple[Operation, ...]:
    shown = answer("The view.", "ViewAnswer")
    return (
        Operation(
            method="GET",
            path=path,
            name="readView",
            says="One saved view",
            scope="read",
            answers={200: shown},
            problems=ADMITTED,
        ),
        Operation(
            method="PUT",
            path=path,
            name="changeView",
            says="Change a saved view",
            scope="read",
            more="Of a view that somebody else shares, `default` and `alert` are the caller's own and may be changed.",
            sends={JSON: ref("ViewSent")},
            answers={200: shown},
            problems=_SENT,
        ),
        Operation(
            method="DELETE",
            path=path,
            name="removeView",
            says="Remove a saved view",
            scope="read",
            answers={204: Answer(says="Removed.")},
            problems=_CHANGE,
        ),
    )
