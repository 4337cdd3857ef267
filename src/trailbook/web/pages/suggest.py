"""Typeahead: what the fields Actor and Concerns offer while somebody types, and the sources there are.

Owns what is offered in which order, the people of late before a letter is typed, and that a name nobody has is answered
in the field itself. Refuses to look anybody up but in the log, and to offer more than twenty.
"""

from collections.abc import Sequence
from typing import Any

from litestar import Response
from msgspec import Struct

from trailbook.catalogue import Catalogue
from trailbook.finding import LONGEST, MOST, FoundItem, Part
from trailbook.query import Query, fold, words
from trailbook.web.http.render import html
from trailbook.web.http.request import ParameterInvalidError, Request
from trailbook.web.pages.apart import called, told_apart
from trailbook.web.pages.frame import home_zone, presenter_of

_KINDS = ("system", "integration", "person")
_LATELY = 8  # people, so that the kinds below them are seen without scrolling


class Offer(Struct, frozen=True, kw_only=True):
    """One row: the parameter it adds, its name, the name now where it differs, and what tells it apart.

    `hint`: that is what the host says of it today.
    """

    value: str
    label: str
    beside: str
    now: str | None = None
    hint: bool = False


def suggestions(request: Request) -> Response[Any]:
    """GET suggest: rows for one field. Raises: ParameterInvalidError."""
    params = request.only("role", "actor", "concerns", "source")
    role = params.get("role")
    if role == "source":
        return html("choices.html", t=request.words, choices=_sources(request))
    if role in ("action", "target"):
        return html("searched.html", t=request.words, field=role, choices=_declared(request, role))
    if role not in ("actor", "concerns"):
        raise ParameterInvalidError("role: is not one of actor, concerns, action, target, source")
    typed = params.get(role, "").strip()[:LONGEST]
    part: Part = "actor" if role == "actor" else "concerns"
    rows = offers(request, part, typed)
    near = [] if rows or not words(typed) else _near(request, part, typed)
    return html("suggest.html", t=request.words, offers=rows, near=near, typed=typed)


def offers(request: Request, role: Part, typed: str) -> list[Offer]:
    """Who and what the log knows by what was typed, grouped by type; of persons also "by or about".

    Where nothing is typed: the people who were active or concerned last.
    """
    t, catalogue = request.words, request.catalogue
    kinds = [
        Offer(value=f"actor_kind={kind}", label=t(f"kind.{kind}"), beside=t("suggest.kind"))
        for kind in _KINDS
        if role == "actor" and _begins(t(f"kind.{kind}"), typed)
    ]
    if not words(typed):
        return [*_offers(request, role, _lately(request, role)), *kinds]
    items = request.log.items(typed, viewer=request.viewer, role=role, limit=MOST)
    items.sort(key=lambda item: catalogue.label("type", item.type, t.lang))
    named = _offers(request, role, items)
    both = request.log.items(typed, viewer=request.viewer, limit=MOST)
    also = _offers(request, "by_or_about", [item for item in both if _person(catalogue, item)])
    room = max(MOST - len(kinds) - min(len(also), 5), 0)
    return [*kinds, *named[:room], *also[: MOST - len(kinds) - len(named[:room])]]


def _lately(request: Request, role: Part) -> list[FoundItem]:
    """The people of late but for whoever asks: signing in, they were the last, and they rarely ask for themselves."""
    own = request.viewer.item
    items = request.log.items("", viewer=request.viewer, role=role, limit=_LATELY + 1)
    return [item for item in items if (item.type, item.id) != (own.type, own.id)][:_LATELY]


def _near(request: Request, role: Part, typed: str) -> list[Offer]:
    """Whom a name may have meant that nobody has."""
    return _offers(request, role, request.log.meant(typed, viewer=request.viewer, role=role).near)


def _offers(request: Request, field: str, items: Sequence[FoundItem]) -> list[Offer]:
    t, presenter = request.words, presenter_of(request, None, home_zone(request))
    return [
        Offer(
            value=f"{field}={item.type}/{item.id}",
            label=t("suggest.both", name=called(item)) if field == "by_or_about" else called(item),
            beside=beside,
            now=item.name_now if item.name_now != item.name else None,
            hint=item.hint is not None,
        )
        for item, beside in zip(items, told_apart(items, presenter), strict=True)
    ]


def _person(catalogue: Catalogue, item: FoundItem) -> bool:
    declared = catalogue.types.get(item.type)
    return declared is not None and declared.person


def _begins(label: str, typed: str) -> bool:
    wanted = words(typed)
    return all(any(word.startswith(beginning) for word in words(label)) for beginning in wanted)


def _declared(request: Request, role: str) -> list[tuple[str, str]]:
    """Every action or kind of item there is, where they are not counted."""
    label, lang = request.catalogue.label, request.lang
    if role == "action":
        named = [(name, label("action", name, lang)) for name in request.catalogue.actions]
    else:
        named = [(f"{name}/*", label("type", name, lang)) for name in request.catalogue.types]
    return sorted(named, key=lambda pair: fold(pair[1]))


def _sources(request: Request) -> list[tuple[str, str]]:
    sources = request.log.facets(Query(), "source", viewer=request.viewer, lang=request.lang)
    return [(source.value, source.label) for source in sources.values]
