"""Saved views: filters with a name, one's own and those that are shared, and what each viewer does with them.

Owns who may see and change a view, and that its items are kept as the log's own numbers: a renamed item stays found,
of one that was erased nothing is left in the view, which goes with it, and one that a viewer may not see is not named
to them. Refuses to answer a filter.
"""

import base64

import msgspec
from msgspec import Struct, structs

from trailbook.access import operator, refuse_faults
from trailbook.administration.access import AccessEntry, By, record_access
from trailbook.deployment import Choice, NumberedFilter, SavedView, Views
from trailbook.errors import Fault, NameTakenError, NotFoundError, NotYoursError, TooManyViewsError
from trailbook.model import Item, microseconds, name_fault
from trailbook.query import HIDDEN, Query, from_params, is_item, refuse_personal, to_params

MOST, LONGEST_NAME = 100, 80  # views of one owner; characters of a name
_UNKEPT = "is kept in no view, for it goes when somebody is erased: save the view without it and add it to the address"
Pairs = list[tuple[str, str]]


class NewView(Struct, frozen=True, kw_only=True):
    """A view as somebody wants it; `default` and `alert` are their own."""

    name: str
    query: Query
    shared: bool = False
    default: bool = False
    alert: bool = False


class ViewerView(Struct, frozen=True, kw_only=True):
    """A view as a viewer has it; an item that they may not see is `HIDDEN` in its query."""

    id: str
    name: str
    query: Query
    shared: bool
    own: bool
    default: bool
    alert: bool
    created_at: int


_filter = msgspec.json.Decoder(NumberedFilter)


class _Numbered(Struct, frozen=True):
    """A filter with items as numbers, and the items that the log never heard of."""

    filter: NumberedFilter
    unknown: list[str]


def as_seen(by: By, pairs: Pairs) -> Pairs:
    """A filter as the viewer may read it: what they may not see stands there as `HIDDEN`, which finds nothing."""
    items = [value for name, value in pairs if is_item(name, value)]
    seen = by.deployment.log(by.org).numbers(items, viewer=by.viewer) if items else {}
    hidden = set(items) - seen.keys()
    return list(dict.fromkeys((n, HIDDEN if is_item(n, v) and v in hidden else v) for n, v in pairs))


def list_views(by: By) -> list[ViewerView]:
    """The viewer's own views and those that are shared, by name; a view of somebody erased is removed."""
    choices = _choices(by)
    views = (_viewer_view(by, view, choices.get(view.id)) for view in _views(by).of(by.org, _who(by)))
    return [view for view in views if view is not None]


def view_names(by: By) -> list[tuple[str, str]]:
    """Id and name of each view that `list_views` gives, without looking into any."""
    return [(view.id, view.name) for view in _views(by).of(by.org, _who(by))]


def find_view(by: By, id_: str) -> ViewerView:
    """A view. Raises: NotFoundError, for another's private one as for none."""
    view = _viewer_view(by, _view(by, id_), _choices(by).get(id_))
    if view is None:
        raise NotFoundError("there is no such view")
    return view


def add_view(by: By, wanted: NewView) -> ViewerView:
    """Save a new view. Raises: InvalidError, FilterInvalidError, FiguresOfAPersonError, NameTakenError,
    TooManyViewsError.
    """
    id_ = base64.b32encode(by.deployment.entropy(10)).decode().lower()
    now = microseconds(by.deployment.clock())
    blank = SavedView(id=id_, org=by.org, owner=_who(by), name="", shared=False, filter=b"", created_at=now)
    view = _saved_view(by, wanted, blank)
    _put(by, view, AccessEntry(action="saved_view.created", target=_item(view), fields=("name", "filter")))
    choose_view(by, id_, default=wanted.default, alert=wanted.alert)
    return find_view(by, id_)


def change_view(by: By, id_: str, wanted: NewView) -> ViewerView:
    """A view as it is wanted now; of another's, shared, one changes only what is one's own.

    Raises: NotFoundError, InvalidError, FilterInvalidError, FiguresOfAPersonError, NameTakenError; NotYoursError for
    another's.
    """
    saved, old = _view(by, id_), find_view(by, id_)
    view = _saved_view(by, wanted, saved, same_filter=wanted.query == old.query)
    changed = [
        name
        for name, now, before in (
            ("name", wanted.name, old.name),
            ("filter", wanted.query, old.query),
            ("shared", wanted.shared, old.shared),
        )
        if now != before
    ]
    if changed:
        _require_own(by, saved)
        _put(by, view, AccessEntry(action="saved_view.updated", target=_item(view), fields=tuple(changed)))
    choose_view(by, id_, default=wanted.default, alert=wanted.alert)
    return find_view(by, id_)


def remove_view(by: By, id_: str) -> None:
    """Remove one's own view. Raises: NotFoundError; NotYoursError for another's."""
    view = _view(by, id_)
    _require_own(by, view)
    record_access(by, [AccessEntry(action="saved_view.deleted", target=_item(view))])
    _views(by).drop(by.org, id_)


def choose_view(by: By, id_: str, *, default: bool, alert: bool) -> None:
    """What the viewer does with a view, saved or ready; who is told of it from now on knows what is there now."""
    before = _choices(by).get(id_)
    size = by.deployment.log(by.org).size(viewer=by.viewer)
    seen = before.seen if before is not None and before.alert else size
    choice = Choice(org=by.org, viewer=_who(by), view=id_, default=default, alert=alert, seen=seen)
    if before != choice and (before is not None or default or alert):
        _views(by).choose(choice)


def view_choices(by: By) -> dict[str, Choice]:
    """What the viewer chose, by the id of the view."""
    return _choices(by)


def default_view(by: By) -> str | None:
    """The view that the viewer begins with, if there is one."""
    return next((id_ for id_, choice in _choices(by).items() if choice.default), None)


def count_new(by: By, id_: str, query: Query, lang: str) -> int:
    """How many entries of a view are new to the viewer who is told of it; 0 where they are not."""
    choice = _choices(by).get(id_)
    if choice is None or not choice.alert:
        return 0
    log = by.deployment.log(by.org)
    now, as_of = log.count(structs.replace(query, as_of=None), viewer=by.viewer, lang=lang)
    if as_of <= choice.seen:
        return 0
    before, _ = log.count(structs.replace(query, as_of=choice.seen), viewer=by.viewer, lang=lang)
    return max(0, now - before)


def mark_seen(by: By, id_: str) -> None:
    """The viewer has looked at a view: what is there is not new any more."""
    choice = _choices(by).get(id_)
    size = by.deployment.log(by.org).size(viewer=by.viewer)
    if choice is not None and choice.alert and choice.seen < size:
        _views(by).choose(structs.replace(choice, seen=size))


def _views(by: By) -> Views:
    return by.deployment.views


def _who(by: By) -> str:
    return f"{by.viewer.item.type}/{by.viewer.item.id}"


def _choices(by: By) -> dict[str, Choice]:
    return {choice.view: choice for choice in _views(by).choices(by.org, _who(by))}


def _view(by: By, id_: str) -> SavedView:
    view = _views(by).get(by.org, id_)
    if view is None or not (view.shared or view.owner == _who(by)):
        raise NotFoundError("there is no such view")
    return view


def _require_own(by: By, view: SavedView) -> None:
    if view.owner != _who(by):
        raise NotYoursError("this view is another's: save one of your own")


def _put(by: By, view: SavedView, entry: AccessEntry) -> None:
    """Keep a view; the entry is written first: a change nobody hears of is worse than an entry of one that failed."""
    own = [
        other
        for other in _views(by).of(by.org, view.owner)
        if other.owner == view.owner and other.id != view.id
    ]
    _refuse_taken(any(other.name == view.name for other in own))
    if len(own) >= MOST:
        raise TooManyViewsError(f"you have {MOST} views: remove one first")
    record_access(by, [entry])
    try:
        kept = _views(by).put(view, MOST)
    except ValueError:
        kept = False
    if not kept:  # somebody else, or another window, was quicker
        record_access(by, [entry], failed=True)
        _refuse_taken(True)


def _refuse_taken(taken: bool) -> None:
    if taken:
        raise NameTakenError("you have another view of that name")


def _saved_view(by: By, wanted: NewView, old: SavedView, *, same_filter: bool = False) -> SavedView:
    """The view as it is kept; a filter that stays is kept whole, with what its owner may not see any more."""
    refuse_personal(wanted.query, _UNKEPT)
    query = by.deployment.log(by.org).frozen(wanted.query, viewer=by.viewer)
    faults = []
    why = name_fault(wanted.name, LONGEST_NAME)
    if why:
        faults.append(Fault("/name", "invalid", why))
    kept = old.filter
    if not same_filter:
        numbered = _numbered(by, to_params(structs.replace(query, as_of=None)))
        faults += [
            Fault("/filter", "invalid", f"{value[:80]} is nothing that this log names")
            for value in numbered.unknown
        ]
        kept = msgspec.json.encode(numbered.filter)
    refuse_faults(tuple(faults))
    return structs.replace(old, name=wanted.name, shared=wanted.shared, filter=kept)


def _item(view: SavedView) -> Item:
    return Item(type="saved_view", id=view.id, name=view.name if view.shared else None)


def _viewer_view(by: By, view: SavedView, choice: Choice | None) -> ViewerView | None:
    """The view with its items as they are called now; one of somebody erased is removed."""
    pairs = _named(by, _filter.decode(view.filter))
    if pairs is None:
        _views(by).drop(by.org, view.id)
        return None
    return ViewerView(
        id=view.id,
        name=view.name,
        query=from_params(as_seen(by, pairs)),
        shared=view.shared,
        own=view.owner == _who(by),
        default=choice is not None and choice.default,
        alert=choice is not None and choice.alert,
        created_at=view.created_at,
    )


def _numbered(by: By, pairs: Pairs) -> _Numbered:
    items = [value for name, value in pairs if is_item(name, value)]
    numbers = by.deployment.log(by.org).numbers(items, viewer=by.viewer)
    numbered = [(name, numbers.get(value, value) if is_item(name, value) else value) for name, value in pairs]
    return _Numbered(numbered, [value for value in items if value not in numbers])


def _named(by: By, saved: NumberedFilter) -> Pairs | None:
    """The filter with numbers as items; None where one of them was erased."""
    numbers = [value for _, value in saved if isinstance(value, int)]
    # Of all that is there: what the viewer may not see of it is covered where the view is shown.
    items = by.deployment.log(by.org).numbered(numbers, viewer=operator(by.org))
    pairs = [(name, items.get(value) if isinstance(value, int) else value) for name, value in saved]
    whole = [(name, value) for name, value in pairs if value is not None]
    return whole if len(whole) == len(pairs) else None
