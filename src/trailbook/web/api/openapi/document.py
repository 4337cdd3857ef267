"""The OpenAPI 3.1 document, made of the core's own Structs, the catalogue's names and the table below.

Owns what is said of each operation. Refuses to be a second truth: shapes come from the Structs that are
answered, names from the catalogue that checks them, statuses from `problems.STATUS`.
"""

import msgspec

import trailbook
from trailbook.catalogue import Catalogue
from trailbook.finding import Facets, FoundItem, Histogram, Page, Shown
from trailbook.model import NewEntry
from trailbook.proofs import Opening, Sighting
from trailbook.web.api.entries import CatalogueAnswer
from trailbook.web.api.exports import ExportAnswer, ExportList, ExportOrder, ExportPreview
from trailbook.web.api.health import Version
from trailbook.web.api.openapi.access import SHAPES
from trailbook.web.api.openapi.examples import bodies, curl, example_of
from trailbook.web.api.openapi.operations import operations
from trailbook.web.api.openapi.saved import VIEW_SHAPES
from trailbook.web.api.openapi.shapes import Operation, Schema, content, ref
from trailbook.web.api.recording import BatchLine, Recorded
from trailbook.web.http.problems import MEDIA_TYPE, STATUS, Problem
from trailbook.web.http.readiness import Health

_HEADERS = {
    "ETag": "A strong entity tag of this answer.",
    "Location": "Where the entry is read.",
    "Idempotency-Replayed": "`true`: this entry was in the log already, and nothing was added.",
    "Link": 'The next page, as `<...>; rel="next"` (RFC 8288), while there is one.',
    "Content-Disposition": "The name of the file.",
    "Accept-Ranges": "`bytes`: parts of the file may be asked for.",
    "Content-Range": "Which bytes these are, of how many.",
    "Repr-Digest": "The SHA-256 of the whole file (RFC 9530).",
    "RateLimit": "How much may be asked now: `r` requests or entries, and in `t` seconds again.",
    "RateLimit-Policy": "How much may be asked: `q` requests or entries in `w` seconds.",
    "Retry-After": "In how many seconds to ask again.",
}
_RATES = ("RateLimit", "RateLimit-Policy")
_TAGS = {
    "record": "Recording",
    "read": "Reading",
    "export": "Exports",
    "prove": "Proofs",
    "administer": "Access",
    None: "Operating",
}


def document(catalogue: Catalogue, base_url: str) -> Schema:
    """The OpenAPI 3.1 document of this deployment."""
    shapes = [
        NewEntry,
        Recorded,
        BatchLine,
        Shown,
        Page,
        FoundItem,
        Facets,
        Histogram,
        CatalogueAnswer,
        ExportOrder,
        ExportAnswer,
        ExportList,
        ExportPreview,
        Opening,
        Sighting,
        *VIEW_SHAPES,
        *SHAPES,
        Problem,
        Health,
        Version,
    ]
    _, schemas = msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
    paths: dict[str, Schema] = {}
    for operation in operations(catalogue):
        written = {**_written(operation), "x-codeSamples": [_sample(operation, base_url)]}
        paths.setdefault(operation.path, {})[operation.method.lower()] = written
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


def _written(operation: Operation) -> Schema:
    written: Schema = {
        "operationId": operation.name,
        "summary": operation.says,
        "tags": [_TAGS[operation.scope]],
        "parameters": [
            *_path(operation.path),
            *(example_of(parameter, operation) for parameter in operation.parameters),
        ],
        "responses": {**_good(operation), **_refused(operation)},
    }
    if operation.more:
        written["description"] = operation.more
    if operation.sends:
        written["requestBody"] = {"required": True, "content": bodies(operation)}
    if operation.scope == "record":
        written["security"] = [{"key": []}]
    elif operation.scope:
        written["security"] = [{"key": []}, {"session": []}]
    return written


def _sample(operation: Operation, base_url: str) -> Schema:
    """The line of curl under the name by which viewers of such documents know samples."""
    return {"lang": "Shell", "label": "curl", "source": curl(operation, base_url)}


def _path(path: str) -> list[Schema]:
    parameters: list[Schema] = []
    if "{org}" in path:
        org = {"type": "string", "minLength": 1}
        parameters.append({"name": "org", "in": "path", "required": True, "schema": org})
    if "{id}" in path:
        id_ = {"type": "string", "format": "uuid"}
        parameters.append({"name": "id", "in": "path", "required": True, "schema": id_})
    for name in ("type", "item", "tile", "export", "view", "role", "key"):
        if f"{{{name}}}" in path:
            text = {"type": "string", "minLength": 1}
            parameters.append({"name": name, "in": "path", "required": True, "schema": text})
    return parameters


def _good(operation: Operation) -> Schema:
    counted = _RATES if operation.scope else ()
    responses: Schema = {
        str(status): {
            "description": answer.says,
            "content": content(answer.forms),
            "headers": _headers(*answer.headers, *counted),
        }
        for status, answer in operation.answers.items()
    }
    tagged = any("ETag" in answer.headers for answer in operation.answers.values())
    if tagged and operation.method == "GET":
        says = "Unchanged since the answer whose tag `If-None-Match` names."
        responses["304"] = {"description": says, "headers": _headers("ETag", *counted)}
    return responses


def _headers(*names: str) -> Schema:
    return {
        name: {"description": _HEADERS[name], "schema": {"type": "string"}, "required": False}
        for name in names
    }


def _problems(operation: Operation) -> set[str]:
    """The codes an operation may answer: its own, and those of its method and body."""
    codes = set(operation.problems)
    codes |= {"not-acceptable"} if operation.method == "GET" else set()
    return codes | ({"request-timeout"} if operation.sends else set())


def _refused(operation: Operation) -> Schema:
    responses: Schema = {}
    problems = _problems(operation)
    for status in sorted({STATUS[code] for code in problems}):
        codes = sorted({code for code in problems if STATUS[code] == status})
        says = " or ".join(f"`{code}`" for code in codes)
        forms = {MEDIA_TYPE: {"schema": ref("Problem")}}
        if status in operation.answers:
            forms |= content(operation.answers[status].forms)
            says = f"{operation.answers[status].says} Or {says}."
        responses[str(status)] = {"description": says, "content": forms}
        if status == 429:
            responses["429"]["headers"] = _headers("Retry-After", *_RATES)
        elif status == 503 and status not in operation.answers:
            responses["503"]["headers"] = _headers("Retry-After")
    return responses


def _schemes() -> Schema:
    return {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key: `tb_<id>_<secret>`."},
        "session": {"type": "apiKey", "in": "cookie", "name": "__Host-trailbook"},
    }
