"""`api-keys`: the keys of host systems.

Owns showing a key's secret, once. Refuses to show it again: only its hash is kept.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import typer

from trailbook import access, administration
from trailbook.cli.context import JSON, open_log
from trailbook.cli.output import as_json, note, put, table
from trailbook.errors import Fault, InvalidError
from trailbook.model import instant, written

if TYPE_CHECKING:
    from trailbook.access import ApiKey

group = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Make, list, rotate and revoke the keys of host systems.",
)


@group.command("new")
def new(
    ctx: typer.Context,
    name: str = typer.Option(
        ..., metavar="NAME", help="Whose key it is; shown as the source of its entries."
    ),
    scope: list[str] = typer.Option(
        ..., metavar="SCOPE", help="record, read, export, prove or administer; repeat for several."
    ),
    days: int = typer.Option(365, metavar="N", help="How long it lives."),
    category: list[str] | None = typer.Option(
        None, metavar="NAME", help="A category that it may record; repeat for several; else all."
    ),
    only_itself: bool = typer.Option(
        False, "--only-itself", help="It names only itself as actor, as integration."
    ),
    restricted: list[str] | None = typer.Option(
        None, metavar="NAME", help="A restricted category that it may read; repeat for several; else none."
    ),
    json: bool = JSON,
) -> None:
    """Make a key and print its secret, which cannot be shown again."""
    if not 1 <= days <= 3650:
        raise InvalidError("days: is not 1 to 3650", (Fault("/days", "invalid", "is not 1 to 3650"),))
    wanted = access.NewKey(
        name=name,
        scopes=tuple(scope),
        life=timedelta(days=days),
        categories=tuple(category or ()),
        only_itself=only_itself,
        restricted=tuple(restricted or ()),
    )
    with open_log(ctx) as opened:
        key, secret = administration.issue_key(opened.by, wanted)
    if json:
        put(as_json({**_shown(key), "secret": secret}))
    else:
        put(secret)
        note(
            f"Key {key.id} of {name}, until {written(instant(key.expires_at))}. Keep it: it is not shown again."
        )


@group.command("list")
def listed(ctx: typer.Context, json: bool = JSON) -> None:
    """List the keys, oldest first; never their secrets."""
    with open_log(ctx) as opened:
        keys = [_shown(key) for key in opened.deployment.credentials.keys(opened.log.org)]
    if json:
        put(as_json(keys))
        return
    state = [
        f"revoked {key['revoked_at']}" if key["revoked_at"] else f"until {key['expires_at']}" for key in keys
    ]
    table((k["id"], ",".join(k["scopes"]), s, k["name"]) for k, s in zip(keys, state, strict=True))


@group.command("rotate")
def rotate(
    ctx: typer.Context,
    id_: str = typer.Argument(metavar="ID", help="The key's id."),
    hours: int = typer.Option(24, metavar="N", help="How long the old secret works yet, 0 to 24."),
    days: int = typer.Option(365, metavar="N", help="How long the new one lives."),
    json: bool = JSON,
) -> None:
    """Replace a key's secret and print the new one, which cannot be shown again; the source stays the same."""
    with open_log(ctx) as opened:
        key, secret = administration.rotate_key(opened.by, id_, timedelta(hours=hours), timedelta(days=days))
    put(as_json({**_shown(key), "secret": secret}) if json else secret)


@group.command("restrict")
def restrict(
    ctx: typer.Context,
    id_: str = typer.Argument(metavar="ID", help="The key's id."),
    category: list[str] | None = typer.Option(
        None,
        metavar="NAME",
        help="A restricted category that it may read; repeat for several; without any, none.",
    ),
    json: bool = JSON,
) -> None:
    """Name the restricted categories that a key may read, in place of those before."""
    with open_log(ctx) as opened:
        key = administration.restrict_key(opened.by, id_, category or ())
    put(
        as_json(_shown(key))
        if json
        else f"{id_} reads {', '.join(key.restricted) or 'no restricted category'}"
    )


@group.command("revoke")
def revoke(
    ctx: typer.Context, id_: str = typer.Argument(metavar="ID", help="The key's id."), json: bool = JSON
) -> None:
    """Revoke a key; it stops working with the next request."""
    with open_log(ctx) as opened:
        done = administration.revoke_key(opened.by, id_)
    put(
        as_json({"id": id_, "revoked": done})
        if json
        else f"{id_} {'is revoked' if done else 'was revoked before'}"
    )


def _shown(key: "ApiKey") -> dict[str, Any]:
    """A key as it is shown: all but its secret."""
    stamps = {name: getattr(key, name) for name in ("created_at", "expires_at", "used_at", "revoked_at")}
    times = {name: None if at is None else written(instant(at)) for name, at in stamps.items()}
    actors = "itself" if key.only_itself else "any"
    limits = {"categories": list(key.categories), "restricted": list(key.restricted), "actors": actors}
    return {"id": key.id, "name": key.name, "scopes": list(key.scopes), **limits, **times}
