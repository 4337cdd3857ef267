"""The page of the log: filters and rows, written by the server and read without a script.

Owns what stands on the list. Refuses to show a row beside a filter it did not understand.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from litestar import Response
from markupsafe import Markup
from msgspec import Struct, structs

from trailbook.administration import By, default_view, ready_view
from trailbook.catalogue import Catalogue
from trailbook.errors import CursorInvalidError, FilterInvalidError, NotFoundError
from trailbook.finding import Page, Part
from trailbook.model import microseconds
from trailbook.query import (
    FIELDS,
    ONCE,
    PRESET_NAMES,
    PRESETS,
    Field,
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
from trailbook.web.api.entries import vocabulary_of
from trailbook.web.http.render import html, partial, see
from trailbook.web.http.request import Request
from trailbook.web.http.row_cache import RowList
from trailbook.web.pages import (
    about,
    bars,
    entry,
    exports,
    grouping,
    item,
    overview,
    suggest,
    trust,
    values,
    views,
)
from trailbook.web.pages.address import (
    FOLDED,
    Address,
    Pairs,
    ParameterFault,
    address,
    expanded,
    faults_of,
    read_address,
    tidied,
    typed_names,
    within,
)
from trailbook.web.pages.frame import frame, home, home_zone, presenter_of
from trailbook.web.pages.names import Chip, Naming
from trailbook.web.pages.rows import Presenter, pen

# Offered beside the field; any IANA name is taken.
ZONES = (
    *("UTC", "Europe/Oslo", "Europe/Stockholm", "Europe/Copenhagen", "Europe/Helsinki", "Atlantic/Reykjavik"),
    *("Europe/London", "Europe/Dublin", "Europe/Paris", "Europe/Berlin", "Europe/Warsaw", "Europe/Madrid"),
    *("Europe/Athens", "America/New_York", "America/Los_Angeles", "Asia/Kolkata", "Asia/Tokyo"),
)
SIZES = (25, 50, 100, 200)
_BOXES = [field for field in FIELDS.values() if field.form == "boxes"]
# What a field of the form says by itself; the rest of a filter goes along hidden.
_SHOWN = {field.name for field in _BOXES} | {single.name for single in ONCE.values() if single.own}
_MOST_WAYS = 6
_MOST_DAMAGED = 20
_MORE = {"text", "self"} | {field.name for field in _BOXES if not field.shown}


class Choices(Struct, frozen=True):
    """What the form offers of a catalogue, which is kept so that its id stays its own."""

    catalogue: Catalogue
    options: dict[str, Any]


class Option(Struct, frozen=True):
    """A value that the form offers, under its category."""

    category: str
    value: str
    label: str


class Searched(Struct, frozen=True):
    """The entries of a page, and the places in the log of those that damage took."""

    page: Page
    damaged: list[int]


def activity(request: Request) -> Response[Any]:
    """GET /orgs/{org}/activity: the page."""
    # The form always sends the zone it shows; at home that needs no mention.
    away = [pair for pair in tidied(request.pairs) if pair != ("tz", home_zone(request))]
    try:
        pairs = expanded(away)
        if not pairs and (begins := default_view(By(request.site.deployment, request.viewer))) is not None:
            return see(f"{request.path}/views/{begins}")
        pairs = pairs or [FOLDED]
        if pairs != list(request.pairs):
            return see(address(request.path, pairs))
        names = typed_names(pairs, request.log.catalogue.types)
        return _meant(request, pairs, names) if names else _list_page(request, _state(request, pairs))
    except (FilterInvalidError, CursorInvalidError) as error:
        return _broken(request, error)


def below(request: Request) -> Response[Any]:
    """GET below it: one entry, or what a script asks for. Raises: NotFoundError."""
    first, _, rest = request.params["rest"].strip("/").partition("/")
    if first == "e" and rest:
        return entry.entry(request, rest)
    if first == "items" and rest:
        return _item(request, rest)
    alone = ALONE.get(first)
    if alone is not None and not rest:
        return alone(request)
    raise NotFoundError("there is no such page")


def _state(request: Request, pairs: Pairs) -> Address:
    vocabulary = vocabulary_of(request.log.catalogue)
    return read_address(home(request), pairs, vocabulary=vocabulary, home_zone=home_zone(request))


def _total(request: Request) -> Response[Any]:
    """How many entries the filter finds, for the page that shows the first of them."""
    try:
        query = _state(request, tidied(request.pairs)).query
        total, _ = request.log.count(query, viewer=request.viewer, lang=request.lang)
    except (FilterInvalidError, CursorInvalidError) as error:
        return _broken(request, error)
    return html("total.html", t=request.words, total=total)


def _item(request: Request, rest: str) -> Response[Any]:
    """Everything by, to and about an item."""
    try:
        return item.item(request, rest)
    except (FilterInvalidError, CursorInvalidError) as error:
        return _broken(request, error)


def _bars(request: Request) -> Response[Any]:
    """How what the filter finds spreads over time."""
    try:
        parameters = bars.owned(tidied(request.pairs))
        return bars.bars(request, _state(request, parameters.listed), parameters.own)
    except (FilterInvalidError, CursorInvalidError) as error:
        return _broken(request, error)


def _values(request: Request) -> Response[Any]:
    """How many entries have which value."""
    try:
        parameters = values.owned(tidied(request.pairs))
        return values.values(request, _state(request, parameters.listed), parameters.own)
    except (FilterInvalidError, CursorInvalidError) as error:
        return _broken(request, error)


def _list_page(request: Request, state: Address) -> Response[Any]:
    log, viewer = request.log, request.viewer
    now = request.site.deployment.clock()
    rows_at = RowList(log.erasures, log.erasures.count, (request.lang, state))
    searched = _searched(request, state, now)
    page = searched.page
    presenter = presenter_of(request, state, state.query.tz)
    naming = Naming(log, viewer, presenter, entries=page.entries)
    rows = request.site.row_cache.rows(rows_at, page.entries, pen(log, presenter, viewer))
    bound = structs.replace(state.query, as_of=page.as_of)
    whole = state.paging.count or not rows
    total = log.count(bound, viewer=viewer, lang=request.lang)[0] if whole else None
    empty = len(rows) < state.paging.limit and _is_empty(request)
    form = _form(state, naming, now)
    return html(
        "activity.html",
        part=partial(request.headers),
        **frame(request),
        **form,
        rows=rows,
        diary=grouping.diary(page.entries, rows, state.group),
        total=total,
        counting=address(f"{state.path}/total", to_params(bound)),
        counted=state.href(state.query, ("count", "true")),
        as_of=page.as_of,
        bars_address=bars.address_of(state, bound),
        figures=values.figures(request, state, bound),
        groups=grouping.offered(state),
        empty_log=empty,
        may_begin=getattr(viewer, "manage_access", "none") == "full",
        since=_since(request, state, page, presenter) if len(rows) < state.paging.limit else [],
        ways=[] if rows or empty else _ways(request, state, form["chips"]),
        turns=_turns(state, page),
        sizes=[(size, _sized(state, size)) for size in SIZES],
        file_addresses=_file_addresses(request, bound),
        export_offer=exports.export_offer(request, bound),
        following=_following(request, state, page),
        newest=state.href(state.fresh),
        zone=presenter.words.zone(presenter.zone),
        damaged=", ".join(request.words.number(seq) for seq in sorted(searched.damaged)[:_MOST_DAMAGED]),
        shown_at=presenter.words.moment(now.astimezone(presenter.zone)),
        keeps=address("", to_params(state.fresh)).removeprefix("?"),
    )


def _searched(request: Request, state: Address, now: datetime) -> Searched:
    damaged: list[int] = []
    # "Go to date" begins the list further down; what is found, counted and said stays the filter's.
    until = None if state.at is None else day_end(parse_day(state.at), zone(state.query.tz))
    page = request.log.search(
        state.query if until is None else within(state.query, now, until=until),
        damaged=damaged,
        viewer=request.viewer,
        order=state.paging.order,
        limit=state.paging.limit,
        cursor=state.paging.cursor,
        lang=request.lang,
        part_of=state.query,
    )
    return Searched(page, damaged)


def _is_empty(request: Request) -> bool:
    """Whether no host has recorded anything: there is only who read the log and who signed in to read it."""
    rest = from_params([FOLDED, ("category.not", "security")])
    return request.log.count(rest, viewer=request.viewer, lang=request.lang)[0] == 0


def _form(state: Address, naming: Naming, now: Any) -> dict[str, Any]:
    params = to_params(state.fresh)
    in_form = {name for name, _ in params} & _SHOWN
    days = {name: value for name, value in params if name in ("from", "to") and "T" not in value}
    hidden = [(n, v) for n, v in params if n not in in_form and n not in days]
    view = ready_view(state.view)
    chosen = {name: [v for n, v in params if n == name] for name in in_form}
    return {
        "query": state.query,
        "chosen": chosen,
        "days": days,
        "more": any(name in chosen for name in _MORE) or state.at is not None,
        "hidden": hidden
        + [(name, value) for name, value in (("view", state.view), ("group", state.group)) if value],
        "chips": naming.chips(state, now),
        "filter_words": in_words(state.fresh, naming.label, naming.presenter.words.lang),
        "state": state,
        "asks": view.asks if view and not any(n in ("actor", "concerns") for n, _ in params) else None,
        "choices": _choices(naming.presenter),
        "timelines": naming.timelines(state),
    }


# What the form offers is the same for all readers of a language.
_OFFERED: dict[tuple[int, str], Choices] = {}


def _choices(presenter: Presenter) -> dict[str, Any]:
    key = (id(presenter.catalogue), presenter.words.lang)
    if key not in _OFFERED:
        _OFFERED[key] = Choices(presenter.catalogue, _offered(presenter))
    return _OFFERED[key].options


def _offered(presenter: Presenter) -> dict[str, Any]:
    catalogue, words, label = presenter.catalogue, presenter.words, presenter.label
    labelled = [(name, label("category", name)) for name in catalogue.categories]
    categories = sorted(labelled, key=lambda pair: fold(pair[1]))
    actions = [Option(a.category, a.name, label("action", a.name)) for a in catalogue.actions.values()]
    types = [Option(t.category, f"{t.name}/*", label("type", t.name)) for t in catalogue.types.values()]
    return {
        "presets": [(name, PRESET_NAMES[words.lang][name]) for name in PRESETS],
        "categories": categories,
        "boxes": {field.name: _boxes(presenter, field) for field in _BOXES if field.choices},
        "plain": [field.name for field in FIELDS.values() if field.form == "text"],
        "actions": _grouped(categories, actions),
        "types": _grouped(categories, types),
        "zones": ZONES,
    }


def _boxes(presenter: Presenter, field: Field) -> list[tuple[str, str]]:
    """Every value of a field with its label."""
    label = field.label or field.name
    if label == "kind":  # of many: the catalogue says what one of them is
        return [(value, presenter.words(f"kind.{value}")) for value in field.choices]
    return [(value, presenter.label(label, value)) for value in field.choices]


def _grouped(categories: list[tuple[str, str]], options: list[Option]) -> Markup:
    """Options under the labels of their categories, written once."""
    option, group = Markup('<option value="{}">{}</option>'), Markup('<optgroup label="{}">{}</optgroup>')
    written: dict[str, list[Markup]] = {}
    for offered in options:
        written.setdefault(offered.category, []).append(option.format(offered.value, offered.label))
    return Markup("").join(
        group.format(label, Markup("").join(written.get(name, []))) for name, label in categories
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


def _since(request: Request, state: Address, page: Page, presenter: Presenter) -> list[str]:
    """For each category of the filter whose first entry is younger than the range: since when there are any."""
    start, _ = interval(state.query, request.site.deployment.clock())
    if start is None:
        return []
    named = [
        v for term in state.query.terms if term.field == "category" and not term.negated for v in term.values
    ]
    t, lines = presenter.words, []
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
        label = presenter.label("category", name)
        if not first:
            lines.append(t("rows.never", name=label))
            continue
        began = presenter.local(first[0].occurred_at)
        if microseconds(began) > start:
            lines.append(t("rows.since", name=label, day=t.day(began)))
    return lines


def _ways(request: Request, state: Address, chips: list[Chip]) -> list[dict[str, Any]]:
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
    fruitful = [
        {"words": words, "href": state.href(query), "count": count}
        for (words, query), count in zip(ways, counts, strict=False)
        if count
    ]
    everything = Query(tz=state.query.tz)
    total = request.log.count(everything, viewer=request.viewer, lang=request.lang)[0]
    return [*fruitful, {"words": t("empty.clear"), "href": state.href(everything), "count": total}]


def _file_addresses(request: Request, bound: Query) -> dict[str, str]:
    api = f"/api/v1/orgs/{request.org}/entries"
    return {ending: address(f"{api}.{ending}", to_params(bound)) for ending in ("csv", "jsonl")}


def _meant(request: Request, pairs: Pairs, names: Pairs) -> Response[Any]:
    """Names typed by hand: one item of that name is taken, of several the reader chooses."""
    name, text = names[0]
    role: Part = "actor" if name == "actor" else "concerns"
    namesakes = request.log.items(text[:80], viewer=request.viewer, role=role)
    rest = [pair for pair in pairs if pair != (name, text)]
    chosen = (f"{namesake.type}/{namesake.id}" for namesake in namesakes)
    hrefs = [address(request.path, [*rest, (name, value)]) for value in chosen]
    if len(hrefs) == 1:
        return see(hrefs[0])
    return html(
        "meant.html",
        part=partial(request.headers),
        **frame(request),
        text=text,
        without=address(request.path, rest),
        items=list(zip(namesakes, hrefs, strict=True)),
        label=presenter_of(request, None, home_zone(request)).label,
    )


def _broken(request: Request, error: FilterInvalidError | CursorInvalidError) -> Response[Any]:
    faults, status = [], 400
    if isinstance(error, FilterInvalidError):
        faults, status = [_fault(request, fault) for fault in faults_of(error)], 422
    part, ways = partial(request.headers), _mended(request, error)
    return html(
        "broken.html", status, part=part, **frame(request), faults=faults, ways=ways, clear=home(request)
    )


def _mended(request: Request, error: Exception) -> list[dict[str, str]]:
    """The same question without what was not understood; of two ways to say a period, each without the other."""
    if not isinstance(error, FilterInvalidError):
        return []
    t, pairs = request.words, tidied(request.pairs)
    sent = {name for name, _ in pairs}
    # What is at fault in a line of search text stands in the words.
    names = {fault.name for fault in faults_of(error)} & sent or {"text"} & sent
    days = {"from", "to"} & sent
    if names == {"date"} and days:
        left_out = [(t("broken.period"), days), (t("broken.days"), {"date"})]
    else:
        labels = ", ".join(sorted(_named(request, name) for name in names))
        left_out = [(t("empty.remove", name=labels), names)] if names and sent - names else []
    return [
        {"words": words, "href": address(home(request), [pair for pair in pairs if pair[0] not in gone])}
        for words, gone in left_out
    ]


def _named(request: Request, name: str) -> str:
    key = f"filter.{name.removesuffix('.not')}"
    return request.words(key) if key in request.words else name


def _fault(request: Request, fault: ParameterFault) -> dict[str, str]:
    t, sent = request.words, dict(request.pairs)
    together = fault.name == "date" and ("from" in sent or "to" in sent)
    return {
        "label": _named(request, fault.name),
        "words": t("broken.together" if together else f"broken.{fault.code}"),
        "detail": fault.detail,
    }


# The pages of one word below the address, by it.
ALONE: dict[str, Callable[[Request], Response[Any]]] = {
    "about": about.about,
    "alerts": views.alerts,
    "bars": _bars,
    "overview": overview.overview,
    "values": _values,
    "exports": exports.exports,
    "suggest": suggest.suggest,
    "total": _total,
    "trust": trust.trust,
}
