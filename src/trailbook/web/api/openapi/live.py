"""The stream of what is recorded, as the document describes it."""

from trailbook.catalogue import Catalogue
from trailbook.web.api.openapi.reading import filters
from trailbook.web.api.openapi.shapes import FILTERED, ORG, Answer, Operation, query

_UNSTREAMED = ("order", "as_of")


def live(catalogue: Catalogue) -> tuple[Operation, ...]:
    """Live."""
    whole = {"type": "string", "pattern": "^(-1|0|[1-9][0-9]{0,14})$"}
    return (
        Operation(
            method="GET",
            path=f"{ORG}/live",
            name="followEntries",
            says="Follow what is recorded",
            scope="read",
            more="Server-sent events: `entry` has an entry and its `seq` as id, `checkpoint` the size of a new signed "
            "head, `end` says that the permission is gone. A comment every 15 seconds. `Last-Event-ID` goes on "
            "after that event; five streams a viewer.",
            parameters=(
                query("after", whole, "Go on after the event of this id; otherwise with what comes now."),
                *(p for p in filters(catalogue) if p["name"] not in _UNSTREAMED),
            ),
            answers={200: Answer(says="The stream.", forms={"text/event-stream": {"type": "string"}})},
            problems=(*FILTERED, "too-many-streams", "overloaded"),
        ),
    )
