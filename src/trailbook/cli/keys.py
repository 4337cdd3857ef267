"""`api-keys`: the keys of host systems.

Owns showing a key's secret, once. Refuses to show it again: only its hash is kept.
"""

from datetime import timedelta
from typing import Any

import typer

from trailbook.cli.opening import JSON, open_log
from trailbook.cli.printing import as_json, note, put, table
from trailbook.errors import Fault, InvalidError, NotFoundError
from trailbook.model import instant, written

group = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="Make, list and revoke the keys of host systems."
)


@group.command("new")
def new(
    ctx: typer.Context,
    name: str = typer.Option(
        ..., metavar="NAME", help="Whose key it is; shown as the source of its entries."
    ),
    scope: list[str] = typer.Option(..., metavar="SCOPE", help="record, read or prove; repeat for several."),
    days: int = typer.Option(365, metavar="N", help="How long it lives."),
    json: bool = JSON,
) -> None:
    """Make a key and print its secret, which cannot be shown again."""
    if not 1 <= days <= 3650:
        raise InvalidError("days: is not 1 to 3650", (Fault("/days", "invalid", "is not 1 to 3650"),))
    with open_log(ctx) as opened:
        scopes: Any = tuple(scope)  # judged by the credentials, in their own words
        key, secret = opened.deployment.credentials.new_key(
            opened.log.org, name, scopes, life=timedelta(days=days)
        )
    if json:
        put(as_json({**_told(key), "secret": secret}))
    else:
        put(secret)
        note(
            f"Key {key.id} of {name}, until {written(instant(key.expires_at))}. Keep it: it is not shown again."
        )


@group.command("list")
def listed(ctx: typer.Context, json: bool = JSON) -> None:
    """List the keys, oldest first; never their secrets."""
    with open_log(ctx) as opened:
        keys = [_told(key) for key in opened.deployment.credentials.keys(opened.log.org)]
    if json:
        put(as_json(keys))
        return
    state = [
        f"revoked {key['revoked_at']}" if key["revoked_at"] else f"until {key['expires_at']}" for key in keys
    ]
    table((k["id"], ",".join(k["scopes"]), s, k["name"]) for k, s in zip(keys, state, strict=True))


@group.command("revoke")
def revoke(
    ctx: typer.Context, id_: str = typer.Argument(metavar="ID", help="The key's id."), json: bool = JSON
) -> None:
    """Revoke a key; it stops working with the next request."""
    with open_log(ctx) as opened:
        credentials = opened.deployment.credentials
        if id_ not in {key.id for key in credentials.keys(opened.log.org)}:
            raise NotFoundError(f"{opened.log.org} has no key {id_}")
        done = credentials.revoke_key(id_)
    put(
        as_json({"id": id_, "revoked": done})
        if json
        else f"{id_} {'is revoked' if done else 'was revoked before'}"
    )


def _told(key: Any) -> dict[str, Any]:
    times = {name: getattr(key, name) for name in ("created_at", "expires_at", "revoked_at")}
    shown = {name: None if at is None else written(instant(at)) for name, at in times.items()}
    return {"id": key.id, "name": key.name, "scopes": list(key.scopes), **shown}
