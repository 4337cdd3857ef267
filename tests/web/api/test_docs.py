"""The reference as a page: it names all that the document has, and spells a schema in a few words."""

from typing import Any

import httpx
import pytest
from tests.web.conftest import Served

from trailbook.web.api.docs import spelled


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "#/components/schemas/Page"}, "Page"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text or null"),
        ({"type": "string", "enum": ["asc", "desc"]}, "one of asc, desc"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Shown"}}, "list of Shown"),
        ({"type": "array"}, "list of anything"),
        ({"type": "integer", "minimum": 1, "maximum": 200}, "whole number, from 1, to 200"),
        ({"type": "string", "format": "uuid"}, "text, uuid"),
        ({"type": "string", "maxLength": 80}, "text, at most 80 characters"),
        ({"type": "boolean"}, "true or false"),
        ({"type": "object"}, "object"),
    ],
)
def test_a_schema_in_a_few_words(schema: dict[str, Any], words: str) -> None:
    """Each kind there is in the document, with its bounds."""
    assert spelled(schema) == words


def test_the_page_takes_no_parameters(anonymous: httpx.Client, served: Served) -> None:
    """A parameter means nothing here, and is refused; without one the page needs nobody to sign in."""
    for path in ("/docs", "/openapi.json"):
        assert anonymous.get(f"{served.base_url}{path}").status_code == 200
        assert anonymous.get(f"{served.base_url}{path}?x=1").status_code == 422


def test_the_reference_names_every_operation_and_member(served: Served, anonymous: httpx.Client) -> None:
    """The page is made of the document: each path, parameter and member of a shape stands on it."""
    document = anonymous.get(f"{served.base_url}/openapi.json").json()
    page = anonymous.get(f"{served.base_url}/docs").text
    assert document["openapi"] == "3.1.0"
    for path, operations in document["paths"].items():
        assert path in page
        for operation in operations.values():
            assert all(f"<code>{parameter['name']}</code>" in page for parameter in operation["parameters"])
    for name, schema in document["components"]["schemas"].items():
        assert f'id="{name}"' in page
        assert all(f"<code>{member}</code>" in page for member in schema.get("properties", ()))
