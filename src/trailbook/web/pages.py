"""The page of the log: filters, rows and one entry, written by the server and read without a script.

Owns what stands on each page. Refuses to show a row beside a filter it did not understand.
"""

from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response
from msgspec import structs

from trailbook.dates import PRESETS
from trailbook.errors import CursorInvalidError, EntryExpiredError, FilterInvalidError, NotFoundError
from trailbook.model import KINDS, OUTCOMES
from trailbook.query import PRESET_NAMES, in_words, to_params
from trailbook.shown import Page
from trailbook.typeahead import Role
from trailbook.web import asking, rows
from trailbook.web.api import known
from trailbook.web.asked import Asked
from trailbook.web.asking import Asking, address
from trailbook.web.names import Naming
from trailbook.web.render import html
from trailbook.web.rows import Telling
from trailbook.web.views import VIEWS, view_named

# Offered beside the field; any IANA name is taken.
ZONES = (
    *("UTC", "Europe/Oslo", "Europe/Stockholm", "Europe/Copenhagen", "Europe/Helsinki", "Atlantic/Reykjavik"),
    *("Europe/London", "Europe/Dublin", "Europe/Paris", "Europe/Berlin", "Europe/Warsaw", "Europe/Madrid"),
    *("Europe/Athens", "America/New_York", "America/Los_Angeles", "Asia/Kolkata", "Asia/Tokyo"),
)
_SHOWN = frozenset({"category", "date", "text", "actor_kind", "outcome", "as_of", "tz"})


def activity(asked: Asked) -> Response[Any]:
    """GET /orgs/{org}/activity: the page."""
    pairs = asking.tidied(asked.pairs)
    if pairs != list(asked.pairs):
        return _see(address(asked.path, pairs))
    try:
        names = asking.typed(pairs, asked.log.catalogue.types)
        return _meant(asked, pairs, names) if names else _found(asked, pairs)
    except (FilterInvalidError, CursorInvalidError) as error:
        return _broken(asked, error)


def below(asked: Asked) -> Response[Any]:
    """GET below it: one entry, or nothing. Raises: NotFoundError."""
    first, _, rest = asked.params["rest"].strip("/").partition("/")
    if first != "e" or not rest:
        raise NotFoundError("there is no such page")
    return entry(asked, rest)


def entry(asked: Asked, id_: str) -> Response[Any]:
    """GET /orgs/{org}/activity/e/{id}: everything there is to say of one entry. Raises: NotFoundError."""
    asked.only()
    found = _telling(asked, None, asked.site.timezone)
    try:
        shown = asked.log.show(asked.entry_id(id_), viewer=asked.viewer, lang=asked.lang)
    except EntryExpiredError as error:
        return html("expired.html", 410, **_frame(asked), seq=error.seq, leaf=error.leaf.hex())
    naming = Naming(asked.log, asked.viewer, found, entries=[shown])
    proofs = asked.org if asked.viewer.read_proofs == "full" and shown.state != "accepted" else None
    told = naming.entry(shown, asked.path.rpartition("/e/")[0])
    return html("entry.html", **_frame(asked), told=told, proofs=proofs)


def _found(asked: Asked, pairs: asking.Pairs) -> Response[Any]:
    log, state = (
        asked.log,
        asking.read(asked.path, pairs, known=known(asked.log.catalogue), home_zone=asked.site.timezone),
    )
    page = log.search(
        state.query,
        viewer=asked.viewer,
        order=state.paging.order,
        limit=state.paging.limit,
        cursor=state.paging.cursor,
        count=True,
        lang=asked.lang,
    )
    telling = _telling(asked, state, state.query.tz)
    naming = Naming(log, asked.viewer, telling, entries=page.entries)
    told = [rows.row(shown, lambda one: log.pieces(one, asked.lang), telling) for shown in page.entries]
    return html(
        "activity.html",
        **_frame(asked),
        **_form(state, naming),
        rows=told,
        diary=[(day, list(those)) for day, those in groupby(told, lambda row: row.day)],
        total=page.count,
        empty_log=page.size == 0,
        turns=_turns(state, page),
        exports=_exports(asked, state, page),
        zone=telling.words.zone(telling.zone),
        seen=naming.seen(),
    )


def _form(state: Asking, naming: Naming) -> dict[str, Any]:
    params = to_params(state.fresh)
    in_form = {name for name, _ in params} & _SHOWN
    days = {name: value for name, value in params if name in ("from", "to") and "T" not in value}
    hidden = [(n, v) for n, v in params if n not in in_form and n not in days]
    view = view_named(state.view)
    return {
        "query": state.query,
        "given": {name: [v for n, v in params if n == name] for name in in_form},
        "days": days,
        "hidden": hidden + ([("view", state.view)] if state.view else []),
        "chips": naming.chips(state),
        "said": in_words(state.fresh, naming.label, naming.telling.words.lang),
        "clear": state.path,
        "state": state,
        "asks": view.asks if view and not any(n in ("actor", "concerns") for n, _ in params) else None,
        "choices": _choices(naming.telling),
    }


def _choices(telling: Telling) -> dict[str, Any]:
    catalogue = telling.catalogue
    return {
        "presets": [(name, PRESET_NAMES[telling.words.lang][name]) for name in PRESETS],
        "categories": [(name, telling.label("category", name)) for name in catalogue.categories],
        "kinds": [(name, telling.words(f"kind.{name}")) for name in KINDS],
        "outcomes": [(name, telling.label("outcome", name)) for name in OUTCOMES],
        "zones": ZONES,
    }


def _turns(state: Asking, page: Page) -> dict[str, str | None]:
    bound = structs.replace(state.query, as_of=page.as_of)

    def turn(cursor: str | None) -> str | None:
        return None if cursor is None else state.href(bound, ("cursor", cursor))

    older, newer = turn(page.next_cursor), turn(page.previous_cursor)
    if state.paging.order != "desc":
        older, newer = newer, older
    turned = state.paging.cursor is not None or state.query.as_of is not None
    return {"older": older, "newer": newer, "newest": state.href(state.fresh) if turned else None}


def _exports(asked: Asked, state: Asking, page: Page) -> dict[str, str]:
    bound = structs.replace(state.query, as_of=page.as_of)
    api = f"/api/v1/orgs/{asked.org}/entries"
    return {ending: address(f"{api}.{ending}", to_params(bound)) for ending in ("csv", "jsonl")}


def _meant(asked: Asked, pairs: asking.Pairs, names: asking.Pairs) -> Response[Any]:
    """Names typed by hand: one item of that name is taken, of several the reader chooses."""
    name, text = names[0]
    role: Role = "actor" if name == "actor" else "concerns"
    items = asked.log.items(text[:80], viewer=asked.viewer, role=role)
    rest = [pair for pair in pairs if pair != (name, text)]
    to = [address(asked.path, [*rest, (name, f"{item.type}/{item.id}")]) for item in items]
    if len(to) == 1:
        return _see(to[0])
    offers = [
        {"text": text, "without": address(asked.path, rest), "items": list(zip(items, to, strict=True))}
    ]
    telling = _telling(asked, None, asked.site.timezone)
    return html("meant.html", **_frame(asked), offers=offers, label=telling.label)


def _broken(asked: Asked, error: FilterInvalidError | CursorInvalidError) -> Response[Any]:
    frame = _frame(asked)
    if not isinstance(error, FilterInvalidError):
        return html("broken.html", 400, **frame, faults=[], clear=asked.path)
    faults = [_fault(asked, one) for one in asking.names_at_fault(error)]
    return html("broken.html", 422, **frame, faults=faults, clear=asked.path)


def _fault(asked: Asked, fault: tuple[str, str, str]) -> dict[str, str]:
    name, code, detail = fault
    t, given = asked.words, dict(asked.pairs)
    together = name == "date" and ("from" in given or "to" in given)
    key = f"filter.{name.removesuffix('.not')}"
    return {
        "label": t(key) if key in t else name,
        "words": t("broken.together" if together else f"broken.{code}"),
        "detail": detail,
    }


def _frame(asked: Asked) -> dict[str, Any]:
    """What every page below an organisation shows around its own."""
    home = f"/orgs/{asked.org}/activity"
    current = dict(asked.pairs).get("view")
    return {
        "t": asked.words,
        "org": asked.org,
        "home": home,
        "who": asked.viewer.item.name or asked.viewer.item.id,
        "views": [
            {
                "name": v.name,
                "href": address(home, [*v.params, ("view", v.name)]),
                "current": v.name == current,
            }
            for v in VIEWS
        ],
    }


def _telling(asked: Asked, state: Asking | None, tz: str) -> Telling:
    return Telling(words=asked.words, zone=ZoneInfo(tz), catalogue=asked.log.catalogue, asking=state)


def _see(path: str) -> Response[Any]:
    return Response(b"", status_code=303, headers={"Location": path}, media_type="text/plain")
