"""The settings' pages: members, roles, keys and the organisation, for whoever may manage access.

Owns the forms, which work without a script, and shows a secret or a link once, in the answer to who made it.
Refuses a form that it does not know; what the core refuses is said above the form.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from litestar import Response
from msgspec import Struct, structs

from trailbook import administration
from trailbook.access import (
    PERMISSIONS,
    PREDEFINED,
    SCOPES,
    ApiKey,
    Level,
    Member,
    NewKey,
    Role,
    permissions_of,
)
from trailbook.administration import AccessState, access_of
from trailbook.errors import Fault, InvalidError, NotFoundError, TrailbookError
from trailbook.model import Item, instant
from trailbook.query import WorkingHours, day_in_words
from trailbook.web.api.access import by, link_to
from trailbook.web.http.problems import STATUS, code_of
from trailbook.web.http.render import page, see
from trailbook.web.http.request import Request
from trailbook.web.pages.frame import frame, home
from trailbook.web.pages.sign_in import fields

PLACES = ("members", "roles", "keys", "organisation")
_MOST_DAYS = 3650


class Form(Struct, frozen=True):
    """A form as it was sent: the values of each field, in their order."""

    values: dict[str, list[str]]

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return self.values.get(name, [])

    def last(self, name: str) -> str:
        """The last value of a field; empty where it is not there."""
        return self.values.get(name, [""])[-1]


class KeyLine(Struct, frozen=True):
    """A key, whether its time is over, until when that is, and when it was last used."""

    key: ApiKey
    ended: bool
    until: str
    used: str | None


class SettingsPage(Struct, frozen=True, kw_only=True):
    """What is there to be set, and what became of the form that was sent; a secret or a link is shown once."""

    place: str
    settings_places: tuple[str, ...] = PLACES
    permissions: tuple[str, ...] = tuple(PERMISSIONS)
    scopes: tuple[str, ...] = SCOPES
    roles: list[tuple[Role, dict[str, Level], bool]]
    members: list[Member]
    role_names: dict[str, str]
    keys: list[KeyLine]
    holders: dict[str, list[str]]
    type_names: dict[str, str]
    category_names: dict[str, str]
    person_types: list[str]
    categories: list[tuple[str, str, bool]]
    restricted: list[tuple[str, str]]
    withheld: tuple[str, ...]
    hours: WorkingHours
    days: list[tuple[str, str]]
    wrong: str | None = None
    shown_once: dict[str, str] | None = None
    saved: bool = False
    sent: dict[str, list[str]] = {}  # msgspec copies it


def settings_home(request: Request) -> Response[bytes]:
    """GET settings: on to the members."""
    return see(f"{home(request)}/settings/members")


def settings_page(request: Request) -> Response[bytes]:
    """GET settings/{place}. Raises: NotFoundError."""
    saved = "saved" in request.only("saved")
    return _page(request, _place(request), saved=saved)


def change_settings(request: Request) -> Response[bytes]:
    """POST settings/{place}: one change, then the page again. Raises: NotFoundError."""
    place, form = _place(request), _form(request)
    do = _DO.get((place, form.last("do")))
    if do is None or (request.site.hosted and do in _OWN_ACCOUNTS):
        raise NotFoundError("there is no such form")
    try:
        shown_once = do(request, form)
    except (NotFoundError, InvalidError) as error:
        return _page(request, place, wrong=_refusal(request, error), status=422, sent=form.values)
    except TrailbookError as error:
        if STATUS[code_of(error)] != 409:
            raise
        return _page(request, place, wrong=_refusal(request, error), status=409, sent=form.values)
    if shown_once is None:
        return see(f"{request.path}?saved=1")
    return _page(request, place, shown_once=shown_once)


def _page(request: Request, place: str, *, status: int = 200, **more: Any) -> Response[bytes]:
    state, catalogue = access_of(by(request)), request.catalogue
    named = [_named(request, role) for role in state.roles.values()]
    roles = [(role, permissions_of(role), role.id in PREDEFINED) for role in named]
    typed = Form(more.get("sent", {}))
    labels = {name: catalogue.label("category", name, request.lang) for name in catalogue.categories}
    categories = catalogue.categories.values()
    model = SettingsPage(
        place=place,
        roles=roles,
        members=list(state.members.values()),
        role_names={role.id: role.name for role in named},
        keys=_keys(request) if place == "keys" else [],
        holders=_holders(state),
        type_names={name: catalogue.label("type", name, request.lang) for name in catalogue.types},
        category_names=labels,
        person_types=[type_.name for type_ in catalogue.types.values() if type_.person],
        categories=[(each.name, labels[each.name], each.sensitive) for each in categories],
        restricted=[(each.name, labels[each.name]) for each in categories if each.restricted],
        withheld=state.organisation.withheld,
        hours=_hours_of(typed) if typed.last("do") == "hours" else request.log.working_hours(),
        days=[(str(n), day_in_words(n, request.lang)) for n in range(1, 8)],
        **more,
    )
    around = structs.replace(frame(request), views=None)  # no questions beside
    return page(f"settings/{place}.html", (around, model), status=status)


def _named(request: Request, role: Role) -> Role:
    """A role by its name: of a predefined one, which nobody named, in the words of whoever reads."""
    if role.id not in PREDEFINED:
        return role
    return structs.replace(role, name=request.words(f"predefined.{role.id}"))


def _keys(request: Request) -> list[KeyLine]:
    now = request.site.deployment.clock()
    keys = administration.list_keys(by(request))
    return [
        KeyLine(
            key,
            instant(key.expires_at) <= now,
            _moment(request, key.expires_at),
            _moment(request, key.used_at) if key.used_at else None,
        )
        for key in keys
    ]


def _moment(request: Request, at: int) -> str:
    return f"{request.words.moment(instant(at))} UTC"


def _holders(state: AccessState) -> dict[str, list[str]]:
    """By role the names of who has it."""
    return {id_: [m.name for m in state.members.values() if id_ in m.roles] for id_ in state.roles}


def _put_member(request: Request, form: Form) -> None:
    item = Item(type=form.last("type"), id=form.last("id"), name=form.last("name") or None)
    administration.put_member(by(request), item, form.all("role"))


def _remove_member(request: Request, form: Form) -> None:
    administration.remove_member(by(request), form.last("type"), form.last("id"))


def _disable(request: Request, form: Form) -> None:
    type_, id_ = form.last("type"), form.last("id")
    administration.disable_member(by(request), type_, id_, disabled=form.last("do") == "disable")


def _invite(request: Request, form: Form) -> dict[str, str]:
    text = administration.invite(by(request), form.last("type"), form.last("id"), form.last("login"))
    return _link(request, text, administration.INVITATION_LIFE)


def _reset(request: Request, form: Form) -> dict[str, str]:
    text = administration.reset_password(by(request), form.last("type"), form.last("id"))
    return _link(request, text, administration.RESET_LIFE)


def _add_role(request: Request, form: Form) -> None:
    named = form.all("category")
    administration.add_role(by(request), form.last("name"), _levels(form), categories=named)


def _change_role(request: Request, form: Form) -> None:
    id_, name, named = form.last("id"), form.last("name"), form.all("category")
    administration.change_role(by(request), id_, name, _levels(form), categories=named)


def _remove_role(request: Request, form: Form) -> None:
    administration.remove_role(by(request), form.last("id"))


def _issue(request: Request, form: Form) -> dict[str, str]:
    wanted = NewKey(
        name=form.last("name"),
        scopes=tuple(form.all("scope")),
        life=timedelta(days=_days(form.last("days"))),
        categories=tuple(form.all("category")),
        only_itself=form.last("actors") == "itself",
        restricted=tuple(form.all("restricted")),
    )
    key, secret = administration.issue_key(by(request), wanted)
    return {"secret": secret, "name": key.name}


def _rotate(request: Request, form: Form) -> dict[str, str]:
    key, secret = administration.rotate_key(by(request), form.last("id"))
    return {"secret": secret, "name": key.name}


def _restrict(request: Request, form: Form) -> None:
    administration.restrict_key(by(request), form.last("id"), form.all("restricted"))


def _revoke(request: Request, form: Form) -> None:
    administration.revoke_key(by(request), form.last("id"))


def _withhold(request: Request, form: Form) -> None:
    administration.withhold(by(request), form.all("category"))


def _set_hours(request: Request, form: Form) -> None:
    administration.set_working_hours(by(request), _hours_of(form))


def _hours_of(form: Form) -> WorkingHours:
    """The hours as they were typed, right or wrong."""
    return WorkingHours(
        days="".join(form.all("day")),
        work=f"{form.last('work-start')}-{_end(form.last('work-end'))}",
        night=f"{form.last('night-start')}-{form.last('night-end')}",
        weekend="".join(form.all("weekend")),
        tz=form.last("tz"),
    )


def _end(text: str) -> str:
    """The end of a working day; a field for times has no 24:00, and nobody's day ends where it begins."""
    return "24:00" if text == "00:00" else text


_DO: dict[tuple[str, str], Callable[[Request, Form], dict[str, str] | None]] = {
    ("members", "put"): _put_member,
    ("members", "remove"): _remove_member,
    ("members", "disable"): _disable,
    ("members", "enable"): _disable,
    ("members", "invite"): _invite,
    ("members", "reset"): _reset,
    ("roles", "add"): _add_role,
    ("roles", "change"): _change_role,
    ("roles", "remove"): _remove_role,
    ("keys", "issue"): _issue,
    ("keys", "rotate"): _rotate,
    ("keys", "restrict"): _restrict,
    ("keys", "revoke"): _revoke,
    ("organisation", "withhold"): _withhold,
    ("organisation", "hours"): _set_hours,
}
# What is about passwords of ours, which a host that signs people in has no use for.
_OWN_ACCOUNTS = (_invite, _reset)


def _place(request: Request) -> str:
    if request.params["place"] not in PLACES:
        raise NotFoundError("there is no such page")
    return request.params["place"]


def _form(request: Request) -> Form:
    values: dict[str, list[str]] = {}
    for name, value in fields(request):
        values.setdefault(name, []).append(value)
    return Form(values)


def _levels(form: Form) -> dict[str, str]:
    return dict.fromkeys(form.all("permission"), "full")


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:8]) <= _MOST_DAYS:
        why = f"is not 1 to {_MOST_DAYS}"
        raise InvalidError(f"days: {why}", (Fault("/days", "invalid", why),))
    return int(text)


def _link(request: Request, text: str, life: timedelta) -> dict[str, str]:
    until = request.words.moment(request.site.deployment.clock() + life) + " UTC"
    return {"link": link_to(request, text), "until": until}


def _refusal(request: Request, error: TrailbookError) -> str:
    words = request.words(f"problems.{code_of(error)}.words")
    return f"{words} ({error.detail})" if isinstance(error, InvalidError) else words
