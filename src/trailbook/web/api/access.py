"""Who may do what, over HTTP: roles, members, keys, what is withheld and working hours, for who may manage access.

Owns the answers. Refuses members of a body that it does not know, and shows a secret once, to whoever made it.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
from litestar import Response
from msgspec import Struct, structs

from trailbook import administration
from trailbook.access import (
    KEY_LIFE,
    OVERLAP,
    PREDEFINED,
    ApiKey,
    Level,
    NewKey,
    Role,
    levels,
    permissions_of,
)
from trailbook.administration import AccessState, By, access_of
from trailbook.errors import Fault, InvalidError
from trailbook.model import Item, instant, prepare, written
from trailbook.query import WorkingHours
from trailbook.web.http.media import JSON, sent_as
from trailbook.web.http.request import Request
from trailbook.web.http.strict_json import Shape, read_as

_HOURS = OVERLAP // timedelta(hours=1)


class RoleSent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A role: `permissions` by name, each none or full; one that is left out is none.

    `categories` are the restricted ones that it may read.
    """

    name: str
    permissions: dict[str, str]
    categories: list[str] = []


class MemberSent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A member: the ids of their roles; a name that is left out stays, and so does whether they are let in."""

    roles: list[str]
    name: str | None = None
    disabled: bool | None = None


class InvitationSent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The name that a member will sign in with."""

    login: str


class KeySent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key: whose it is, its scopes, the categories it may record (all, if none), and whom it may name as actor.

    `restricted` are the restricted categories that it may read.
    """

    name: str
    scopes: list[str]
    categories: list[str] = []
    restricted: list[str] = []
    actors: Literal["any", "itself"] = "any"
    expires_at: datetime | None = None


class RotationSent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many hours the old secret works yet, and until when the new one does."""

    overlap_hours: int = _HOURS
    expires_at: datetime | None = None


class RestrictedSent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The restricted categories that a key may read."""

    categories: list[str]


class WithheldSent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The categories that even full access to the activity log does not show."""

    categories: list[str]


class WorkingHoursSent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of an organisation's working hours, as they are answered: what is left out would be taken for the usual."""

    days: str
    work: str
    night: str
    weekend: str
    tz: str


prepare(WorkingHoursSent)
prepare(RoleSent, MemberSent, InvitationSent, KeySent, RotationSent, RestrictedSent, WithheldSent)


class RoleAnswer(Struct, frozen=True, kw_only=True):
    """A role with every permission's level and the restricted categories that it may read.

    Predefined ones cannot be changed.
    """

    id: str
    name: str
    permissions: dict[str, Level]
    categories: tuple[str, ...]
    predefined: bool


class RoleList(Struct, frozen=True, kw_only=True):
    """The roles, the predefined ones first."""

    roles: tuple[RoleAnswer, ...]


class MemberAnswer(Struct, frozen=True, kw_only=True):
    """A member, their roles, and what these allow together; `login` is null without an account."""

    type: str
    id: str
    name: str
    roles: tuple[str, ...]
    permissions: dict[str, Level]
    login: str | None
    disabled_at: str | None


class MemberList(Struct, frozen=True, kw_only=True):
    """The members, by type and id."""

    members: tuple[MemberAnswer, ...]


class LinkAnswer(Struct, frozen=True, kw_only=True):
    """A link that works once, to be handed to the member; no mail is sent."""

    link: str
    expires_at: str


class KeyAnswer(Struct, frozen=True, kw_only=True):
    """A key without its secret; `old_until` is until when the secret before the last rotation works."""

    id: str
    name: str
    scopes: tuple[str, ...]
    categories: tuple[str, ...]
    restricted: tuple[str, ...]
    actors: Literal["any", "itself"]
    created_at: str
    expires_at: str
    used_at: str | None
    revoked_at: str | None
    old_until: str | None


class NewKeyAnswer(KeyAnswer, frozen=True, kw_only=True):
    """A key with its secret, which is shown this once."""

    secret: str


class KeyList(Struct, frozen=True, kw_only=True):
    """The keys, oldest first."""

    keys: tuple[KeyAnswer, ...]


class WithheldAnswer(Struct, frozen=True, kw_only=True):
    """The categories that even full access to the activity log does not show."""

    categories: tuple[str, ...]


def get_roles(request: Request) -> Response[bytes]:
    """GET roles."""
    request.only()
    state = access_of(by(request))
    return _json(RoleList(roles=tuple(_role(role) for role in state.roles.values())))


def post_role(request: Request) -> Response[bytes]:
    """POST roles: 201."""
    wanted = sent(request, RoleSent)
    role = administration.add_role(by(request), wanted.name, wanted.permissions, categories=wanted.categories)
    return _json(_role(role), 201, f"{request.url}/{role.id}")


def get_role(request: Request) -> Response[bytes]:
    """GET roles/{role}."""
    request.only()
    return _json(_role(administration.role_of(by(request), request.params["role"])))


def put_role(request: Request) -> Response[bytes]:
    """PUT roles/{role}."""
    wanted, id_ = sent(request, RoleSent), request.params["role"]
    changed = administration.change_role(
        by(request), id_, wanted.name, wanted.permissions, categories=wanted.categories
    )
    return _json(_role(changed))


def delete_role(request: Request) -> Response[bytes]:
    """DELETE roles/{role}: 204."""
    request.only()
    administration.remove_role(by(request), request.params["role"])
    return _nothing()


def get_members(request: Request) -> Response[bytes]:
    """GET members."""
    request.only()
    state = access_of(by(request))
    return _json(MemberList(members=tuple(_member(state, *key) for key in state.members)))


def get_member(request: Request) -> Response[bytes]:
    """GET members/{type}/{item}."""
    request.only()
    return _shown(request)


def replace_member(request: Request) -> Response[bytes]:
    """PUT members/{type}/{item}: new, or changed."""
    wanted = sent(request, MemberSent)
    type_, id_ = request.params["type"], request.params["item"]
    administration.put_member(by(request), Item(type=type_, id=id_, name=wanted.name), wanted.roles)
    if wanted.disabled is not None:
        administration.disable_member(by(request), type_, id_, disabled=wanted.disabled)
    return _shown(request)


def delete_member(request: Request) -> Response[bytes]:
    """DELETE members/{type}/{item}: 204."""
    request.only()
    administration.remove_member(by(request), request.params["type"], request.params["item"])
    return _nothing()


def post_invitation(request: Request) -> Response[bytes]:
    """POST members/{type}/{item}/invitation: the link, once."""
    invitation = sent(request, InvitationSent)
    type_, id_ = request.params["type"], request.params["item"]
    text = administration.invite(by(request), type_, id_, invitation.login)
    return _json(_link(request, text, administration.INVITATION_LIFE), 201)


def post_reset(request: Request) -> Response[bytes]:
    """POST members/{type}/{item}/reset: the link, once."""
    request.only()
    text = administration.reset_password(by(request), request.params["type"], request.params["item"])
    return _json(_link(request, text, administration.RESET_LIFE), 201)


def get_keys(request: Request) -> Response[bytes]:
    """GET keys."""
    request.only()
    return _json(KeyList(keys=tuple(KeyAnswer(**_key(key)) for key in administration.list_keys(by(request)))))


def post_key(request: Request) -> Response[bytes]:
    """POST keys: 201 with the secret, once."""
    wanted = sent(request, KeySent)
    new = NewKey(
        name=wanted.name,
        scopes=tuple(wanted.scopes),
        life=_life(request, wanted.expires_at),
        categories=tuple(wanted.categories),
        only_itself=wanted.actors == "itself",
        restricted=tuple(wanted.restricted),
    )
    key, secret = administration.issue_key(by(request), new)
    return _json(NewKeyAnswer(**_key(key), secret=secret), 201)


def rotate(request: Request) -> Response[bytes]:
    """POST keys/{key}/rotate: 201 with the new secret, once."""
    rotation = sent(request, RotationSent)
    if not 0 <= rotation.overlap_hours <= _HOURS:
        raise _invalid("/overlap_hours", f"is not 0 to {_HOURS}")
    overlap, life = timedelta(hours=rotation.overlap_hours), _life(request, rotation.expires_at)
    key, secret = administration.rotate_key(by(request), request.params["key"], overlap, life)
    return _json(NewKeyAnswer(**_key(key), secret=secret), 201)


def restrict(request: Request) -> Response[bytes]:
    """PUT keys/{key}/restricted: the key as it is now."""
    wanted = sent(request, RestrictedSent)
    key = administration.restrict_key(by(request), request.params["key"], wanted.categories)
    return _json(KeyAnswer(**_key(key)))


def revoke(request: Request) -> Response[bytes]:
    """DELETE keys/{key}: 204, also when it was revoked before."""
    request.only()
    administration.revoke_key(by(request), request.params["key"])
    return _nothing()


def get_withheld(request: Request) -> Response[bytes]:
    """GET withheld."""
    request.only()
    return _json(WithheldAnswer(categories=access_of(by(request)).organisation.withheld))


def put_withheld(request: Request) -> Response[bytes]:
    """PUT withheld."""
    wanted = sent(request, WithheldSent)
    return _json(WithheldAnswer(categories=administration.withhold(by(request), wanted.categories)))


def get_working_hours(request: Request) -> Response[bytes]:
    """GET working-hours."""
    request.only()
    access_of(by(request))  # for whoever may manage access, as all that is set
    return _json(request.log.working_hours())


def put_working_hours(request: Request) -> Response[bytes]:
    """PUT working-hours."""
    wanted = sent(request, WorkingHoursSent)
    return _json(administration.set_working_hours(by(request), WorkingHours(**structs.asdict(wanted))))


def by(request: Request) -> By:
    """Who asks, as who changes."""
    return By(request.site.deployment, request.viewer)


def sent(request: Request, shape: type[Shape]) -> Shape:
    """The body in its shape. Raises: MalformedError, MediaTypeError, InvalidError."""
    request.only()
    sent_as(request, JSON)
    return read_as(request.body, shape)


def link_to(request: Request, text: str) -> str:
    """The address at which a link sets a password."""
    return f"{request.site.base_url}/set-password?link={text}"


def _shown(request: Request) -> Response[bytes]:
    state = access_of(by(request))
    return _json(_member(state, request.params["type"], request.params["item"]))


def _role(role: Role) -> RoleAnswer:
    return RoleAnswer(
        id=role.id,
        name=role.name,
        permissions=permissions_of(role),
        categories=role.categories,
        predefined=role.id in PREDEFINED,
    )


def _member(state: AccessState, type_: str, id_: str) -> MemberAnswer:
    member = administration.find_member(state, type_, id_)
    return MemberAnswer(
        type=member.type,
        id=member.id,
        name=member.name,
        roles=member.roles,
        permissions=levels(state.roles[role] for role in member.roles if role in state.roles),
        login=member.login,
        disabled_at=_when(member.disabled_at),
    )


def _key(key: ApiKey) -> dict[str, Any]:
    times = {
        name: _when(getattr(key, name))
        for name in ("created_at", "expires_at", "used_at", "revoked_at", "old_until")
    }
    actors = "itself" if key.only_itself else "any"
    members = {name: getattr(key, name) for name in ("id", "name", "scopes", "categories", "restricted")}
    return {**members, "actors": actors, **times}


def _link(request: Request, text: str, life: timedelta) -> LinkAnswer:
    return LinkAnswer(link=link_to(request, text), expires_at=written(request.site.deployment.clock() + life))


def _life(request: Request, until: datetime | None) -> timedelta:
    if until is None:
        return KEY_LIFE
    if until.tzinfo is None:
        raise _invalid("/expires_at", "has no offset")
    return until.astimezone(UTC) - request.site.deployment.clock()


def _when(at: int | None) -> str | None:
    return None if at is None else written(instant(at))


def _invalid(pointer: str, why: str) -> InvalidError:
    return InvalidError(f"{pointer[1:] or 'body'}: {why}", (Fault(pointer, "invalid", why),))


def _json(answer: Struct, status: int = 200, location: str | None = None) -> Response[bytes]:
    headers = {} if location is None else {"Location": location}
    return Response(msgspec.json.encode(answer), status_code=status, headers=headers, media_type=JSON)


def _nothing() -> Response[bytes]:
    return Response(b"", status_code=204)
