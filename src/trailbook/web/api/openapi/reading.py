"""Finding, showing and exporting entries, as the document describes it, with every parameter of a filter."""

from trailbook.catalogue import Catalogue
from trailbook.export import FORMATS, Format
from trailbook.model import INTERFACES, KINDS, OUTCOMES
from trailbook.query import PRESETS
from trailbook.web.api.openapi.shapes import (
    ADMITTED,
    FILTERED,
    ORG,
    Answer,
    Operation,
    Schema,
    enum,
    query,
    ref,
    whole,
)
from trailbook.web.http.media import JSON
from trailbook.web.http.texts import LOCALES

_CSV_SAYS = (
    "A line an entry (RFC 4180), in UTF-8 with a byte order mark. A cell that a spreadsheet could run as a "
    "formula has an apostrophe before it: at its beginning or after a semicolon, before any of = + - @ ' tab "
    "CR LF and their full-width forms, blanks skipped; take it away and the text is as it was recorded."
)
_EXPORT_MORE = (
    "The file holds exactly what the filter finds at one `as_of`, whatever is recorded meanwhile. An error on "
    "the way breaks the transfer: a file that ended well is whole."
)

PAGING = (
    query("limit", whole(1, 200), "At most so many; otherwise 50."),
    query("cursor", {"type": "string", "minLength": 1, "maxLength": 512}, "From a former answer."),
)


def reading(catalogue: Catalogue) -> tuple[Operation, ...]:
    counting = query("count", enum("true", "false"), "Whether to count all that match, exactly.")
    return (
        Operation(
            method="GET",
            path=f"{ORG}/entries",
            name="findEntries",
            says="Find entries",
            scope="read",
            more="A parameter repeated means any of its values; different ones all hold; `name.not` excludes.",
            parameters=(*filters(catalogue), *PAGING, counting),
            answers={200: Answer(says="One page of entries.", forms={JSON: ref("Page")}, headers=("Link",))},
            problems=(*FILTERED, "cursor-invalid"),
        ),
        Operation(
            method="GET",
            path=f"{ORG}/entries/{{id}}",
            name="readEntry",
            says="Read one entry",
            scope="read",
            answers={200: Answer(says="The entry.", forms={JSON: ref("Shown")}, headers=("ETag",))},
            problems=(*ADMITTED, "entry-expired"),
        ),
    )


def names(catalogue: Catalogue) -> tuple[Operation, ...]:
    return (
        Operation(
            method="GET",
            path=f"{ORG}/items",
            name="findItems",
            says="Find people and items by name or id",
            scope="read",
            more="From what the log has recorded: people who left are found, erased ones are not.",
            parameters=(
                query(
                    "q", {"type": "string", "minLength": 1, "maxLength": 80}, "What was typed.", required=True
                ),
                query("role", enum("actor", "concerns", "target"), "What the item has been."),
                query("type", enum(*sorted(catalogue.types)), "Its type."),
                query("limit", whole(1, 20), "At most so many; otherwise 20."),
            ),
            answers={
                200: Answer(says="Items by name.", forms={JSON: {"type": "array", "items": ref("FoundItem")}})
            },
            problems=FILTERED,
        ),
        Operation(
            method="GET",
            path=f"{ORG}/catalogue",
            name="readCatalogue",
            says="What may be recorded here",
            scope="read",
            parameters=(query("lang", enum(*LOCALES), "The language of labels."),),
            answers={200: Answer(says="The catalogue.", forms={JSON: ref("CatalogueAnswer")})},
            problems=FILTERED,
        ),
    )


def exports(catalogue: Catalogue) -> tuple[Operation, ...]:
    def export(ending: Format, name: str, *, says: str) -> Operation:
        return Operation(
            method="GET",
            path=f"{ORG}/entries.{ending}",
            name=name,
            says=f"Export what the filter finds as {ending.upper()}",
            scope="read",
            more=f"{_EXPORT_MORE} {says}",
            parameters=filters(catalogue),
            answers={
                200: Answer(
                    says="The file.",
                    forms={FORMATS[ending].media_type: {"type": "string"}},
                    headers=("Content-Disposition",),
                )
            },
            problems=(*FILTERED, "too-many-exports", "overloaded"),
        )

    return (
        export("csv", "exportCsv", says=_CSV_SAYS),
        export("jsonl", "exportJsonLines", says="A line an entry, each as the API answers it."),
    )


def filters(catalogue: Catalogue) -> tuple[Schema, ...]:
    item = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}/.+$"}
    action = {"type": "string", "pattern": "^[a-z][a-z0-9_]*\\.([a-z][a-z0-9_]*|\\*)$"}
    moment = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}"}
    repeated = {
        "category": (enum(*sorted(catalogue.categories)), "The part of the host system."),
        "action": (action, "A declared action, or all of an entity: `role.*`."),
        "actor": (item, "Who did it, as `type/id`."),
        "concerns": (item, "Whom or what it was about, as `type/id`; the target too."),
        "target": (item, "What was changed, as `type/id`; all of a type: `absence/*`."),
        "by_or_about": (item, "Actor or concerned, as `type/id`."),
        "actor_kind": (enum(*KINDS), "Which kind of actor."),
        "outcome": (enum(*OUTCOMES), "How it ended."),
        "origin": (enum(*INTERFACES), "Through which interface."),
        "source": (item, "The credential that recorded it, as `source/id`."),
    }
    once = (
        query("date", enum(*PRESETS), "A period as people say it; not together with `from` or `to`."),
        query("from", moment, "A day, or an instant with offset: the first that is found."),
        query("to", moment, "A day (the last found), or an instant (the first not found)."),
        query("tz", {"type": "string"}, "The IANA time zone in which days are cut; otherwise UTC."),
        query("text", {"type": "string", "minLength": 1}, "Words, or their beginnings, of names or action."),
        query("self", enum("true", "false"), "Whether the actor did it to themselves."),
        query("as_of", whole(0, None), "From a former answer: only what was recorded before it."),
        query("order", enum("desc", "asc", "seq"), "Newest first (otherwise), oldest, or as recorded."),
    )
    return (*(p for name, (schema, says) in repeated.items() for p in many(name, schema, says)), *once)


def many(name: str, schema: Schema, says: str) -> tuple[Schema, Schema]:
    listed = {"type": "array", "items": schema, "maxItems": 100}
    return query(name, listed, says), query(f"{name}.not", listed, f"None of these. {says}")
