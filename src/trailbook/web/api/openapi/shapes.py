"""What an operation of the document is made of: its Struct, and the small schemas that operations share.

Owns the form of a description. Refuses to describe anything itself.
"""

from typing import Any

from msgspec import Struct

from trailbook.web.http.media import JSON

Schema = dict[str, Any]

ORG = "/api/v1/orgs/{org}"
ALWAYS = (
    *("malformed", "url-too-long", "headers-too-large", "internal", "store-unavailable", "schema-outdated"),
)
PARAMETERS = ("parameter-unknown", "parameter-invalid")
ADMITTED = (
    *(*ALWAYS, *PARAMETERS, "unauthenticated", "not-permitted", "organisation-suspended", "not-found"),
    "too-many-requests",
)
ENTRY = (
    *("entry-invalid", "action-unknown", "field-undeclared", "name-refused", "concern-missing"),
    *("concern-unknown", "time-ahead", "time-early", "category-refused", "actor-refused"),
)
SENT = (*ADMITTED, "media-type", "storage-full", "overloaded")
FILTERED = (*ADMITTED, "filter-invalid", "figures-of-a-person", "index-damaged")


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
    problems: tuple[str, ...] = (*ALWAYS, *PARAMETERS)


def answer(says: str, shape: str) -> Answer:
    return Answer(says=says, forms={JSON: ref(shape)})


def content(forms: dict[str, Schema]) -> Schema:
    return {form: {"schema": schema} for form, schema in forms.items()}


def query(name: str, schema: Schema, says: str, *, required: bool = False) -> Schema:
    return {"name": name, "in": "query", "required": required, "description": says, "schema": schema}


def enum(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def whole(least: int, most: int | None) -> Schema:
    return {"type": "integer", "minimum": least} | ({} if most is None else {"maximum": most})


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
