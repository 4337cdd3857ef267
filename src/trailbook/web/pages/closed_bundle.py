"""Before a closed bundle is made: what it would hold, in figures, and the form that orders it, without a script.

Owns that nobody orders one on the page who was not shown both figures. Refuses whoever may not have the bundle itself:
its figures say something of what is withheld.
"""

from litestar import Response
from msgspec import Struct, structs

from trailbook.export import ExportRequest
from trailbook.query import Query, from_params, in_words, to_params
from trailbook.web.api.exports import held_in_words, ordered
from trailbook.web.http.render import page, see
from trailbook.web.http.request import Request
from trailbook.web.http.texts import LOCALES
from trailbook.web.pages.address import Pairs, address, parsed
from trailbook.web.pages.frame import frame, home, presenter_of
from trailbook.web.pages.names import Naming, items_of
from trailbook.web.pages.sign_in import form

_CLOSED = "bundle-closed"


class ClosedBundlePage(Struct, frozen=True, kw_only=True):
    """What a closed bundle would hold, of which filter, and the order that is sent to `here`."""

    here: str
    filter_words: str
    held: str
    order: str


def address_of(request: Request, bound: Query) -> str:
    """The address of the page for a filter at one `as_of`."""
    return address(_here(request), to_params(bound))


def closed_bundle_page(request: Request) -> Response[bytes]:
    """GET /orgs/{org}/activity/closed-bundle: both figures, and the button. Raises: NotPermittedError."""
    asked = _asked(request, list(request.pairs))
    figures = request.site.exports.figures(asked, request.viewer)
    bound = structs.replace(asked.query, as_of=figures.as_of)
    items = items_of(request.log, bound, viewer=request.viewer)
    naming = Naming(presenter_of(request, None, bound.tz), items)
    model = ClosedBundlePage(
        here=_here(request),
        filter_words=in_words(bound, naming.label, request.lang),
        held=held_in_words(request, figures),
        order=address("", [*to_params(bound), ("lang", asked.lang)]).removeprefix("?"),
    )
    return page("closed-bundle.html", (frame(request), model))


def order_closed_bundle(request: Request) -> Response[bytes]:
    """POST /orgs/{org}/activity/closed-bundle: order it, then one's own exports. Raises: NotPermittedError."""
    request.only()
    ordered(request, _asked(request, parsed(form(request).get("order", ""))))
    return see(f"{home(request)}/exports")


def _asked(request: Request, pairs: Pairs) -> ExportRequest:
    """The bundle that an address asks for: a filter, and the language of its words. Raises: FilterInvalidError."""
    lang = dict(pairs).get("lang")
    filtered = [pair for pair in pairs if pair[0] != "lang" or lang not in LOCALES]
    query = from_params(filtered, request.vocabulary)
    return ExportRequest(query=query, format=_CLOSED, lang=lang if lang in LOCALES else request.lang)


def _here(request: Request) -> str:
    return f"{home(request)}/closed-bundle"
