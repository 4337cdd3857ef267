"""What operators ask, as the document describes it."""

from trailbook.deployment import HEALTH_PARTS
from trailbook.web.api.openapi.shapes import Answer, Operation, answer, ref
from trailbook.web.http.media import JSON

PART_WORDS = ", ".join(f"`{part}`" for part in HEALTH_PARTS)


def operators() -> tuple[Operation, ...]:
    def plain(path: str, name: str, says: str, *, answers: dict[int, Answer]) -> Operation:
        return Operation(method="GET", path=path, name=name, says=says, answers=answers)

    health = {JSON: ref("Health")}
    return (
        plain(
            "/healthz",
            "health",
            "Whether the process lives",
            answers={200: Answer(says="It does.", forms=health)},
        ),
        plain(
            "/readyz",
            "readiness",
            "Whether it can answer",
            answers={
                200: Answer(says="It can.", forms=health),
                503: Answer(says=f"It cannot; `failing` names what is wrong: {PART_WORDS}.", forms=health),
            },
        ),
        plain("/version", "version", "Which Trailbook this is", answers={200: answer("It.", "Version")}),
        plain(
            "/openapi.json",
            "openapi",
            "This document",
            answers={200: Answer(says="The document.", forms={JSON: {"type": "object"}})},
        ),
    )
