"""What a question still needs of its reader: a name, in a field in the list itself, or what kind of file.

Owns that whoever is offered is one press away, with a script and without. Refuses to look anybody up: typeahead does.
"""

from msgspec import Struct

from trailbook.administration import ready_view
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


class Question(Struct, frozen=True):
    """What the question that a list answers still needs: a name, or, where it `exports`, the choice of a file."""

    name_it: NameIt | None
    exports: bool


def question(request: Request, state: Address, field: Part | None) -> Question:
    """The question of a list; `field` is the filter that it still needs, if it needs one."""
    view = ready_view(state.view)
    named = None if field is None or view is None else _name_it(request, state, field, view.name)
    return Question(named, exports=view is not None and view.exports)


def _name_it(request: Request, state: Address, field: Part, name: str) -> NameIt:
    lately = [(offer, _with(state, offer)) for offer in offers(request, field, "")]
    return NameIt(question=name, field=field, hidden=state.kept(state.fresh), offered=lately)


def _with(state: Address, offer: Offer) -> str:
    name, _, value = offer.value.partition("=")
    return state.href(state.with_value(name, value))
