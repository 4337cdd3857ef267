"""A question that needs a name: its field in the list itself, and whom one may mean before a letter is typed.

Owns that whoever is offered is one press away, with a script and without. Refuses to look anybody up: typeahead does.
"""

from msgspec import Struct

from trailbook.finding import Part
from trailbook.web.http.request import Request
from trailbook.web.pages.address import Address, Pairs
from trailbook.web.pages.suggest import Offer, offers


class NameIt(Struct, frozen=True, kw_only=True):
    """The field of a question: what it is called, which filter it fills in, and what goes along with it.

    `offered` are those of late, each with the list that it leads to.
    """

    question: str
    field: str
    hidden: Pairs
    offered: list[tuple[Offer, str]]


class NameItPage(Struct, frozen=True):
    """The field of the question that a list answers, where it still needs a name."""

    name_it: NameIt | None


def name_it(request: Request, state: Address, field: Part | None) -> NameItPage:
    """The question's field, whose answer fills in `field`; None where the list needs no name."""
    if field is None or state.view is None:
        return NameItPage(None)
    lately = [(offer, _with(state, offer)) for offer in offers(request, field, "")]
    return NameItPage(
        NameIt(question=state.view, field=field, hidden=state.kept(state.fresh), offered=lately)
    )


def _with(state: Address, offer: Offer) -> str:
    name, _, value = offer.value.partition("=")
    return state.href(state.with_value(name, value))
