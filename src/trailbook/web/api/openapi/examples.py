"""An example of every operation: what is asked, what is sent, and the line of curl that does it.

Owns what stands in the document as `example` and on the page of the reference to be copied. Refuses to hold what is
somebody's own: the key, the organisation and ids are variables of a shell, which whoever tries it sets once.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from trailbook.web.api.openapi.shapes import Operation, Schema, content
from trailbook.web.http.media import JSON

# What stands for a part of a path: a variable where only the reader knows it, else what the other examples name.
PLACES = {
    "org": "$ORG",
    "id": "$ENTRY",
    "export": "$EXPORT",
    "view": "$VIEW",
    "role": "$ROLE",
    "key": "$KEY_ID",
    "type": "user",
    "item": "u-42",
    "tile": "0/000",
}

_ENTRY: dict[str, Any] = {
    "action": "role.assigned",
    "occurred_at": "2026-11-02T08:15:00Z",
    "actor": {"kind": "person", "type": "user", "id": "u-17", "name": "Anna Berg"},
    "target": {"type": "role", "id": "r-3", "name": "Manager"},
    "concerns": [{"part": "member", "type": "user", "id": "u-42", "name": "Bob Li"}],
    "origin": {"interface": "web", "ip": "192.0.2.7"},
}
_UPDATE: dict[str, Any] = {
    "action": "user.profile_updated",
    "occurred_at": "2026-11-02T09:30:00Z",
    "actor": {"kind": "integration", "type": "integration", "id": "visma", "name": "Visma"},
    "target": {"type": "user", "id": "u-42", "name": "Bob Li"},
    "fields": ["address"],
    "origin": {"interface": "job"},
}
_REVIEW = {"category": ["roles", "permissions"], "date": "past-6-months"}

SENT: dict[str, Any] = {
    "recordEntry": _ENTRY,
    "recordEntries": [_ENTRY, _UPDATE],
    "orderExport": {"format": "csv", "filter": _REVIEW, "tz": "Europe/Oslo", "lang": "en"},
    "saveView": {"name": "Before the review", "filter": _REVIEW, "shared": True},
    "changeView": {"name": "Before the audit", "filter": _REVIEW, "shared": False, "default": True},
    "addRole": {"name": "Auditor of pay", "permissions": {"activity_log": "full", "read_proofs": "full"}},
    "changeRole": {"name": "Auditor of pay", "permissions": {"activity_log": "full"}},
    "putMember": {"roles": ["auditor"], "name": "Bob Li"},
    "invite": {"login": "bob.li@nordlys.example"},
    "issueApiKey": {"name": "HR system", "scopes": ["record"], "expires_at": "2027-10-31T00:00:00Z"},
    "rotateApiKey": {"overlap_hours": 24},
    "restrictApiKey": {"categories": ["whistleblowing"]},
    "setWorkingHours": {
        "days": "12345",
        "work": "08:00-16:00",
        "night": "22:00-06:00",
        "weekend": "67",
        "tz": "Europe/Oslo",
    },
    "withhold": {"categories": []},
}
ASKED: dict[str, dict[str, str]] = {
    "findEntries": {"category": "roles", "date": "last-month", "tz": "Europe/Oslo", "limit": "10"},
    "readFacets": {"by": "category", "date": "last-month"},
    "readHistogram": {"bucket": "week", "category": "roles", "date": "this-year"},
    "followEntries": {"category": "roles"},
    "findItems": {"q": "bob", "type": "user"},
    "readCatalogue": {"lang": "en"},
    "exportCsv": {"date": "last-month", "tz": "Europe/Oslo"},
    "exportJsonLines": {"date": "last-month", "tz": "Europe/Oslo"},
}


def example_of(parameter: Mapping[str, Any], operation: Operation) -> Mapping[str, Any]:
    """A parameter of the document with its example, where the operation's has one for it."""
    asked = ASKED.get(operation.name, {}).get(parameter["name"])
    if asked is None:
        return parameter
    schema = parameter["schema"]
    value = int(asked) if schema.get("type") == "integer" else asked
    return {**parameter, "example": [value] if schema.get("type") == "array" else value}


def bodies(operation: Operation) -> Schema:
    """The forms of what is sent, that in JSON with its example."""
    forms = content(operation.sends)
    forms[JSON]["example"] = SENT[operation.name]
    return forms


def curl(operation: Operation, server: str) -> str:
    """The line that asks it of a server, over as many lines as it is long; `KEY`, `ORG` and ids are set before."""
    path = operation.path.format_map(PLACES)
    asked = ASKED.get(operation.name)
    words = ["curl" + _flags(operation), f'"{server}{path}{"?" + urlencode(asked) if asked else ""}"']
    if operation.scope:
        words.append('-H "Authorization: Bearer $KEY"')
    if operation.sends:
        words.append(f"-H 'Content-Type: {JSON}'")
        words.append(f"-d '{json.dumps(SENT[operation.name], indent=2, ensure_ascii=False)}'")
    return " \\\n  ".join(words)


def _flags(operation: Operation) -> str:
    answers = operation.answers.values()
    posts = operation.method == "POST" and operation.sends  # what curl does with a body by itself
    flags = "" if operation.method == "GET" or posts else f" -X {operation.method}"
    if any("text/event-stream" in answer.forms for answer in answers):
        flags += " -N"  # shown as it comes
    if any("Content-Disposition" in answer.headers for answer in answers):
        flags += " -OJ"  # a file, under the name that the server gives it
    elif any("application/octet-stream" in answer.forms for answer in answers):
        flags += " -o bytes"
    return flags
