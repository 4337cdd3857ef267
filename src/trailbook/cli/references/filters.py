"""The filter as a page of the reference, made from the document of the API so that it cannot drift from it.

Owns the page's form, and how parameters combine. Refuses to know a parameter by name: what it takes, and what it
means, the document says. `python -m trailbook.cli.references.filters` prints it; a test holds
docs/reference/filters.md in step.
"""

import sys
from collections.abc import Iterator
from typing import Any

from trailbook import catalogue, web
from trailbook.cli.filters import OPTIONS

Parameter = dict[str, Any]
_MOST_CHOICES = 12  # that stand on the page; longer lists are the catalogue's
_NEGATED = ".not"

INTRODUCTION = """\
# The filter

One filter finds entries everywhere: on the page, over the API, on the command line, in exports, saved views and the
live list. It has the same parameters in each. This page is made from them (`python -m
trailbook.cli.references.filters > docs/reference/filters.md`); a test holds it in step.

| where | how it is written |
|---|---|
| an address of the page or the API | `?category=roles&actor=user/u-17&outcome.not=denied&date=last-month` |
| the command line, as options | `--category roles --actor user/u-17 --outcome-not denied --date last-month` |
| the command line, in one line | `'category:roles actor:user/u-17 -outcome:denied date:last-month'` |
| Python | `Query(terms=(TERMS), date="last-month")` |

- **A parameter that is repeated is OR, different ones are AND.** `category=roles&category=permissions&actor=user/u-17`
  finds what u-17 did to roles or to permissions.
- **`.not` leaves out**: an entry that has any of its values is not found. It may stand beside the parameter itself.
- **Nothing is ignored.** A parameter that is not known, a value that cannot be, a name that the catalogue does not
  declare, and a filter of more than 100 values are refused with a pointer to the parameter, because a filter that is
  half understood answers another question.
- **What one may not see is not found**, whatever the filter says, and is in no count.
"""
_TERMS = (
    'Term("actor", ("user/u-17",)), Term("category", ("roles",)), Term("outcome", ("denied",), negated=True)'
)
REPEATED = """\
## May be repeated, and left out with `.not`

| parameter | value | what it finds |
|---|---|---|"""
ONCE = """\

## Given once

| parameter | value | what it says |
|---|---|---|"""


def reference() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_page()) + "\n"


def parameters() -> list[Parameter]:
    """The parameters of a filter as the document has them, which are those that commands take."""
    path = web.document(catalogue.load(), "http://localhost")["paths"]["/api/v1/orgs/{org}/entries"]
    return [parameter for parameter in path["get"]["parameters"] if parameter["name"] in OPTIONS]


def _page() -> Iterator[str]:
    listed = parameters()
    negated = {p["name"].removesuffix(_NEGATED) for p in listed if p["name"].endswith(_NEGATED)}
    plain = [parameter for parameter in listed if not parameter["name"].endswith(_NEGATED)]
    yield INTRODUCTION.replace("TERMS", _TERMS)
    yield REPEATED
    yield from (_row(parameter) for parameter in plain if parameter["name"] in negated)
    yield ONCE
    yield from (_row(parameter) for parameter in plain if parameter["name"] not in negated)


def _row(parameter: Parameter) -> str:
    return f"| `{parameter['name']}` | {_value(parameter)} | {parameter['description']} |"


def _value(parameter: Parameter) -> str:
    """What a parameter takes: its choices where they are few, else what stands for its value in the commands' help."""
    schema = parameter["schema"]
    choices = schema.get("items", schema).get("enum", ())
    if 0 < len(choices) <= _MOST_CHOICES:
        return ", ".join(f"`{choice}`" for choice in choices)
    metavar = OPTIONS[parameter["name"]].metavar
    return "a name of [the catalogue](catalogue.md)" if metavar == "NAME" else f"`{metavar.lower()}`"


if __name__ == "__main__":
    sys.stdout.write(reference())
