"""The filter as options: every parameter of the API's filter, on every command that reads.

Owns the option of each parameter. Refuses to judge a value: `from_params` does, in the words that page and API use.
"""

import inspect
from collections.abc import Callable
from typing import Any

import typer

from trailbook.cli.context import Opened
from trailbook.query import Query, Vocabulary, from_line, from_params, to_params

Pairs = list[tuple[str, str]]

# A parameter that may be repeated (OR) and negated, what its value looks like, and what it is.
FIELDS: dict[str, tuple[str, str]] = {
    "category": ("NAME", "The part of the host system"),
    "action": ("NAME", "What was done; role.* is every action of that entity"),
    "actor": ("TYPE/ID", "Who did it"),
    "concerns": ("TYPE/ID", "Whom or what it is about"),
    "by_or_about": ("TYPE/ID", "Who did it or whom it is about"),
    "target": ("TYPE/ID", "What was changed; absence/* is every item of that type"),
    "actor_kind": ("KIND", "person, integration or system"),
    "outcome": ("OUTCOME", "success, failure or denied"),
    "origin": ("INTERFACE", "web, mobile, api, cli, job, import or database"),
    "source": ("TYPE/ID", "Which source recorded it"),
}
ONCE: dict[str, tuple[str, str]] = {
    "date": ("PRESET", "today, last-week, last-month, this-quarter, past-6-months ..."),
    "from": ("TIME", "From this day or instant on."),
    "to": ("TIME", "To the end of this day, or before this instant."),
    "tz": ("ZONE", "The IANA time zone of dates; else the setting timezone."),
    "text": ("WORDS", "Words that begin so in any name or in the action's label."),
    "self": ("BOOL", "true: people on their own behalf; false: all others."),
    "as_of": ("SIZE", "Only entries with a seq below this, from a former answer."),
}


def filtered(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the filter, in one line and as options; it is called with `pairs` in place of them."""

    def run(**arguments: Any) -> Any:
        pairs = to_params(from_line(" ".join(arguments.pop("line") or [])))
        for name in OPTIONS:
            value = arguments.pop(_parameter(name))
            pairs += [(name, each) for each in ([value] if isinstance(value, str) else value or [])]
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
    """The filter of parameters, names checked against the catalogue. Raises: FilterInvalidError."""
    if opened.settings.timezone != "UTC" and not any(name == "tz" for name, _ in pairs):
        pairs = [*pairs, ("tz", opened.settings.timezone)]
    catalogue = opened.log.catalogue
    vocabulary = Vocabulary(categories=catalogue.categories, actions=catalogue.actions, types=catalogue.types)
    return from_params(pairs, vocabulary)


def _parameter(name: str) -> str:
    return "filter_" + name.replace(".", "_")


def _option(name: str, option: Any) -> inspect.Parameter:
    annotation: Any = str | None if name in ONCE else list[str] | None
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(_parameter(name), kind, default=option, annotation=annotation)


def _options() -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, (metavar, what) in ONCE.items():
        options[name] = typer.Option(None, f"--{name.replace('_', '-')}", metavar=metavar, help=what)
    for name, (metavar, what) in FIELDS.items():
        flag = f"--{name.replace('_', '-')}"
        options[name] = typer.Option(None, flag, metavar=metavar, help=f"{what}; repeat for OR.")
        options[name + ".not"] = typer.Option(
            None, flag + "-not", metavar=metavar, help=f"As {flag}, left out."
        )
    return options


OPTIONS = _options()
_LINE = typer.Argument(
    None,
    metavar="FILTER",
    help="The filter in one line: 'category:roles -outcome:denied date:last-month'.",
)
