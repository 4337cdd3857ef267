"""`catalogue`: what can be recorded, whether its files are right, and every sentence with sample names.

Owns the commands' answers. Refuses to judge: the findings are those of `trailbook.catalogue.check`.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import typer

from trailbook.access import operator
from trailbook.catalogue import Catalogue, load, sample_sentences
from trailbook.catalogue import catalogue_faults as findings
from trailbook.cli.context import JSON, LANG, language, opened, settings_of
from trailbook.cli.exits import DONE, FOUND
from trailbook.cli.output import as_json, note, put, table
from trailbook.deployment import Settings
from trailbook.errors import InvalidError
from trailbook.query import Query

group = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Show and check what can be recorded, and in which words.",
)
_CATEGORY = typer.Option(None, "--category", metavar="NAME", help="Of this category only.")


@group.command("list")
def listed(
    ctx: typer.Context, category: str | None = _CATEGORY, lang: str | None = LANG, json: bool = JSON
) -> None:
    """List the actions that can be recorded, with what they are about."""
    settings = settings_of(ctx)
    found = _load(settings)
    if category is not None and category not in found.categories:
        raise InvalidError(f"category: is not declared; there are {', '.join(found.categories)}")
    rows = list(_actions(found, category, language(settings, lang)))
    if json:
        put(as_json(rows))
        return
    table((row["category"], row["action"], row["target"], row["concerns"], row["label"]) for row in rows)


@group.command("check")
def check(
    ctx: typer.Context,
    lang: list[str] | None = typer.Option(
        None, "--lang", metavar="LANG", help="Else every enabled language."
    ),
    log: str | None = typer.Option(
        None, metavar="URL", help="Also look in this store for actions that nothing declares."
    ),
    json: bool = JSON,
) -> int:
    """Print every fault of the catalogue with file and key; exit 1 when there is one."""
    settings = settings_of(ctx)
    seen = () if log is None else _seen(settings_of(ctx, store=log))
    found = findings(_load(settings), tuple(lang or settings.languages), seen)
    faults = Counter(finding.severity for finding in found)["fault"]
    if json:
        put(as_json(found))
        return FOUND if faults else DONE
    table((f.severity, f.file, f.key, f.detail) for f in found)
    note(f"{faults} faults, {len(found) - faults} warnings")
    return FOUND if faults else DONE


@group.command("sentences")
def sentences(ctx: typer.Context, lang: str | None = LANG, json: bool = JSON) -> None:
    """Print every sentence with sample names, for review by a native reader."""
    settings = settings_of(ctx)
    found = sample_sentences(_load(settings), language(settings, lang))
    if json:
        put(as_json([{"action": a, "variant": v, "sentence": s} for a, v, s in found]))
    else:
        table(found)


def _load(settings: Settings) -> Catalogue:
    return load([Path(folder) for folder in settings.catalogue])


def _actions(found: Catalogue, category: str | None, lang: str) -> Iterator[dict[str, str]]:
    for action in found.actions.values():
        if category in (None, action.category):
            yield {
                "action": action.name,
                "category": action.category,
                "target": ", ".join(action.target),
                "concerns": ", ".join(rule.part for rule in action.concerns),
                "label": found.label("action", action.name, lang),
            }


def _seen(settings: Settings) -> set[str]:
    with opened(settings) as deployment:
        logs = [deployment.log(org) for org in ([settings.org] if settings.org else deployment.orgs())]
        return {entry.action for log in logs for entry in log.rows(Query(), viewer=operator(log.org))}
