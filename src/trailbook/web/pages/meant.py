"""Names typed by hand where the filter takes items: whoever of that name there is.

Owns the choice between namesakes. Refuses to choose where there are several.
"""

from typing import Any

from litestar import Response
from msgspec import Struct

from trailbook.finding import FoundItem, Part
from trailbook.web.http.render import page, partial, see
from trailbook.web.http.request import Request
from trailbook.web.pages.address import Pairs, address
from trailbook.web.pages.frame import frame


class Namesake(Struct, frozen=True, kw_only=True):
    """An item of a name that was typed, and the list that it is meant by; `now`: it is called otherwise by now."""

    name: str
    now: str | None
    type: str
    id: str
    href: str


class MeantPage(Struct, frozen=True):
    """Who may be meant by a text, and the list without it."""

    text: str
    without: str
    items: list[Namesake]


def meant(request: Request, pairs: Pairs, name: str) -> Response[Any]:
    """The list of whom a typed name means, where only one item has it; else a page on which to choose.

    `name` is the parameter, which stands among `pairs`. Raises: FilterInvalidError.
    """
    text = dict(reversed(pairs))[name]
    role: Part = "actor" if name == "actor" else "concerns"
    items = request.log.items(text[:80], viewer=request.viewer, role=role)
    rest = [pair for pair in pairs if pair != (name, text)]
    namesakes = [
        _namesake(request, item, address(request.path, [*rest, _pair(name, item)])) for item in items
    ]
    if len(namesakes) == 1:
        return see(namesakes[0].href)
    model = MeantPage(text, address(request.path, rest), namesakes)
    return page("meant.html", (frame(request), model), part=partial(request.headers))


def _pair(name: str, item: FoundItem) -> tuple[str, str]:
    return name, f"{item.type}/{item.id}"


def _namesake(request: Request, item: FoundItem, href: str) -> Namesake:
    return Namesake(
        name=item.name or item.id,
        now=item.name_now if item.name_now != item.name else None,
        type=request.catalogue.label("type", item.type, request.lang),
        id=item.id,
        href=href,
    )
