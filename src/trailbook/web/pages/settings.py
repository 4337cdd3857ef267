"""The settings' pages: members, roles, keys and the organisation, for whoever may manage access.

Owns the forms, which work without a script, and shows a secret or a link once, in the answer to who made it.
Refuses a form that it does not know; what the core refuses is said above the form.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from litestar import Response

from trailbook.access.credentials import SCOPES, Wanted
from trailbook.access.roles import PERMISSIONS, PREDEFINED, permissions_of
from trailbook.administration import access, accounts, api_keys
from trailbook.administration.access import State, state_of
from trailbook.errors import Fault, InvalidError, NotFoundError, TrailbookError
from trailbook.model import Item, instant
from trailbook.web.api.access import by, link_to
from trailbook.web.http.problems import STATUS, code_of
from trailbook.web.http.render import html, see
from trailbook.web.http.request import Asked
from trailbook.web.pages.frame import frame
from trailbook.web.pages.sign_in import fields

PLACES = ("members", "roles", "keys", "organisation")
_MOST_DAYS = 3650
Given = dict[str, list[str]]


def overview(asked: Asked) -> Response[bytes]:
    """GET settings: on to the members."""
    return see(f"/orgs/{asked.org}/activity/settings/members")


def show(asked: Asked) -> Response[bytes]:
    """GET settings/{place}. Raises: NotFoundError."""
    saved = "saved" in asked.only("saved")
    return _page(asked, _place(asked), saved=saved)


def change(asked: Asked) -> Response[bytes]:
    """POST settings/{place}: one change, then the page again. Raises: NotFoundError."""
    place, given = _place(asked), _given(asked)
    do = _DO.get((place, _one(given, "do")))
    if do is None:
        raise NotFoundError("there is no such form")
    try:
        made = do(asked, given)
    except (NotFoundError, InvalidError) as error:
        return _page(asked, place, wrong=_said(asked, error), status=422, kept=given)
    except TrailbookError as error:
        if STATUS[code_of(error)] != 409:
            raise
        return _page(asked, place, wrong=_said(asked, error), status=409, kept=given)
    return _page(asked, place, made=made) if made else see(f"{asked.path}?saved=1")


def _page(asked: Asked, place: str, *, status: int = 200, **more: Any) -> Response[bytes]:
    state = state_of(by(asked))
    roles = [(role, permissions_of(role), role.id in PREDEFINED) for role in state.roles.values()]
    seen: dict[str, Any] = {"wrong": None, "made": None, "saved": False, "kept": {}, **more}
    catalogue = asked.site.deployment.catalogue
    now = asked.site.deployment.clock()
    return html(
        f"settings/{place}.html",
        status,
        **{name: value for name, value in frame(asked).items() if name != "views"},  # no questions beside
        place=place,
        places_there=PLACES,
        permissions=tuple(PERMISSIONS),
        roles=roles,
        members=list(state.members.values()),
        role_names={role.id: role.name for role, _, _ in roles},
        keys=[] if place != "keys" else [(k, instant(k.expires_at) <= now) for k in api_keys.keys(by(asked))],
        scopes=SCOPES,
        holders=_holders(state),
        type_names={name: catalogue.label("type", name, asked.lang) for name in catalogue.types},
        category_names={name: catalogue.label("category", name, asked.lang) for name in catalogue.categories},
        person_types=[t.name for t in catalogue.types.values() if t.person],
        categories=[
            (c.name, catalogue.label("category", c.name, asked.lang), c.sensitive)
            for c in catalogue.categories.values()
        ],
        restricted=[
            (c.name, catalogue.label("category", c.name, asked.lang))
            for c in catalogue.categories.values()
            if c.restricted
        ],
        withheld=state.organisation.withheld,
        moment=lambda at: asked.words.moment(instant(at)) + " UTC",
        **seen,
    )


def _holders(state: State) -> dict[str, list[str]]:
    """By role the names of who has it."""
    return {id_: [m.name for m in state.members.values() if id_ in m.roles] for id_ in state.roles}


def _put_member(asked: Asked, given: Given) -> None:
    item = Item(type=_one(given, "type"), id=_one(given, "id"), name=_one(given, "name") or None)
    access.put_member(by(asked), item, given.get("role", []))


def _remove_member(asked: Asked, given: Given) -> None:
    access.remove_member(by(asked), _one(given, "type"), _one(given, "id"))


def _disable(asked: Asked, given: Given) -> None:
    type_, id_ = _one(given, "type"), _one(given, "id")
    access.disable_member(by(asked), type_, id_, disabled=_one(given, "do") == "disable")


def _invite(asked: Asked, given: Given) -> dict[str, str]:
    text = accounts.invite(by(asked), _one(given, "type"), _one(given, "id"), _one(given, "login"))
    return _link(asked, text, accounts.INVITATION_LIFE)


def _reset(asked: Asked, given: Given) -> dict[str, str]:
    text = accounts.reset(by(asked), _one(given, "type"), _one(given, "id"))
    return _link(asked, text, accounts.RESET_LIFE)


def _add_role(asked: Asked, given: Given) -> None:
    named = given.get("category", [])
    access.add_role(by(asked), _one(given, "name"), _levels(given), categories=named)


def _change_role(asked: Asked, given: Given) -> None:
    id_, name, named = _one(given, "id"), _one(given, "name"), given.get("category", [])
    access.change_role(by(asked), id_, name, _levels(given), categories=named)


def _remove_role(asked: Asked, given: Given) -> None:
    access.remove_role(by(asked), _one(given, "id"))


def _issue(asked: Asked, given: Given) -> dict[str, str]:
    wanted = Wanted(
        name=_one(given, "name"),
        scopes=tuple(given.get("scope", [])),
        life=timedelta(days=_days(_one(given, "days"))),
        categories=tuple(given.get("category", [])),
        only_itself=_one(given, "actors") == "itself",
    )
    key, secret = api_keys.issue(by(asked), wanted)
    return {"secret": secret, "name": key.name}


def _rotate(asked: Asked, given: Given) -> dict[str, str]:
    key, secret = api_keys.rotate(by(asked), _one(given, "id"))
    return {"secret": secret, "name": key.name}


def _revoke(asked: Asked, given: Given) -> None:
    api_keys.revoke(by(asked), _one(given, "id"))


def _withhold(asked: Asked, given: Given) -> None:
    access.withhold(by(asked), given.get("category", []))


_DO: dict[tuple[str, str], Callable[[Asked, Given], dict[str, str] | None]] = {
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
    ("keys", "revoke"): _revoke,
    ("organisation", "withhold"): _withhold,
}


def _place(asked: Asked) -> str:
    if asked.params["place"] not in PLACES:
        raise NotFoundError("there is no such page")
    return asked.params["place"]


def _given(asked: Asked) -> Given:
    found: Given = {}
    for name, value in fields(asked):
        found.setdefault(name, []).append(value)
    return found


def _one(given: Given, name: str) -> str:
    return given.get(name, [""])[-1]


def _levels(given: Given) -> dict[str, str]:
    return dict.fromkeys(given.get("permission", []), "full")


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:8]) <= _MOST_DAYS:
        why = f"is not 1 to {_MOST_DAYS}"
        raise InvalidError(f"days: {why}", (Fault("/days", "invalid", why),))
    return int(text)


def _link(asked: Asked, text: str, life: timedelta) -> dict[str, str]:
    until = asked.words.moment(asked.site.deployment.clock() + life) + " UTC"
    return {"link": link_to(asked, text), "until": until}


def _said(asked: Asked, error: TrailbookError) -> str:
    words = asked.words(f"problems.{code_of(error)}.words")
    return f"{words} ({error.detail})" if isinstance(error, InvalidError) else words
