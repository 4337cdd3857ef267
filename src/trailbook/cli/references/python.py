"""The Python API as a page of the reference, made from the code so that it cannot drift from it.

Owns the order in which the public names are told, and what ties them together. Refuses to say anything of a name that
its signature and its docstring do not. `python -m trailbook.cli.references.python` prints it; a test holds
docs/reference/python.md in step.
"""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from msgspec import Struct

_MADE_BY_OTHERS = (
    "Deployment",
    "Log",
    "LogLike",
    "TrailbookError",
)  # how they are made is no affair of a caller
# What the hooks ask of a `Capture`, and a host does not.
_OF_HOOKS = "moment entries_of keep_rows keep_meaning write demand_transaction".split()
_PAGE = 120  # columns of a line of the page
_WIDTH = 100  # of a signature on one line; a longer one has a line for each parameter


class Part(Struct, frozen=True, kw_only=True):
    """A part of the page: the module, its names in order, and what ties them together."""

    title: str
    module: str
    names: str
    says: str


INTRODUCTION = """\
# The Python API

Everything that `trailbook` and `trailbook.capture` export, with the signatures and the words of the code itself. This
page is made from it (`python -m trailbook.cli.references.python > docs/reference/python.md`); a test holds it in step.
What is not on this page is not public and may change in any version.

- Everything is synchronous. A `Log` and a `Deployment` may be used from several threads at once.
- `viewer=` never has a default: whoever reads says as whom. `operator(org)` is whoever keeps the files.
- Times that are given are `datetime` with a time zone. Times that are shown are UTC with microseconds, as text.
- What is refused raises an error below `TrailbookError`, with a stable `code`: [errors.md](errors.md) lists them.
  *Raises* names those that a caller may want to catch.
- A shape is a frozen msgspec `Struct`: it is made with its members by name, compared by value, and encoded by msgspec
  as it is.
"""

PARTS = (
    Part(
        title="Opening a log",
        module="trailbook",
        names="open_deployment open_configured Deployment Keys",
        says="A deployment is an open store with its secrets and settings. It has one log for each organisation.",
    ),
    Part(
        title="The log",
        module="trailbook",
        names="Log Upkeep",
        says="`deployment.log(org)` and `deployment.create(org)` give it. Recording needs no viewer: whoever has the"
        " log in hand is the host. Reading always does.",
    ),
    Part(
        title="What is recorded",
        module="trailbook",
        names="NewEntry Item Actor Concern Origin Receipt Result",
        says="`log.record` takes the parts one by one; `log.record_many` takes whole entries.",
    ),
    Part(
        title="Who reads",
        module="trailbook",
        names="Viewer operator Clearance",
        says="What a viewer may see is decided by what stands in it, whichever method is asked.",
    ),
    Part(
        title="What is asked",
        module="trailbook",
        names="Query Term EntryFacts",
        says="A filter is data. [filters.md](filters.md) says what each field means, in whatever form it is written.",
    ),
    Part(
        title="What is answered",
        module="trailbook",
        names="Page Shown SentencePiece Facets Histogram FoundItem Meant RememberedItem ExportRows Erasures",
        says="These are the shapes of the HTTP API too: msgspec encodes them as they stand there.",
    ),
    Part(
        title="What is proved",
        module="trailbook",
        names="Opening Evidence Holdings",
        says="What opens a token, what goes into a bundle, and what that would hold. Each asks for the permission"
        " to read proofs.",
    ),
    Part(
        title="What is refused",
        module="trailbook",
        names="TrailbookError",
        says="The root of every error that Trailbook raises on purpose. The others are in `trailbook.errors`.",
    ),
    Part(
        title="Capture: what is tracked",
        module="trailbook.capture",
        names="Capture Bounds Tracked Ref",
        says="Needs the extra `capture`. [How to capture changes](../how-to/capture.md) shows it at work, and"
        " [capture.md](capture.md) says what is caught and what is not.",
    ),
    Part(
        title="Capture: who is acting",
        module="trailbook.capture",
        names="acting_as system Acting current resumed recorded_as",
        says="The context is copied into tasks and threads that are begun in its block, and ends with it everywhere.",
    ),
    Part(
        title="Capture: from the outbox into the log",
        module="trailbook.capture",
        names="open_host install_outbox drain drain_forever Draining Ways Held LogLike outbox_waits Wait outbox_health"
        " list_quarantined Poison retry_quarantined discard_quarantined HostDatabase HostConnection",
        says="What a host's transaction wrote waits in the host's own database until it is drained.",
    ),
    Part(
        title="Capture: triggers",
        module="trailbook.capture",
        names="install_triggers check_triggers remove_triggers",
        says="For tables that are written past the session. They are installed by whoever may change the schema.",
    ),
    Part(
        title="Capture: web frameworks and job queues",
        module="trailbook.capture",
        names="asgi.ActivityMiddleware jobs.apscheduler.add_job jobs.celery.connect jobs.celery.disconnect"
        " jobs.rq.ActivityJob",
        says="Each is imported from its own module, which needs that framework and no other.",
    ),
)


def reference() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield INTRODUCTION
    for part in PARTS:
        yield f"## {part.title}\n\n{textwrap.fill(part.says, _PAGE)}\n"
        for name in part.names.split():
            inner, _, last = name.rpartition(".")
            home = f"{part.module}.{inner}" if inner else part.module
            yield from _member(f"### `{home}.{last}`", last, getattr(import_module(home), last))


def _member(heading: str, name: str, value: Any) -> Iterator[str]:
    yield f"{heading}\n"
    if inspect.isclass(value):
        yield from _class(name, value)
    elif inspect.isfunction(value):
        yield _code(_signature(name, value))
        yield _words(value)
    else:
        yield _code(f"{name} = {_alias(value)}")


def _class(name: str, kind: type) -> Iterator[str]:
    if issubclass(kind, Struct):
        yield _code("\n".join([f"class {name}:", *(f"    {line}" for line in _fields(kind))]))
    elif "__init__" in vars(kind) and name not in _MADE_BY_OTHERS:
        yield _code(_signature(name, kind.__init__).partition(" -> ")[0])
    yield _words(kind)
    members = _public(kind)
    for member in members if name != "Capture" else [each for each in members if each not in _OF_HOOKS]:
        value = members[member]
        if isinstance(value, property):
            yield f"#### `{name}.{member}`\n"
            yield _words(value)
        else:
            yield f"#### `{name}.{member}()`\n"
            yield _code(_signature(member, value))
            yield _words(value)


def _public(kind: type) -> dict[str, Any]:
    """The methods and properties of a class in the order of the code, what it has from another class first."""
    members: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("trailbook."):
            members |= {name: value for name, value in vars(base).items() if not name.startswith("_")}
    return {
        name: value
        for name, value in members.items()
        if inspect.isfunction(value) or isinstance(value, property)
    }


def _fields(kind: type) -> Iterator[str]:
    """The members of a shape as they are written, those of the shape below it first."""
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("trailbook."):
            body = _tree(base).body
            yield from (_text(line) for line in body if isinstance(line, ast.AnnAssign))


def _signature(name: str, function: Any) -> str:
    """A signature as it is written, without `self`; over the width with a line for each parameter."""
    node = _tree(inspect.unwrap(function))
    given = node.args
    given.args = [each for each in given.args if each.arg != "self"]
    answers = f" -> {_text(node.returns)}" if node.returns else ""
    parameters = _apart(given)
    whole = f"{name}({', '.join(parameters)}){answers}"
    if len(whole) <= _WIDTH:
        return whole
    lines = "".join(f"    {each},\n" for each in parameters)
    return f"{name}(\n{lines}){answers}"


def _apart(given: ast.arguments) -> list[str]:
    """The parameters of a signature, each by itself."""
    plain = [None] * (len(given.args) - len(given.defaults)) + [*given.defaults]
    each = [_parameter(*pair) for pair in zip(given.args, plain, strict=True)]
    if given.vararg:
        each.append("*" + _parameter(given.vararg, None))
    elif given.kwonlyargs:
        each.append("*")
    each += [_parameter(*pair) for pair in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    return [*each, "**" + _parameter(given.kwarg, None)] if given.kwarg else each


def _parameter(parameter: ast.arg, default: ast.expr | None) -> str:
    return _text(parameter) + (f" = {_text(default)}" if default else "")


def _tree(value: Any) -> Any:
    return ast.parse(textwrap.dedent(inspect.getsource(value))).body[0]


def _text(node: ast.AST) -> str:
    """A piece of code as it is written here: texts in double quotes, a type that is named ahead without any."""
    if isinstance(node, ast.arg) and isinstance(node.annotation, ast.Constant):
        return f"{node.arg}: {node.annotation.value!s}"
    return ast.unparse(node).replace("'", '"')


def _alias(value: Any) -> str:
    """A type that has a name of its own, without the modules that its parts come from."""
    return re.sub(r"\b[a-z_]+\.(?=[a-z_.]*[A-Z])", "", str(value).replace("collections.abc.", ""))


def _words(value: Any) -> str:
    """A docstring, what it raises in a paragraph of its own."""
    text = inspect.getdoc(value) or ""
    text = re.sub(r"\s+Raises:\s+", "\n\n*Raises:* ", text)
    return f"{text}\n"


def _code(text: str) -> str:
    return f"```python\n{text}\n```\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
