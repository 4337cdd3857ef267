"""`org`, `roles` and `members`: organisations, and who may do what in one.

Owns the forms of these commands. Whoever can run them on the files acts as the operator, and every change is an
entry. Refuses nothing itself: the rules are the core's.
"""

from typing import TYPE_CHECKING, Any

import typer

from trailbook import administration, deployment as deployments
from trailbook.access import PREDEFINED, permissions_of
from trailbook.cli.context import JSON, open_deployment, open_log, settings_of
from trailbook.cli.items import ITEM, parse_item
from trailbook.cli.output import as_json, note, put, table
from trailbook.cli.serve import BASE_URL
from trailbook.cli.server_lock import served_at
from trailbook.model import Item, instant, written

if TYPE_CHECKING:
    from trailbook.access import Member, Role

org = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="Begin, list, suspend and resume organisations."
)
roles = typer.Typer(add_completion=False, rich_markup_mode=None, help="List, make, change and remove roles.")
members = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="Who has which roles, and who has an account."
)
NAME = typer.Argument(metavar="NAME", help="The organisation.")
ROLE = typer.Argument(metavar="ROLE", help="The role's id.")
WHO = typer.Argument(metavar=ITEM, help="The person.")
NAMED = typer.Option(
    None, "--category", metavar="CATEGORY", help="A restricted category it may read; repeat for several."
)
FULL = typer.Option(None, "--full", metavar="PERMISSION", help="A permission at full; repeat for several.")


@org.command("add")
def add_org(ctx: typer.Context, name: str = NAME, json: bool = JSON) -> None:
    """Begin the log of an organisation; again is harmless."""
    with open_deployment(settings_of(ctx)) as deployment:
        new = administration.add_organisation(deployment, name)
    sentence = f"{name} {'has a log now' if new else 'had a log before'}"
    _answer({"org": name, "created": new}, sentence, json=json)


@org.command("list")
def list_orgs(ctx: typer.Context, json: bool = JSON) -> None:
    """List the organisations."""
    with open_deployment(settings_of(ctx)) as deployment:
        organisations = administration.list_organisations(deployment)
    if json:
        put(as_json(organisations))
    else:
        table((o.org, f"suspended {o.suspended_at}" if o.suspended_at else "open") for o in organisations)


@org.command("suspend")
def suspend(ctx: typer.Context, name: str = NAME, json: bool = JSON) -> None:
    """Let nobody in and record nothing, until it is resumed."""
    with open_deployment(settings_of(ctx)) as deployment:
        done = administration.suspend_organisation(deployment, name)
    _answer({"org": name, "done": done}, f"{name} {'is' if done else 'was'} suspended", json=json)


@org.command("resume")
def resume(ctx: typer.Context, name: str = NAME, json: bool = JSON) -> None:
    """Let people in and record again."""
    with open_deployment(settings_of(ctx)) as deployment:
        done = administration.resume_organisation(deployment, name)
    _answer({"org": name, "done": done}, f"{name} {'is' if done else 'was'} open", json=json)


@roles.command("list")
def list_roles(ctx: typer.Context, json: bool = JSON) -> None:
    """List the roles with their permissions at full."""
    with open_log(ctx) as opened:
        access = administration.access_of(opened.by)
    if json:
        put(as_json([_role(role) for role in access.roles.values()]))
    else:
        table((role.id, ",".join(role.full) or "-", role.name) for role in access.roles.values())


@roles.command("add")
def add_role(
    ctx: typer.Context,
    name: str = typer.Option(..., metavar="NAME", help="Its name."),
    full: list[str] | None = FULL,
    category: list[str] | None = NAMED,
    json: bool = JSON,
) -> None:
    """Make a role."""
    permissions, categories = dict.fromkeys(full or [], "full"), category or []
    with open_log(ctx) as opened:
        role = administration.add_role(opened.by, name, permissions, categories=categories)
    _answer(_role(role), role.id, json=json)


@roles.command("change")
def change_role(
    ctx: typer.Context,
    id_: str = ROLE,
    name: str = typer.Option(..., metavar="NAME", help="Its name."),
    full: list[str] | None = FULL,
    category: list[str] | None = NAMED,
    json: bool = JSON,
) -> None:
    """Change a role: its name, all its permissions and restricted categories."""
    permissions, categories = dict.fromkeys(full or [], "full"), category or []
    with open_log(ctx) as opened:
        role = administration.change_role(opened.by, id_, name, permissions, categories=categories)
    _answer(_role(role), f"{role.id} is changed", json=json)


@roles.command("remove")
def remove_role(ctx: typer.Context, id_: str = ROLE, json: bool = JSON) -> None:
    """Remove a role, also from whoever has it."""
    with open_log(ctx) as opened:
        administration.remove_role(opened.by, id_)
    _answer({"id": id_, "removed": True}, f"{id_} is removed", json=json)


@members.command("list")
def list_members(ctx: typer.Context, json: bool = JSON) -> None:
    """List the members with their roles."""
    with open_log(ctx) as opened:
        access = administration.access_of(opened.by)
    if json:
        put(as_json([_member(member) for member in access.members.values()]))
    else:
        table(
            (f"{m.type}/{m.id}", ",".join(m.roles), "not let in" if m.disabled_at else m.login or "-", m.name)
            for m in access.members.values()
        )


@members.command("set")
def set_member(
    ctx: typer.Context,
    who: str = WHO,
    role: list[str] = typer.Option(..., metavar="ROLE", help="A role's id; repeat for several."),
    json: bool = JSON,
) -> None:
    """Give a person these roles and no others."""
    with open_log(ctx) as opened:
        member = administration.put_member(opened.by, _item(who), role)
    _answer(_member(member), f"{member.type}/{member.id} has {', '.join(member.roles)}", json=json)


@members.command("remove")
def remove_member(ctx: typer.Context, who: str = WHO, json: bool = JSON) -> None:
    """Remove a member with their account; they are signed out."""
    item = _item(who)
    with open_log(ctx) as opened:
        administration.remove_member(opened.by, item.type, item.id)
    _answer({"type": item.type, "id": item.id, "removed": True}, f"{who} is removed", json=json)


@members.command("disable")
def disable(ctx: typer.Context, who: str = WHO, json: bool = JSON) -> None:
    """Let a member in no longer; they are signed out."""
    _let_in(ctx, who, disabled=True, json=json)


@members.command("enable")
def enable(ctx: typer.Context, who: str = WHO, json: bool = JSON) -> None:
    """Let a member in again."""
    _let_in(ctx, who, disabled=False, json=json)


@members.command("invite")
def invite(
    ctx: typer.Context,
    who: str = WHO,
    login: str = typer.Option(..., metavar="NAME", help="What they will sign in with."),
    base_url: str | None = BASE_URL,
    json: bool = JSON,
) -> None:
    """Print a link by which a member sets a password once, within 72 hours; hand it over yourself."""
    item = _item(who)
    with open_log(ctx) as opened:
        text = administration.invite(opened.by, item.type, item.id, login)
        _link(ctx, text, base_url, json=json)


@members.command("reset")
def reset(ctx: typer.Context, who: str = WHO, base_url: str | None = BASE_URL, json: bool = JSON) -> None:
    """Print a link by which a member sets a new password once, within the hour."""
    item = _item(who)
    with open_log(ctx) as opened:
        text = administration.reset_password(opened.by, item.type, item.id)
        _link(ctx, text, base_url, json=json)


def _let_in(ctx: typer.Context, who: str, *, disabled: bool, json: bool) -> None:
    item = _item(who)
    with open_log(ctx) as opened:
        member = administration.disable_member(opened.by, item.type, item.id, disabled=disabled)
    _answer(_member(member), f"{who} is {'not let in' if disabled else 'let in'}", json=json)


def _item(text: str) -> Item:
    return Item(**(parse_item("who", text) or {}))


def _link(ctx: typer.Context, text: str, base_url: str | None, *, json: bool) -> None:
    settings = settings_of(ctx, base_url=base_url)
    address = (
        settings.base_url
        or served_at(deployments.locations_of(settings).lock_file())
        or f"http://{settings.listen}"
    )
    link = f"{address}/set-password?link={text}"
    put(as_json({"link": link}) if json else link)
    note("The link works once. Hand it over yourself: no mail is sent.")


def _role(role: "Role") -> dict[str, Any]:
    return {
        "id": role.id,
        "name": role.name,
        "permissions": permissions_of(role),
        "categories": role.categories,
        "predefined": role.id in PREDEFINED,
    }


def _member(member: "Member") -> dict[str, Any]:
    at = member.disabled_at
    shown = {name: getattr(member, name) for name in ("type", "id", "name", "roles", "login")}
    return {**shown, "disabled_at": None if at is None else written(instant(at))}


def _answer(members: dict[str, Any], sentence: str, *, json: bool) -> None:
    put(as_json(members) if json else sentence)
