"""`catalogue`: what can be recorded, whether its files are right, and every sentence with sample names.

Owns the commands' answers. Refuses to judge: the findings are those of `trailbook.catalogue.check`.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import typer

from trailbook.access import operator
from trailbook.catalogue import Catalogue, catalogue_faults, load, sample_sentences
from trailbook.cli.context import JSON, LANG, language, open_deployment, settings_of
from trailbook.cli.exits import DONE, FINDINGS
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
    catalogue = _load(settings)
    if category is not None and category not in catalogue.categories:
        raise InvalidError(f"category: is not declared; there are {', '.join(catalogue.categories)}")
    rows = list(_actions(catalogue, category, language(settings, lang)))
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
    findings = catalogue_faults(_load(settings), tuple(lang or settings.languages), seen)
    faults = Counter(finding.severity for finding in findings)["fault"]
    if json:
        put(as_json(findings))
        return FINDINGS if faults else DONE
    table((f.severity, f.file, f.key, f.detail) for f in findings)
    note(f"{faults} faults, {len(findings) - faults} warnings")
    return FINDINGS if faults else DONE


@group.command("sentences")
def sentences(ctx: typer.Context, lang: str | None = LANG, json: bool = JSON) -> None:
    """Print every sentence with sample names, for review by a native reader."""
    settings = settings_of(ctx)
    samples = sample_sentences(_load(settings), language(settings, lang))
    if json:
        put(as_json([{"action": a, "variant": v, "sentence": s} for a, v, s in samples]))
    else:
        table(samples)


def _load(settings: Settings) -> Catalogue:
    return load([Path(folder) for folder in settings.catalogue])


def _actions(catalogue: Catalogue, category: str | None, lang: str) -> Iterator[dict[str, str]]:
    for action in catalogue.actions.values():
        if category in (None, action.category):
            yield {
                "action": action.name,
                "category": action.category,
                "target": ", ".join(action.target),
                "concerns": ", ".join(rule.part for rule in action.concerns),
                "label": catalogue.label("action", action.name, lang),
            }


def _seen(settings: Settings) -> set[str]:
    with open_deployment(settings) as deployment:
        logs = [deployment.log(org) for org in ([settings.org] if settings.org else deployment.orgs())]
        return {entry.action for log in logs for entry in log.rows(Query(), viewer=operator(log.org))}
