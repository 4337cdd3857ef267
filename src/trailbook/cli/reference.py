"""The command line as a page of the reference, made from the commands so that it cannot drift from them.

Owns the page's form. Refuses to say anything that the commands do not, but for the exit codes, which are the
contract. `python -m trailbook.cli.reference` prints it; a test holds docs/reference/cli.md in step.
"""

import sys
from collections.abc import Iterator
from typing import Any

from trailbook.cli import COMMANDS, load
from trailbook.cli.filters import OPTIONS

INTRODUCTION = """\
# The command line

`trailbook [--config FILE] [--org ORG] [--store URL] COMMAND`. This page is made from the commands
(`python -m trailbook.cli.reference > docs/reference/cli.md`); a test holds it in step.

- **The log that is meant**: `--store`, else the [settings](configuration.md), else `trailbook.db` in the current
  folder; `--org`, else the settings, else the only organisation there. Whoever can read the files reads as operator.
- **`--json`**, on every command: one line of JSON on stdout; an error is one line of JSON on stderr,
  `{"code": ..., "detail": ..., "errors": [{"pointer", "code", "detail"}]}`. Without it an error is one line,
  `error: ...`.
- **Progress** is shown on stderr, on a terminal only; `NO_COLOR` is obeyed. Characters that would command a terminal,
  hide or reorder text are written as escapes, `\\x1b`, wherever a name is printed.

| exit | when |
|---|---|
| 0 | done |
| 1 | a check found something, or some lines of an import were refused |
| 2 | bad input, usage or configuration |
| 3 | not permitted |
| 4 | not found |
| 5 | conflict: the same id with other content, or a file that is there already |
| 6 | the store or a receiver is unavailable; try again |
| 7 | internal error; `TRAILBOOK_LOG_LEVEL=debug` shows where |
| 130 | interrupted |
"""
FILTER = """\
## The filter

`search`, `count` and `export` take it as options, in one line (`'category:roles -outcome:denied date:last-month'`),
or both. A repeated option is OR, different ones are AND; each that may be repeated has a twin that leaves out, such
as `--actor-not`.
"""


def walk() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it, groups before their own."""
    for name in COMMANDS:
        command = load(name)
        yield (name,), command
        for inner, below in getattr(command, "commands", {}).items():
            yield (name, inner), below


def reference() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield INTRODUCTION
    for path, command in walk():
        if not hasattr(command, "commands"):
            yield from _command(path, command)
    yield FILTER
    yield "| option | |\n|---|---|"
    for option in OPTIONS.values():
        flag, metavar = option.param_decls[0], option.metavar
        if not flag.endswith("-not"):
            yield f"| `{flag} {metavar}` | {_cell(option.help)} |"


def _command(path: tuple[str, ...], command: Any) -> Iterator[str]:
    yield f"## `trailbook {' '.join(path)}`\n"
    yield command.help.strip() + "\n"
    own = [p for p in command.params if not p.name.startswith("filter_") and p.name != "help"]
    if len(own) < len(command.params) - 1:
        yield "Takes [the filter](#the-filter).\n"
    yield "| option | |\n|---|---|"
    for parameter in own:
        yield f"| `{_call(parameter)}` | {_cell(parameter.help)}{' Required.' * parameter.required} |"
    yield ""


def _call(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.metavar)
    flags = ", ".join((*parameter.opts, *parameter.secondary_opts))
    return flags if parameter.is_flag else f"{flags} {parameter.metavar}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(reference())
