"""The filter as options: every parameter of the API's filter, on every command that reads.

Owns the option of each parameter. Refuses to judge a value: `from_params` does, in the words that page and API use.
"""

import inspect
from collections.abc import Callable
from typing import Any

import typer

from trailbook.cli.context import Opened
from trailbook.cli.names import with_items
from trailbook.query import FIELDS, ONCE, Query, Vocabulary, from_params, line_params

Pairs = list[tuple[str, str]]


def filtered(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the filter, in one line and as options; it is called with `pairs` in place of them."""

    def run(**arguments: Any) -> Any:
        pairs = line_params(" ".join(arguments.pop("line") or []))
        for name in OPTIONS:
            pairs += [(name, value) for value in arguments.pop(_parameter(name)) or []]
        return command(pairs=pairs, **arguments)

    own = [p for name, p in inspect.signature(command).parameters.items() if name != "pairs"]
    line = inspect.Parameter(
        "line", inspect.Parameter.KEYWORD_ONLY, default=_LINE, annotation=list[str] | None
    )
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    parameters += [line, *(_option(name, option) for name, option in OPTIONS.items())]
    run.__doc__ = command.__doc__
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def query_of(opened: Opened, pairs: Pairs) -> Query:
    """The filter of parameters, names checked against the catalogue and the log. Raises: FilterInvalidError."""
    if opened.zone != "UTC" and not any(name == "tz" for name, _ in pairs):
        pairs = [*pairs, ("tz", opened.zone)]
    catalogue = opened.log.catalogue
    vocabulary = Vocabulary(categories=catalogue.categories, actions=catalogue.actions, types=catalogue.types)
    return from_params(with_items(opened, pairs), vocabulary)


def _parameter(name: str) -> str:
    return "filter_" + name.replace(".", "_")


def _option(name: str, option: Any) -> inspect.Parameter:
    # Those that are given once too: of two the parser would take the last and say nothing of the other.
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(_parameter(name), kind, default=option, annotation=list[str] | None)


def _options() -> dict[str, Any]:
    options: dict[str, Any] = {}
    for single in ONCE.values():
        flag = f"--{single.name.replace('_', '-')}"
        options[single.name] = typer.Option(None, flag, metavar=single.metavar, help=single.option)
    for field in FIELDS.values():
        flag = f"--{field.name.replace('_', '-')}"
        again, out = f"{field.option}; repeat for OR.", f"As {flag}, left out."
        options[field.name] = typer.Option(None, flag, metavar=field.metavar, help=again)
        options[field.name + ".not"] = typer.Option(None, flag + "-not", metavar=field.metavar, help=out)
    return options


OPTIONS = _options()
_LINE = typer.Argument(
    None,
    metavar="FILTER",
    help="The filter in one line: 'category:roles -outcome:denied date:last-month'.",
)
