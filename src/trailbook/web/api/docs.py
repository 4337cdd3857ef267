"""The reference: the OpenAPI document, and a page made of it that any browser reads without a script.

Owns no fact: all it says stands in the document. Refuses assets from elsewhere.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Response
from msgspec import Struct

from trailbook.web.api.openapi import Schema, document
from trailbook.web.http.media import JSON
from trailbook.web.http.render import bare, html
from trailbook.web.http.request import Request


class ShownOperation(Struct, frozen=True, kw_only=True):
    """An operation as the page tells it."""

    method: str
    path: str
    name: str
    summary: str
    description: str
    tag: str
    scope: str
    parameters: list[dict[str, str]]
    sends: list[dict[str, str]]
    answers: list[dict[str, str]]
    sample: str


class Shape(Struct, frozen=True, kw_only=True):
    """A schema as the page tells it."""

    name: str
    says: str
    members: list[dict[str, str]]


def openapi_document(request: Request) -> Response[bytes]:
    """GET /openapi.json: the document."""
    request.only()
    return Response(msgspec.json.encode(_document(request)), media_type=JSON)


def docs_page(request: Request) -> Response[bytes]:
    """GET /docs: the document as a page."""
    request.only()
    described = _document(request)
    operations = [
        _shown(path, method, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    shapes = [_shape(name, schema) for name, schema in sorted(described["components"]["schemas"].items())]
    tags = list(dict.fromkeys(operation.tag for operation in operations))
    return html(
        "docs.html",
        **bare(request.site, request.words, request.path),
        operations=operations,
        shapes=shapes,
        tags=tags,
    )


def _document(request: Request) -> Schema:
    return document(request.site.deployment.catalogue, request.site.base_url)


def _shown(path: str, method: str, operation: Schema) -> ShownOperation:
    scopes = {1: "record", 2: "read"}
    return ShownOperation(
        method=method.upper(),
        path=path,
        name=operation["operationId"],
        summary=operation["summary"],
        description=operation.get("description", ""),
        tag=operation["tags"][0],
        scope=scopes.get(len(operation.get("security", ())), ""),
        parameters=[_parameter(parameter) for parameter in operation["parameters"]],
        sends=_forms(operation.get("requestBody", {}).get("content", {})),
        answers=[
            {
                "status": status,
                "says": response["description"],
                "forms": _listed(_forms(response.get("content", {}))),
            }
            for status, response in operation["responses"].items()
        ],
        sample=operation["x-codeSamples"][0]["source"],
    )


def _parameter(parameter: Schema) -> dict[str, str]:
    return {
        "name": parameter["name"],
        "place": parameter["in"],
        "required": "required" if parameter["required"] else "",
        "shape": spelled(parameter["schema"]),
        "says": parameter.get("description", ""),
    }


def _forms(content: Schema) -> list[dict[str, str]]:
    return [{"form": form, "shape": spelled(body["schema"])} for form, body in content.items()]


def _listed(forms: list[dict[str, str]]) -> str:
    return ", ".join(f"{form['form']}: {form['shape']}" for form in forms)


def _shape(name: str, schema: Schema) -> Shape:
    required = frozenset(schema.get("required", ()))
    members = [
        {"name": member, "shape": spelled(inner), "required": "required" if member in required else ""}
        for member, inner in schema.get("properties", {}).items()
    ]
    return Shape(name=name, says=schema.get("description", ""), members=members)


def spelled(schema: Schema) -> str:
    """A schema in a few words: `text, one of a, b`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(spelled(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {spelled(schema.get('items', {}))}"
    return ", ".join([_kind(schema), *_bounds(schema)])


def _kind(schema: Schema) -> str:
    kind: Any = schema.get("type", "anything")
    return {"string": "text", "integer": "whole number", "boolean": "true or false"}.get(kind, str(kind))


def _bounds(schema: Schema) -> Iterator[str]:
    if "format" in schema:
        yield str(schema["format"])
    if "minimum" in schema:
        yield f"from {schema['minimum']}"
    if "maximum" in schema:
        yield f"to {schema['maximum']}"
    if "maxLength" in schema:
        yield f"at most {schema['maxLength']} characters"
