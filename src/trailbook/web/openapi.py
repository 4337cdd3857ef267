"""The OpenAPI 3.1 document, made of the core's own Structs, the catalogue's names and the table below.

Owns what is said of each operation. Refuses to be a second truth: shapes come from the Structs that are
answered, names from the catalogue that checks them, statuses from `problems.STATUS`.
"""

from typing import Any

import msgspec
from msgspec import Struct

import trailbook
from trailbook.catalogue import Catalogue
from trailbook.dates import PRESETS
from trailbook.model import INTERFACES, KINDS, OUTCOMES, NewEntry
from trailbook.proving import Opening
from trailbook.shown import Found, Page, Shown
from trailbook.web.api import CSV, JSONL, CatalogueAnswer
from trailbook.web.intake import JSON, NDJSON, BatchLine, Recorded
from trailbook.web.operators import Health, Version
from trailbook.web.problems import MEDIA_TYPE, STATUS, Problem
from trailbook.web.words import LOCALES

Schema = dict[str, Any]

ORG = "/api/v1/orgs/{org}"
_ALWAYS = ("malformed", "url-too-long", "internal", "store-unavailable", "schema-outdated")
_PARAMETERS = ("parameter-unknown", "parameter-invalid")
_ADMITTED = (*_ALWAYS, *_PARAMETERS, "unauthenticated", "not-permitted", "not-found")
_ENTRY = (
    *("entry-invalid", "action-unknown", "field-undeclared", "name-refused", "concern-missing"),
    *("concern-unknown", "time-ahead"),
)
_SENT = (*_ADMITTED, "media-type", "storage-full")
_FILTERED = (*_ADMITTED, "filter-invalid")


class Answer(Struct, frozen=True, kw_only=True):
    """One good answer: what it means, its forms by media type, and headers of its own."""

    says: str
    forms: dict[str, Schema] = {}
    headers: tuple[str, ...] = ()


class Operation(Struct, frozen=True, kw_only=True):
    """One method of one path; `problems` are the codes it may answer, `sends` the forms of its body."""

    method: str
    path: str
    name: str
    says: str
    scope: str | None = None
    more: str = ""
    parameters: tuple[Schema, ...] = ()
    sends: dict[str, Schema] = {}
    answers: dict[int, Answer]
    problems: tuple[str, ...] = (*_ALWAYS, *_PARAMETERS)


_HEADERS = {
    "ETag": "A strong entity tag of this answer.",
    "Location": "Where the entry is read.",
    "Idempotency-Replayed": "`true`: this entry was in the log already, and nothing was added.",
    "Link": 'The next page, as `<...>; rel="next"` (RFC 8288), while there is one.',
    "Content-Disposition": "The name of the file.",
}
_CSV_SAYS = (
    "A line an entry (RFC 4180), in UTF-8 with a byte order mark. A cell that a spreadsheet could run as a "
    "formula has an apostrophe before it: at its beginning or after a semicolon, before any of = + - @ ' tab "
    "CR LF and their full-width forms, blanks skipped; take it away and the text is as it was recorded."
)
_EXPORT_MORE = (
    "The file holds exactly what the filter finds at one `as_of`, whatever is recorded meanwhile. An error on "
    "the way breaks the transfer: a file that ended well is whole."
)


def document(catalogue: Catalogue, base_url: str) -> Schema:
    """The OpenAPI 3.1 document of this deployment."""
    shapes = [
        NewEntry,
        Recorded,
        BatchLine,
        Shown,
        Page,
        Found,
        CatalogueAnswer,
        Opening,
        Problem,
        Health,
        Version,
    ]
    _, schemas = msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
    paths: dict[str, Schema] = {}
    for operation in operations(catalogue):
        paths.setdefault(operation.path, {})[operation.method.lower()] = _written(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Trailbook",
            "version": trailbook.__version__,
            "summary": "Who did what, to what, about whom, and when.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _schemes()},
    }


def operations(catalogue: Catalogue) -> tuple[Operation, ...]:
    """Every operation there is."""
    reading = (*_reading(catalogue), *_names(catalogue), *_exports(catalogue))
    return (*_recording(), *reading, *_proofs(), *_operators())


def _recording() -> tuple[Operation, ...]:
    receipt = {JSON: _ref("Recorded")}
    lines: dict[str, Schema] = {
        JSON: {"type": "array", "items": _ref("BatchLine")},
        NDJSON: {"type": "string"},
    }
    return (
        Operation(
            method="POST",
            path=f"{ORG}/entries",
            name="recordEntry",
            says="Record one entry",
            scope="record",
            more="At most 256 KiB. The same `id` and content again is answered as the first time; other "
            "content under that `id` is a conflict. Numbers are whole; unknown members are refused.",
            sends={JSON: _ref("NewEntry")},
            answers={
                200: Answer(
                    says="It was in the log already.",
                    forms=receipt,
                    headers=("Location", "ETag", "Idempotency-Replayed"),
                ),
                201: Answer(says="It is durable.", forms=receipt, headers=("Location", "ETag")),
            },
            problems=(*_SENT, *_ENTRY, "entry-conflict", "too-large"),
        ),
        Operation(
            method="POST",
            path=f"{ORG}/entries/batch",
            name="recordEntries",
            says="Record many entries",
            scope="record",
            more="A JSON array of entries, or one entry a line; at most 10,000 and 16 MiB. The answer comes in "
            "the form sent, a member for each entry in order. With `atomic=true` all are recorded or none.",
            parameters=(_query("atomic", _enum("true", "false"), "All or nothing; otherwise `false`."),),
            sends={JSON: {"type": "array", "items": _ref("NewEntry")}, NDJSON: {"type": "string"}},
            answers={
                200: Answer(says="What became of each.", forms=lines),
                201: Answer(says="All are durable (`atomic=true`).", forms=lines),
            },
            problems=(*_SENT, *_ENTRY, "entry-conflict", "batch-too-large", "too-large"),
        ),
    )


def _reading(catalogue: Catalogue) -> tuple[Operation, ...]:
    paging = (
        _query("limit", _whole(1, 200), "Entries a page; otherwise 50."),
        _query("cursor", {"type": "string", "minLength": 1, "maxLength": 512}, "From a former answer."),
        _query("count", _enum("true", "false"), "Whether to count all that match, exactly."),
    )
    return (
        Operation(
            method="GET",
            path=f"{ORG}/entries",
            name="findEntries",
            says="Find entries",
            scope="read",
            more="A parameter repeated means any of its values; different ones all hold; `name.not` excludes.",
            parameters=(*_filter(catalogue), *paging),
            answers={200: Answer(says="One page of entries.", forms={JSON: _ref("Page")}, headers=("Link",))},
            problems=(*_FILTERED, "cursor-invalid"),
        ),
        Operation(
            method="GET",
            path=f"{ORG}/entries/{{id}}",
            name="readEntry",
            says="Read one entry",
            scope="read",
            answers={200: Answer(says="The entry.", forms={JSON: _ref("Shown")}, headers=("ETag",))},
            problems=(*_ADMITTED, "entry-expired"),
        ),
    )


def _names(catalogue: Catalogue) -> tuple[Operation, ...]:
    return (
        Operation(
            method="GET",
            path=f"{ORG}/items",
            name="findItems",
            says="Find people and items by name or id",
            scope="read",
            more="From what the log has recorded: people who left are found, erased ones are not.",
            parameters=(
                _query(
                    "q", {"type": "string", "minLength": 1, "maxLength": 80}, "What was typed.", required=True
                ),
                _query("role", _enum("actor", "concerns", "target"), "What the item has been."),
                _query("type", _enum(*sorted(catalogue.types)), "Its type."),
                _query("limit", _whole(1, 20), "At most so many; otherwise 20."),
            ),
            answers={
                200: Answer(says="Items by name.", forms={JSON: {"type": "array", "items": _ref("Found")}})
            },
            problems=_FILTERED,
        ),
        Operation(
            method="GET",
            path=f"{ORG}/catalogue",
            name="readCatalogue",
            says="What may be recorded here",
            scope="read",
            parameters=(_query("lang", _enum(*LOCALES), "The language of labels."),),
            answers={200: Answer(says="The catalogue.", forms={JSON: _ref("CatalogueAnswer")})},
            problems=_FILTERED,
        ),
    )


def _exports(catalogue: Catalogue) -> tuple[Operation, ...]:
    def export(ending: str, name: str, *, says: str, form: str) -> Operation:
        return Operation(
            method="GET",
            path=f"{ORG}/entries.{ending}",
            name=name,
            says=f"Export what the filter finds as {ending.upper()}",
            scope="read",
            more=f"{_EXPORT_MORE} {says}",
            parameters=_filter(catalogue),
            answers={
                200: Answer(
                    says="The file.", forms={form: {"type": "string"}}, headers=("Content-Disposition",)
                )
            },
            problems=_FILTERED,
        )

    return (
        export("csv", "exportCsv", says=_CSV_SAYS, form=CSV),
        export("jsonl", "exportJsonLines", says="A line an entry, each as the API answers it.", form=JSONL),
    )


def _proofs() -> tuple[Operation, ...]:
    def read(path: str, name: str, says: str, *, answer: Answer, code: str = "not-found") -> Operation:
        problems = tuple(dict.fromkeys((*_ADMITTED, code)))
        answers = {200: answer}
        return Operation(
            method="GET", path=path, name=name, says=says, scope="prove", answers=answers, problems=problems
        )

    octets, text = {"application/octet-stream": {"type": "string"}}, {"text/plain": {"type": "string"}}
    openings = {JSON: {"type": "array", "items": _ref("Opening")}}
    raw, entry, log = (
        Answer(says="The bytes.", forms=octets, headers=("ETag",)),
        f"{ORG}/entries/{{id}}",
        "/log/{org}",
    )
    proof = Answer(says="A C2SP tlog-proof.", forms=text, headers=("Content-Disposition",))
    note, keys = Answer(says="A signed note.", forms=text), Answer(says="A key a line.", forms=text)
    opening = Answer(says="One for each name it had.", forms=openings)
    item = f"{ORG}/items/{{type}}/{{item}}/identities"
    return (
        read(f"{entry}/leaf", "readLeaf", "The hashed bytes of an entry", answer=raw, code="entry-expired"),
        read(
            f"{entry}/proof",
            "readProof",
            "Its place in the signed tree",
            answer=proof,
            code="not-checkpointed",
        ),
        read(item, "readIdentities", "What opens the tokens of an item", answer=opening),
        read(f"{log}/checkpoint", "readCheckpoint", "The signed head", answer=note),
        read(f"{log}/key", "readKeys", "The keys that verify the heads", answer=keys),
        read(
            f"{log}/tile/{{tile}}",
            "readTile",
            "A C2SP tile, or bundle of entries",
            answer=raw,
            code="bundle-expired",
        ),
    )


def _operators() -> tuple[Operation, ...]:
    def plain(path: str, name: str, says: str, *, answers: dict[int, Answer]) -> Operation:
        return Operation(method="GET", path=path, name=name, says=says, answers=answers)

    health = {JSON: _ref("Health")}
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
                503: Answer(says="It cannot; `failing` names what is wrong.", forms=health),
            },
        ),
        plain("/version", "version", "Which Trailbook this is", answers={200: _answer("It.", "Version")}),
        plain(
            "/openapi.json",
            "openapi",
            "This document",
            answers={200: Answer(says="The document.", forms={JSON: {"type": "object"}})},
        ),
    )


def _filter(catalogue: Catalogue) -> tuple[Schema, ...]:
    item = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}/.+$"}
    action = {"type": "string", "pattern": "^[a-z][a-z0-9_]*\\.([a-z][a-z0-9_]*|\\*)$"}
    moment = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}"}
    many = {
        "category": (_enum(*sorted(catalogue.categories)), "The part of the host system."),
        "action": (action, "A declared action, or all of an entity: `role.*`."),
        "actor": (item, "Who did it, as `type/id`."),
        "concerns": (item, "Whom or what it was about, as `type/id`; the target too."),
        "target": (item, "What was changed, as `type/id`; all of a type: `absence/*`."),
        "by_or_about": (item, "Actor or concerned, as `type/id`."),
        "actor_kind": (_enum(*KINDS), "Which kind of actor."),
        "outcome": (_enum(*OUTCOMES), "How it ended."),
        "origin": (_enum(*INTERFACES), "Through which interface."),
        "source": (item, "The credential that recorded it, as `source/id`."),
    }
    once = (
        _query("date", _enum(*PRESETS), "A period as people say it; not together with `from` or `to`."),
        _query("from", moment, "A day, or an instant with offset: the first that is found."),
        _query("to", moment, "A day (the last found), or an instant (the first not found)."),
        _query("tz", {"type": "string"}, "The IANA time zone in which days are cut; otherwise UTC."),
        _query("text", {"type": "string", "minLength": 1}, "Words, or their beginnings, of names or action."),
        _query("self", _enum("true", "false"), "Whether the actor did it to themselves."),
        _query("as_of", _whole(0, None), "From a former answer: only what was recorded before it."),
        _query("order", _enum("desc", "asc", "seq"), "Newest first (otherwise), oldest, or as recorded."),
    )
    return (*(p for name, (schema, says) in many.items() for p in _many(name, schema, says)), *once)


def _many(name: str, schema: Schema, says: str) -> tuple[Schema, Schema]:
    listed = {"type": "array", "items": schema, "maxItems": 100}
    return _query(name, listed, says), _query(f"{name}.not", listed, f"None of these. {says}")


def _written(operation: Operation) -> Schema:
    found: Schema = {
        "operationId": operation.name,
        "summary": operation.says,
        "tags": [
            {"record": "Recording", "read": "Reading", "prove": "Proofs", None: "Operating"}[operation.scope]
        ],
        "parameters": [*_path(operation.path), *operation.parameters],
        "responses": {**_good(operation), **_refused(operation)},
    }
    if operation.more:
        found["description"] = operation.more
    if operation.sends:
        found["requestBody"] = {"required": True, "content": _content(operation.sends)}
    if operation.scope == "record":
        found["security"] = [{"key": []}]
    elif operation.scope:
        found["security"] = [{"key": []}, {"session": []}]
    return found


def _path(path: str) -> list[Schema]:
    found: list[Schema] = []
    if "{org}" in path:
        org = {"type": "string", "minLength": 1}
        found.append({"name": "org", "in": "path", "required": True, "schema": org})
    if "{id}" in path:
        id_ = {"type": "string", "format": "uuid"}
        found.append({"name": "id", "in": "path", "required": True, "schema": id_})
    for name in ("type", "item", "tile"):
        if f"{{{name}}}" in path:
            text = {"type": "string", "minLength": 1}
            found.append({"name": name, "in": "path", "required": True, "schema": text})
    return found


def _good(operation: Operation) -> Schema:
    return {
        str(status): {
            "description": answer.says,
            "content": _content(answer.forms),
            "headers": {
                name: {"description": _HEADERS[name], "schema": {"type": "string"}, "required": False}
                for name in answer.headers
            },
        }
        for status, answer in operation.answers.items()
    }


def _refused(operation: Operation) -> Schema:
    found: Schema = {}
    for status in sorted({STATUS[code] for code in operation.problems}):
        codes = sorted({code for code in operation.problems if STATUS[code] == status})
        says = " or ".join(f"`{code}`" for code in codes)
        content = {MEDIA_TYPE: {"schema": _ref("Problem")}}
        if status in operation.answers:
            content |= _content(operation.answers[status].forms)
            says = f"{operation.answers[status].says} Or {says}."
        found[str(status)] = {"description": says, "content": content}
    return found


def _answer(says: str, shape: str) -> Answer:
    return Answer(says=says, forms={JSON: _ref(shape)})


def _content(forms: dict[str, Schema]) -> Schema:
    return {form: {"schema": schema} for form, schema in forms.items()}


def _query(name: str, schema: Schema, says: str, *, required: bool = False) -> Schema:
    return {"name": name, "in": "query", "required": required, "description": says, "schema": schema}


def _enum(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def _whole(least: int, most: int | None) -> Schema:
    return {"type": "integer", "minimum": least} | ({} if most is None else {"maximum": most})


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _schemes() -> Schema:
    return {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key: `tb_<id>_<secret>`."},
        "session": {"type": "apiKey", "in": "cookie", "name": "__Host-trailbook"},
    }
