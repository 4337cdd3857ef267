"""An address that was not understood: which part of it, in words, and ways on without that part.

Owns what a page of a list answers to a broken filter, and to one that asks when a person works. Refuses to show a row
beside one, and to guess what was meant.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from litestar import Response
from msgspec import Struct

from trailbook.errors import CursorInvalidError, FiguresOfAPersonError, FilterInvalidError, InvalidError
from trailbook.web.http.render import page, partial
from trailbook.web.http.request import Request
from trailbook.web.pages.address import Pairs, ParameterFault, address, faults_of, tidied
from trailbook.web.pages.frame import frame, home
from trailbook.web.pages.rows import cut

Handler = Callable[[Request], Response[Any]]


class FaultWords(Struct, frozen=True):
    """A parameter at fault: what it is called, what is wrong with it, what the core says of it, and what was sent."""

    label: str
    words: str
    detail: str
    given: str


class Mended(Struct, frozen=True):
    """A way on: the same question without something."""

    words: str
    href: str


class BrokenPage(Struct, frozen=True):
    """What was not understood, or is not answered `of_a_person`, and where to go on."""

    faults: list[FaultWords]
    ways: list[Mended]
    clear: str
    of_a_person: bool


def mendable(handler: Handler) -> Handler:
    """A page whose address is a filter: where that is broken it says which part, and how to go on."""

    @wraps(handler)
    def answered(request: Request) -> Response[Any]:
        try:
            return handler(request)
        except (FilterInvalidError, FiguresOfAPersonError, CursorInvalidError) as error:
            return _broken(request, error)

    return answered


def _broken(request: Request, error: InvalidError) -> Response[bytes]:
    cursor = isinstance(error, CursorInvalidError)
    faults = [] if cursor else faults_of(error)
    model = BrokenPage(
        faults=[_fault(request, fault) for fault in faults],
        ways=[] if cursor else _mended(request, faults),
        clear=home(request),
        of_a_person=isinstance(error, FiguresOfAPersonError),
    )
    status = 400 if cursor else 422
    return page("broken.html", (frame(request), model), status=status, part=partial(request.headers))


def _mended(request: Request, faults: list[ParameterFault]) -> list[Mended]:
    """The same question without what was not understood; of two ways to say a period, each without the other."""
    t, pairs = request.words, tidied(request.pairs)
    sent = {name for name, _ in pairs}
    # What is at fault in a line of search text stands in the words.
    names = {fault.name for fault in faults} & sent or {"text"} & sent
    days = {"from", "to"} & sent
    if names == {"date"} and days:
        return [
            _without(request, pairs, days, t("broken.period")),
            _without(request, pairs, {"date"}, t("broken.days")),
        ]
    if not names or not sent - names:
        return []
    labels = ", ".join(sorted(_named(request, name) for name in names))
    return [_without(request, pairs, names, t("empty.remove", name=labels))]


def _without(request: Request, pairs: Pairs, gone: set[str], words: str) -> Mended:
    return Mended(words, address(home(request), [pair for pair in pairs if pair[0] not in gone]))


def _named(request: Request, name: str) -> str:
    key = f"filter.{name.removesuffix('.not')}"
    return request.words(key) if key in request.words else name


def _fault(request: Request, fault: ParameterFault) -> FaultWords:
    t, sent = request.words, dict(request.pairs)
    together = fault.name == "date" and ("from" in sent or "to" in sent)
    words = t("broken.together" if together else f"broken.{fault.code}")
    given = " ".join(f"{name}={cut(value)}" for name, value in request.pairs if name == fault.name)
    return FaultWords(_named(request, fault.name), words, fault.detail, given)
