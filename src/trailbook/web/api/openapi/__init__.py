"""The OpenAPI 3.1 document: one file for each area of operations, and the document that is made of them."""

from trailbook.web.api.openapi.document import document
from trailbook.web.api.openapi.operations import operations
from trailbook.web.api.openapi.shapes import Schema

__all__ = ["Schema", "document", "operations"]
