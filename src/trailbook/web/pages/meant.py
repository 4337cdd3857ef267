"""Names typed by hand where the filter takes items: whoever of that name there is, and who may have been meant.

Owns the choice between namesakes, and what is said where nobody has the name. Refuses to choose where there are
several, and to take a near name for the one that was typed.
"""

from collections.abc import Sequence
from typing import Any

from litestar import Response
from msgspec import Struct

from trailbook.finding import FoundItem, Part
from trailbook.web.http.render import page, partial, see
from trailbook.web.http.request import Request
from trailbook.web.pages.address import FOLDED, Pairs, address
from trailbook.web.pages.apart import called, told_apart
from trailbook.web.pages.frame import frame, home_zone, presenter_of
from trailbook.web.pages.rows import cut

_MOST = 80


class Namesake(Struct, frozen=True, kw_only=True):
    """An item of a name that was typed, or of one near it, and the list that it is meant by.

    `now`: it is called otherwise by now; `beside` tells it from others.
    """

    name: str
    now: str | None
    beside: str
    hint: bool
    href: str


class MeantPage(Struct, frozen=True):
    """Who may be meant by a text, and the list without it."""

    text: str
    without: str
    items: list[Namesake]


class Nobody(Struct, frozen=True):
    """A name that nobody has, the field that it was typed in, the list without it, and who has a name near it."""

    field: str
    text: str
    without: str
    near: list[Namesake]


class Unknown(Struct, frozen=True):
    """The names in a filter that nobody has, and what was typed by field."""

    nobody: list[Nobody]
    typed_names: dict[str, str]


NOBODY = Unknown([], {})


def meant(request: Request, pairs: Pairs, names: Pairs) -> Response[Any] | Unknown:
    """The list of whom a typed name means where only one item has it, a page to choose on where several do.

    `names` are the parameters that are names, which stand among `pairs`; where nobody has any of them, that is the
    answer, and the list goes without. Raises: FilterInvalidError.
    """
    nobody = []
    for name in names:
        field, text = name
        role: Part = "actor" if field == "actor" else "concerns"
        answer = request.log.meant(text[:_MOST], viewer=request.viewer, role=role)
        if answer.items:
            return _chosen(request, pairs, name, answer.items)
        near = _namesakes(request, pairs, name, answer.near)
        nobody.append(Nobody(field, cut(text), address(request.path, _without(pairs, [name])), near))
    return Unknown(nobody, dict(reversed(names)))


def known(pairs: Pairs, names: Pairs) -> Pairs:
    """The parameters without the names that nobody has."""
    return _without(pairs, names)


def _chosen(
    request: Request, pairs: Pairs, name: tuple[str, str], items: Sequence[FoundItem]
) -> Response[Any]:
    namesakes = _namesakes(request, pairs, name, items)
    if len(namesakes) == 1:
        return see(namesakes[0].href)
    model = MeantPage(name[1], address(request.path, _without(pairs, [name])), namesakes)
    return page("meant.html", (frame(request), model), part=partial(request.headers))


def _without(pairs: Pairs, names: Pairs) -> Pairs:
    return [pair for pair in pairs if pair not in names] or [FOLDED]


def _namesakes(
    request: Request, pairs: Pairs, name: tuple[str, str], items: Sequence[FoundItem]
) -> list[Namesake]:
    presenter, rest = (
        presenter_of(request, None, home_zone(request)),
        [pair for pair in pairs if pair != name],
    )
    beside = told_apart(items, presenter)
    return [
        Namesake(
            name=called(item),
            now=cut(item.name_now) if item.name_now and item.name_now != item.name else None,
            beside=text,
            hint=item.hint is not None,
            href=address(request.path, [*rest, (name[0], f"{item.type}/{item.id}")]),
        )
        for item, text in zip(items, beside, strict=True)
    ]
