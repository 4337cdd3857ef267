"""Finding, showing and exporting entries, as the document describes it, with every parameter of a filter."""

from typing import get_args

from trailbook.catalogue import Catalogue
from trailbook.export import COLUMN_PRESETS, FORMATS, Format
from trailbook.finding import Part
from trailbook.query import FIELDS, ONCE, Field
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
_PRESET_SAYS = "`hr`: six columns under headings in words; else everything."
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
                query("role", enum(*get_args(Part)), "What the item has been."),
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
    def export(ending: Format, name: str, *more: Schema, says: str) -> Operation:
        return Operation(
            method="GET",
            path=f"{ORG}/entries.{ending}",
            name=name,
            says=f"Export what the filter finds as {ending.upper()}",
            scope="read",
            more=f"{_EXPORT_MORE} {says}",
            parameters=(*filters(catalogue), *more),
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
        export("csv", "exportCsv", query("preset", enum(*COLUMN_PRESETS), _PRESET_SAYS), says=_CSV_SAYS),
        export("jsonl", "exportJsonLines", says="A line an entry, each as the API answers it."),
    )


def filters(catalogue: Catalogue) -> tuple[Schema, ...]:
    repeated = (many(field.name, _schema(field, catalogue), field.says) for field in FIELDS.values())
    once = (query(single.name, single.schema, single.says) for single in ONCE.values())
    order = query("order", enum("desc", "asc", "seq"), "Newest first (otherwise), oldest, or as recorded.")
    return (*(parameter for both in repeated for parameter in both), *once, order)


def _schema(field: Field, catalogue: Catalogue) -> Schema:
    if field.declared:
        return enum(*sorted(getattr(catalogue, field.declared)))
    return enum(*field.choices) if field.choices else field.schema


def many(name: str, schema: Schema, says: str) -> tuple[Schema, Schema]:
    listed = {"type": "array", "items": schema, "maxItems": 100}
    return query(name, listed, says), query(f"{name}.not", listed, f"None of these. {says}")
