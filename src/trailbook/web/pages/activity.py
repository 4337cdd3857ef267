"""The page of the log: filters and rows, written by the server and read without a script.

Owns what stands on the list. Refuses to show a row beside a filter it did not understand.
"""

from datetime import datetime
from typing import Any

from litestar import Response
from markupsafe import Markup
from msgspec import structs

from trailbook.administration import By, default_view, ready_view
from trailbook.catalogue import Catalogue
from trailbook.errors import CursorInvalidError, FilterInvalidError, NotFoundError
from trailbook.finding import Page, Part
from trailbook.model import INTERFACES, KINDS, OUTCOMES, microseconds
from trailbook.query import (
    PRESET_NAMES,
    PRESETS,
    Paging,
    Query,
    Term,
    day_end,
    fold,
    from_params,
    in_words,
    interval,
    parse_day,
    to_params,
    zone,
)
from trailbook.web.api.entries import known
from trailbook.web.http.render import html, partial, see
from trailbook.web.http.request import Request
from trailbook.web.http.row_cache import RowList
from trailbook.web.pages import about, bars, entry, exports, grouping, overview, suggest, trust, values, views
from trailbook.web.pages import address as asking
from trailbook.web.pages import item as items
from trailbook.web.pages.address import Address, address
from trailbook.web.pages.frame import frame, home, home_zone, telling
from trailbook.web.pages.names import Naming
from trailbook.web.pages.rows import Telling, pen

# Offered beside the field; any IANA name is taken.
ZONES = (
    *("UTC", "Europe/Oslo", "Europe/Stockholm", "Europe/Copenhagen", "Europe/Helsinki", "Atlantic/Reykjavik"),
    *("Europe/London", "Europe/Dublin", "Europe/Paris", "Europe/Berlin", "Europe/Warsaw", "Europe/Madrid"),
    *("Europe/Athens", "America/New_York", "America/Los_Angeles", "Asia/Kolkata", "Asia/Tokyo"),
)
SIZES = (25, 50, 100, 200)
_SHOWN = frozenset({"category", "date", "text", "actor_kind", "outcome", "origin", "self", "as_of", "tz"})
_MOST_WAYS = 6
_MOST_DAMAGED = 20
_MORE = ("text", "actor_kind", "outcome", "origin", "self")


def activity(request: Request) -> Response[Any]:
    """GET /orgs/{org}/activity: the page."""
    # The form always sends the zone it shows; at home that needs no mention.
    given = [pair for pair in asking.tidied(request.pairs) if pair != ("tz", home_zone(request))]
    try:
        pairs = asking.lined(given)
        if not pairs and (begins := default_view(By(request.site.deployment, request.viewer))) is not None:
            return see(f"{request.path}/views/{begins}")
        pairs = pairs or [asking.FOLDED]
        if pairs != list(request.pairs):
            return see(address(request.path, pairs))
        names = asking.typed(pairs, request.log.catalogue.types)
        return _meant(request, pairs, names) if names else _found(request, _state(request, pairs))
    except (FilterInvalidError, CursorInvalidError) as error:
        return _broken(request, error)


def below(request: Request) -> Response[Any]:
    """GET below it: one entry, or what a script asks for. Raises: NotFoundError."""
    first, _, rest = request.params["rest"].strip("/").partition("/")
    if first == "e" and rest:
        return entry.entry(request, rest)
    if first == "items" and rest:
        return _item(request, rest)
    alone = {
        "about": about.about,
        "alerts": views.alerts,
        "bars": _bars,
        "overview": overview.overview,
        "values": _values,
        "exports": exports.exports,
        "suggest": suggest.suggest,
        "total": _total,
        "trust": trust.trust,
    }.get(first)
    if alone is not None and not rest:
        return alone(request)
    raise NotFoundError("there is no such page")


def _state(request: Request, pairs: asking.Pairs) -> Address:
    return asking.read(home(request), pairs, known=known(request.log.catalogue), home_zone=home_zone(request))


def _total(request: Request) -> Response[Any]:
    """How many entries the filter finds, for the page that shows the first of them."""
    try:
        query = _state(request, asking.tidied(request.pairs)).query
        total, _ = request.log.count(query, viewer=request.viewer, lang=request.lang)
    except (FilterInvalidError, CursorInvalidError) as error:
        return _broken(request, error)
    return html("total.html", t=request.words, total=total)


def _item(request: Request, rest: str) -> Response[Any]:
    """Everything by, to and about an item."""
    try:
        return items.item(request, rest)
    except (FilterInvalidError, CursorInvalidError) as error:
        return _broken(request, error)


def _bars(request: Request) -> Response[Any]:
    """How what the filter finds spreads over time."""
    try:
        own, pairs = bars.owned(asking.tidied(request.pairs))
        return bars.bars(request, _state(request, pairs), own)
    except (FilterInvalidError, CursorInvalidError) as error:
        return _broken(request, error)


def _values(request: Request) -> Response[Any]:
    """How many entries have which value."""
    try:
        own, pairs = values.owned(asking.tidied(request.pairs))
        return values.values(request, _state(request, pairs), own)
    except (FilterInvalidError, CursorInvalidError) as error:
        return _broken(request, error)


def _found(request: Request, state: Address) -> Response[Any]:
    log, viewer = request.log, request.viewer
    now = request.site.deployment.clock()
    rows_at = RowList(log.erasures, log.erasures.count, (request.lang, state))
    page, damaged = _searched(request, state, now)
    said = telling(request, state, state.query.tz)
    naming = Naming(log, viewer, said, entries=page.entries)
    told = request.site.drawn.rows(rows_at, page.entries, pen(log, said))
    bound = structs.replace(state.query, as_of=page.as_of)
    whole = state.paging.count or not told
    total = log.count(bound, viewer=viewer, lang=request.lang)[0] if whole else None
    empty = len(told) < state.paging.limit and _is_empty(request)
    form = _form(state, naming, now)
    return html(
        "activity.html",
        part=partial(request.headers),
        **frame(request),
        **form,
        rows=told,
        diary=grouping.diary(page.entries, told, state.group),
        total=total,
        counting=address(f"{state.path}/total", to_params(bound)),
        counted=state.href(state.query, ("count", "true")),
        as_of=page.as_of,
        drawn=bars.address_of(state, bound),
        figures=values.figures(request, state, bound),
        groups=grouping.offered(state),
        empty_log=empty,
        may_begin=getattr(viewer, "manage_access", "none") == "full",
        since=_since(request, state, page, said) if len(told) < state.paging.limit else [],
        ways=[] if told or empty else _ways(request, state, form["chips"]),
        turns=_turns(state, page),
        sizes=[(size, _sized(state, size)) for size in SIZES],
        exports=_exports(request, bound),
        taking=exports.offered(request, bound),
        following=_following(request, state, page),
        newest=state.href(state.fresh),
        zone=said.words.zone(said.zone),
        damaged=", ".join(request.words.number(seq) for seq in sorted(damaged)[:_MOST_DAMAGED]),
        shown_at=said.words.moment(now.astimezone(said.zone)),
        keeps=address("", to_params(state.fresh)).removeprefix("?"),
    )


def _searched(request: Request, state: Address, now: datetime) -> tuple[Page, list[int]]:
    """The entries of the page, and the places in the log of those that damage took."""
    damaged: list[int] = []
    # "Go to date" begins the list further down; what is found, counted and said stays the filter's.
    until = None if state.at is None else day_end(parse_day(state.at), zone(state.query.tz))
    page = request.log.search(
        state.query if until is None else asking.within(state.query, now, until=until),
        damaged=damaged,
        viewer=request.viewer,
        order=state.paging.order,
        limit=state.paging.limit,
        cursor=state.paging.cursor,
        lang=request.lang,
        part_of=state.query,
    )
    return page, damaged


def _is_empty(request: Request) -> bool:
    """Whether no host has recorded anything: there is only who read the log and who signed in to read it."""
    rest = from_params([asking.FOLDED, ("category.not", "security")])
    return request.log.count(rest, viewer=request.viewer, lang=request.lang)[0] == 0


def _form(state: Address, naming: Naming, now: Any) -> dict[str, Any]:
    params = to_params(state.fresh)
    in_form = {name for name, _ in params} & _SHOWN
    days = {name: value for name, value in params if name in ("from", "to") and "T" not in value}
    hidden = [(n, v) for n, v in params if n not in in_form and n not in days]
    view = ready_view(state.view)
    given = {name: [v for n, v in params if n == name] for name in in_form}
    return {
        "query": state.query,
        "given": given,
        "days": days,
        "more": any(name in given for name in _MORE) or state.at is not None,
        "hidden": hidden
        + [(name, value) for name, value in (("view", state.view), ("group", state.group)) if value],
        "chips": naming.chips(state, now),
        "said": in_words(state.fresh, naming.label, naming.telling.words.lang),
        "state": state,
        "asks": view.asks if view and not any(n in ("actor", "concerns") for n, _ in params) else None,
        "choices": _choices(naming.telling),
        "timelines": naming.timelines(state),
    }


# What the form offers is the same for all readers of a language; the catalogue is kept, so that its id stays its own.
_OFFERED: dict[tuple[int, str], tuple[Catalogue, dict[str, Any]]] = {}


def _choices(said: Telling) -> dict[str, Any]:
    key = (id(said.catalogue), said.words.lang)
    if key not in _OFFERED:
        _OFFERED[key] = (said.catalogue, _offered(said))
    return _OFFERED[key][1]


def _offered(said: Telling) -> dict[str, Any]:
    catalogue, words = said.catalogue, said.words
    labelled = [(name, said.label("category", name)) for name in catalogue.categories]
    categories = sorted(labelled, key=lambda one: fold(one[1]))
    actions = [(a.category, a.name, said.label("action", a.name)) for a in catalogue.actions.values()]
    types = [(t.category, f"{t.name}/*", said.label("type", t.name)) for t in catalogue.types.values()]
    return {
        "presets": [(name, PRESET_NAMES[words.lang][name]) for name in PRESETS],
        "categories": categories,
        "kinds": [(name, words(f"kind.{name}")) for name in KINDS],
        "outcomes": [(name, said.label("outcome", name)) for name in OUTCOMES],
        "origins": [(name, said.label("interface", name)) for name in INTERFACES],
        "actions": _grouped(categories, actions),
        "types": _grouped(categories, types),
        "zones": ZONES,
    }


def _grouped(categories: list[tuple[str, str]], options: list[tuple[str, str, str]]) -> Markup:
    """Options under the labels of their categories, written once."""
    one, many = Markup('<option value="{}">{}</option>'), Markup('<optgroup label="{}">{}</optgroup>')
    return Markup("").join(
        many.format(
            title, Markup("").join(one.format(value, label) for c, value, label in options if c == name)
        )
        for name, title in categories
    )


def _turns(state: Address, page: Page) -> dict[str, str | None]:
    bound = structs.replace(state.query, as_of=page.as_of)
    at = [("at", state.at)] if state.at else []

    def turn(cursor: str | None) -> str | None:
        return None if cursor is None else state.href(bound, *at, ("cursor", cursor))

    older, newer = turn(page.next_cursor), turn(page.previous_cursor)
    if state.paging.order != "desc":
        older, newer = newer, older
    turned = state.paging.cursor is not None or state.query.as_of is not None or state.at is not None
    return {"older": older, "newer": newer, "newest": state.href(state.fresh) if turned else None}


def _sized(state: Address, size: int) -> str | None:
    """The same list with other pages, from its newest entries; None where they have that size."""
    if size == state.paging.limit:
        return None
    paging = Paging(order=state.paging.order, limit=size)
    return structs.replace(state, paging=paging).href(state.fresh)


def _following(request: Request, state: Address, page: Page) -> str | None:
    """The stream of what comes, where anything can still come to the top of this list."""
    _, until = interval(state.query, request.site.deployment.clock())
    past = until is not None and until <= microseconds(request.site.deployment.clock())
    if past or state.paging != Paging(limit=state.paging.limit, count=state.paging.count):
        return None
    if state.at is not None or state.query.as_of is not None:
        return None
    stream = f"/api/v1/orgs/{request.org}/live"
    return address(stream, [*to_params(state.query), ("after", str(page.as_of - 1))])


def _since(request: Request, state: Address, page: Page, said: Telling) -> list[str]:
    """For each category of the filter whose first entry is younger than the range: since when there are any."""
    start, _ = interval(state.query, request.site.deployment.clock())
    if start is None:
        return []
    named = [
        v for term in state.query.terms if term.field == "category" and not term.negated for v in term.values
    ]
    told = []
    for name in named:
        query = Query(terms=(Term("category", (name,)),), as_of=page.as_of)
        head = request.log.search(
            query,
            viewer=request.viewer,
            order="asc",
            limit=1,
            lang=request.lang,
            part_of=state.query,
            damaged=[],
        )
        first = head.entries
        label = said.label("category", name)
        if not first:
            told.append(said.words("rows.never", name=label))
        elif microseconds(said.local(first[0].occurred_at)) > start:
            told.append(
                said.words("rows.since", name=label, day=said.words.day(said.local(first[0].occurred_at)))
            )
    return told


def _ways(request: Request, state: Address, chips: list[Any]) -> list[dict[str, Any]]:
    """Ways out of a filter that finds nothing, each with what it would find."""
    t, pairs = request.words, to_params(state.fresh)
    undated = [pair for pair in pairs if pair[0] not in ("date", "from", "to")]
    ways = [(t("empty.year"), from_params([*undated, ("date", "this-year")]))] if undated != pairs else []
    for (name, value), chip in zip([p for p in pairs if p[0] != "tz"], chips, strict=True):
        ways.append((t("empty.remove", name=chip.text), state.without(name, value)))
    counts = [
        request.log.count(query, viewer=request.viewer, lang=request.lang)[0]
        for _, query in ways[:_MOST_WAYS]
    ]
    found = [
        {"words": words, "href": state.href(query), "count": count}
        for (words, query), count in zip(ways, counts, strict=False)
        if count
    ]
    everything = Query(tz=state.query.tz)
    total = request.log.count(everything, viewer=request.viewer, lang=request.lang)[0]
    return [*found, {"words": t("empty.clear"), "href": state.href(everything), "count": total}]


def _exports(request: Request, bound: Query) -> dict[str, str]:
    api = f"/api/v1/orgs/{request.org}/entries"
    return {ending: address(f"{api}.{ending}", to_params(bound)) for ending in ("csv", "jsonl")}


def _meant(request: Request, pairs: asking.Pairs, names: asking.Pairs) -> Response[Any]:
    """Names typed by hand: one item of that name is taken, of several the reader chooses."""
    name, text = names[0]
    role: Part = "actor" if name == "actor" else "concerns"
    items = request.log.items(text[:80], viewer=request.viewer, role=role)
    rest = [pair for pair in pairs if pair != (name, text)]
    to = [address(request.path, [*rest, (name, f"{item.type}/{item.id}")]) for item in items]
    if len(to) == 1:
        return see(to[0])
    offers = [
        {"text": text, "without": address(request.path, rest), "items": list(zip(items, to, strict=True))}
    ]
    said = telling(request, None, home_zone(request))
    return html(
        "meant.html", part=partial(request.headers), **frame(request), offers=offers, label=said.label
    )


def _broken(request: Request, error: FilterInvalidError | CursorInvalidError) -> Response[Any]:
    faults, status = [], 400
    if isinstance(error, FilterInvalidError):
        faults, status = [_fault(request, one) for one in asking.names_at_fault(error)], 422
    part, ways = partial(request.headers), _mended(request, error)
    return html(
        "broken.html", status, part=part, **frame(request), faults=faults, ways=ways, clear=home(request)
    )


def _mended(request: Request, error: Exception) -> list[dict[str, str]]:
    """The same question without what was not understood; of two ways to say a period, each without the other."""
    if not isinstance(error, FilterInvalidError):
        return []
    t, pairs = request.words, asking.tidied(request.pairs)
    given = {name for name, _ in pairs}
    # What is at fault in a line of search text stands in the words.
    names = {name for name, _, _ in asking.names_at_fault(error)} & given or {"text"} & given
    days = {"from", "to"} & given
    if names == {"date"} and days:
        left_out = [(t("broken.period"), days), (t("broken.days"), {"date"})]
    else:
        labels = ", ".join(sorted(_named(request, name) for name in names))
        left_out = [(t("empty.remove", name=labels), names)] if names and given - names else []
    return [
        {"words": words, "href": address(home(request), [pair for pair in pairs if pair[0] not in gone])}
        for words, gone in left_out
    ]


def _named(request: Request, name: str) -> str:
    key = f"filter.{name.removesuffix('.not')}"
    return request.words(key) if key in request.words else name


def _fault(request: Request, fault: tuple[str, str, str]) -> dict[str, str]:
    name, code, detail = fault
    t, given = request.words, dict(request.pairs)
    together = name == "date" and ("from" in given or "to" in given)
    return {
        "label": _named(request, name),
        "words": t("broken.together" if together else f"broken.{code}"),
        "detail": detail,
    }
