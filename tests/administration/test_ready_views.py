"""Ready views: each opens, because it names only what the catalogue declares."""

import pytest

from trailbook.administration.ready_views import READY_VIEWS, REVIEW_VIEWS, ReadyView, ready_view
from trailbook.catalogue import load
from trailbook.errors import FilterInvalidError
from trailbook.query import Vocabulary, from_params


def vocabulary() -> Vocabulary:
    """The names that a filter may use."""
    catalogue = load()
    return Vocabulary(categories=catalogue.categories, actions=catalogue.actions, types=catalogue.types)


@pytest.mark.parametrize("view", [*READY_VIEWS, *REVIEW_VIEWS], ids=lambda view: view.name)
def test_it_names_what_is_declared(view: ReadyView) -> None:
    assert from_params(view.params, vocabulary()).terms or view.params == () or "date" in dict(view.params)
    assert ready_view(view.name) is view


def test_a_name_that_nobody_declared_is_refused() -> None:
    """The control: one such name, and the view would not open."""
    with pytest.raises(FilterInvalidError, match=r"user\.disabled"):
        from_params((("action", "user.disabled"),), vocabulary())
