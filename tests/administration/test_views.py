"""Saved views: whose they are, that an item in one follows its name, and that nobody who was erased is left in one."""

from collections.abc import Iterator

import pytest
from msgspec import structs

from trailbook import Deployment, Item, Log, Origin, Query, open_deployment, operator
from trailbook.access import Viewer
from trailbook.administration.access import By
from trailbook.administration.views import (
    LONGEST_NAME,
    MOST,
    NewView,
    Pairs,
    add_view,
    change_view,
    choose_view,
    count_new,
    default_view,
    find_view,
    list_views,
    mark_seen,
    remove_view,
    view_choices,
    view_names,
)
from trailbook.errors import InvalidError, NameTakenError, NotFoundError, NotYoursError, TooManyViewsError
from trailbook.model import Actor
from trailbook.query import HIDDEN, from_params, to_params
from trailbook.testing import FrozenClock, Steady

ORG = "acme"
ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
BOB = Item(type="user", id="u-42", name="Bob Li")
ROLE = Item(type="role", id="r-3", name="Manager")
WEB = Origin(interface="web")
ABOUT_BOB = from_params([("category", "roles"), ("concerns", "user/u-42"), ("date", "past-6-months")])
DENIED = from_params([("outcome", "denied")])


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    """One log in memory, of one entry about Bob."""
    deployment = open_deployment("memory:", clock=FrozenClock(), entropy=Steady(3))
    record(deployment.create(ORG))
    yield deployment
    deployment.close()


@pytest.fixture
def anna(deployment: Deployment) -> By:
    return reader(deployment, "u-17")


@pytest.fixture
def kari(deployment: Deployment) -> By:
    return reader(deployment, "u-3")


def reader(deployment: Deployment, id_: str) -> By:
    return By(deployment, Viewer(org=ORG, item=Item(type="user", id=id_, name=id_), activity_log="full"))


def record(log: Log, member: Item = BOB) -> None:
    """One more role is refused to somebody."""
    log.record(
        "role.assigned", actor=ANNA, target=ROLE, concerns={"member": member}, outcome="denied", origin=WEB
    )


def about_views(deployment: Deployment) -> list[tuple[str, str | None, tuple[str, ...]]]:
    """The entries of views: the action, the name in it, and the fields."""
    rows = deployment.log(ORG).rows(Query(), viewer=operator(ORG), order="seq")
    return [(row.action, row.target.name, row.fields) for row in rows if row.target.type == "saved_view"]


def test_a_view_comes_back_as_it_was_saved(deployment: Deployment, anna: By) -> None:
    """A preset stays a preset; each change is an entry, which names a view only if it is shared."""
    view = add_view(anna, NewView(name="About Bob", query=structs.replace(ABOUT_BOB, as_of=1), alert=True))
    assert (view.name, view.query, view.shared, view.own) == ("About Bob", ABOUT_BOB, False, True)
    assert (view.default, view.alert) == (False, True)
    assert list_views(anna) == [find_view(anna, view.id)] == [view]
    assert view_names(anna) == [(view.id, "About Bob")]
    same = NewView(name="About Bob", query=ABOUT_BOB)
    assert not change_view(anna, view.id, same).alert
    changed = change_view(anna, view.id, NewView(name="Bob", query=DENIED, shared=True))
    assert (changed.name, changed.query, changed.created_at) == ("Bob", DENIED, view.created_at)
    remove_view(anna, view.id)
    assert list_views(anna) == []
    assert about_views(deployment) == [
        ("saved_view.created", None, ("filter", "name")),
        ("saved_view.updated", "Bob", ("filter", "name", "shared")),
        ("saved_view.deleted", "Bob", ()),
    ]


def test_another_sees_what_is_shared_and_changes_nothing_of_it(anna: By, kari: By) -> None:
    """What each does with a view is their own; a private one is as absent as one that never was."""
    private = add_view(anna, NewView(name="Mine", query=DENIED))
    shared = add_view(anna, NewView(name="Ours", query=DENIED, shared=True))
    assert [(view.id, view.own) for view in list_views(kari)] == [(shared.id, False)]
    for id_ in (private.id, "never"):
        with pytest.raises(NotFoundError):
            find_view(kari, id_)
    wanted = NewView(name="Ours", query=DENIED, shared=True, default=True)
    assert change_view(kari, shared.id, wanted).default
    assert not find_view(anna, shared.id).default
    for refused in (
        lambda: change_view(kari, shared.id, structs.replace(wanted, name="Theirs")),
        lambda: remove_view(kari, shared.id),
    ):
        with pytest.raises(NotYoursError):
            refused()
    assert find_view(kari, shared.id).name == "Ours"
    change_view(anna, shared.id, structs.replace(wanted, shared=False))
    assert list_views(kari) == []


@pytest.mark.parametrize(
    ("name", "filter_", "pointer"),
    [
        ("", "user/u-42", "/name"),
        ("  ", "user/u-42", "/name"),
        ("x" * (LONGEST_NAME + 1), "user/u-42", "/name"),
        ("Nobody", "user/u-43", "/filter"),
    ],
)
def test_what_cannot_be_saved_is_named(anna: By, name: str, filter_: str, pointer: str) -> None:
    """A name that cannot be, and an item of which the log never heard; the same without the fault is saved."""
    with pytest.raises(InvalidError) as refused:
        add_view(anna, NewView(name=name, query=from_params([("concerns", filter_)])))
    assert [fault.pointer for fault in refused.value.faults] == [pointer]
    assert list_views(anna) == []
    add_view(anna, NewView(name="x" * LONGEST_NAME, query=from_params([("concerns", "user/u-42")])))


def test_one_name_once_and_so_many_views(anna: By, kari: By) -> None:
    """Of one owner: somebody else may have the same name, and room of their own."""
    first = add_view(anna, NewView(name="0", query=DENIED))
    with pytest.raises(NameTakenError):
        add_view(anna, NewView(name="0", query=ABOUT_BOB))
    change_view(anna, first.id, NewView(name="0", query=ABOUT_BOB))  # its own name is no other's
    for number in range(1, MOST):
        add_view(anna, NewView(name=f"{number}", query=DENIED))
    with pytest.raises(TooManyViewsError):
        add_view(anna, NewView(name="one more", query=DENIED))
    add_view(kari, NewView(name="0", query=DENIED))


def test_an_item_follows_its_name_and_goes_with_its_erasure(deployment: Deployment, anna: By) -> None:
    """A renamed item stays found; of an erased one no view is left, not even its row, and others stay."""
    log = deployment.log(ORG)
    ida = Item(type="user", id="u-5", name="Ida Moe")
    record(log, ida)
    bobs = add_view(anna, NewView(name="Bob", query=ABOUT_BOB))
    idas = add_view(anna, NewView(name="Ida", query=from_params([("concerns.not", "user/u-5")])))
    record(log, structs.replace(BOB, name="Robert Li"))
    assert find_view(anna, bobs.id).query == ABOUT_BOB
    assert "u-42" not in str(deployment.views.get(ORG, bobs.id))  # its number stands there
    log.erase(BOB, actor=ANNA, origin=WEB)
    assert deployment.views.get(ORG, bobs.id) is None
    with pytest.raises(NotFoundError):
        find_view(anna, bobs.id)
    assert [view.id for view in list_views(anna)] == [idas.id]
    assert ("concerns.not", "user/u-5") in to_params(find_view(anna, idas.id).query)


def test_one_view_to_begin_with(anna: By, kari: By) -> None:
    """Another takes its place; a ready one may be it too; each viewer has their own."""
    first = add_view(anna, NewView(name="First", query=DENIED, shared=True, default=True))
    assert (default_view(anna), default_view(kari)) == (first.id, None)
    choose_view(anna, "ready:denied", default=True, alert=False)
    assert default_view(anna) == "ready:denied"
    assert not find_view(anna, first.id).default
    choose_view(kari, "ready:denied", default=False, alert=False)
    assert view_choices(kari) == {}  # nothing chosen, nothing kept


def test_what_is_new_is_what_came_since_one_looked(deployment: Deployment, anna: By, kari: By) -> None:
    """Only for who is told; what is in the log when one begins is known; looking makes the rest known too."""
    view = add_view(anna, NewView(name="Denied", query=DENIED, shared=True, alert=True))
    assert count_new(anna, view.id, view.query, "en") == 0
    for _ in range(2):
        record(deployment.log(ORG))
    deployment.log(ORG).record("role.deleted", actor=ANNA, target=ROLE, origin=WEB)  # not of this view
    assert count_new(anna, view.id, view.query, "en") == 2
    assert count_new(kari, view.id, view.query, "en") == 0
    choose_view(anna, view.id, default=True, alert=True)  # goes on from where it was
    assert count_new(anna, view.id, view.query, "en") == 2
    mark_seen(anna, view.id)
    assert count_new(anna, view.id, view.query, "en") == 0
    record(deployment.log(ORG))
    assert count_new(anna, view.id, view.query, "en") == 1
    choose_view(anna, view.id, default=True, alert=False)
    assert count_new(anna, view.id, view.query, "en") == 0


def case_of(deployment: Deployment) -> By:
    """A case is opened by somebody who is nowhere else; whoever may read it."""
    log, ida = deployment.log(ORG), Actor(kind="person", type="user", id="u-99", name="Ida Lie")
    log.record("case.opened", actor=ida, target=Item(type="case", id="c-7"), origin=WEB)
    viewer = Viewer(
        org=ORG, item=Item(type="user", id="u-5"), activity_log="full", restricted=("whistleblowing",)
    )
    return By(deployment, viewer)


@pytest.mark.parametrize(
    ("pairs", "shown"),
    [
        ([("target", "case/c-7")], [("target", HIDDEN)]),
        ([("actor", "user/u-99"), ("actor", "user/u-17")], [("actor", HIDDEN), ("actor", "user/u-17")]),
        (
            [("actor", "user/u-99"), ("actor.not", "user/u-17")],
            [("actor", HIDDEN), ("actor.not", "user/u-17")],
        ),
        ([("by_or_about.not", "user/u-99")], [("by_or_about.not", HIDDEN)]),
        (
            [("concerns", "user/u-42"), ("target", "case/*")],
            [("concerns", "user/u-42"), ("target", "case/*")],
        ),
    ],
)
def test_a_shared_view_names_nothing_that_its_reader_may_not_see(
    deployment: Deployment, kari: By, pairs: Pairs, shown: Pairs
) -> None:
    """It finds what the whole filter finds for them; whoever may see the item has it by its id."""
    named = case_of(deployment)
    view = add_view(named, NewView(name="The case", query=from_params(pairs), shared=True, alert=True))
    assert sorted(to_params(find_view(kari, view.id).query)) == sorted(shown)
    assert sorted(to_params(find_view(named, view.id).query)) == sorted(pairs)
    log = deployment.log(ORG)

    def ids(query: Query) -> list[str]:
        page = log.search(query, viewer=kari.viewer)
        return [entry.id for entry in page.entries if entry.category != "activity_log"]

    assert ids(find_view(kari, view.id).query) == ids(from_params(pairs))
    choose_view(kari, view.id, default=True, alert=True)
    assert count_new(kari, view.id, find_view(kari, view.id).query, "en") >= 0


def test_a_view_is_renamed_by_an_owner_who_may_not_see_all_of_it_any_more(
    deployment: Deployment, kari: By
) -> None:
    """The filter stays whole for whoever may see it; but what is not seen cannot be put into another."""
    named = case_of(deployment)
    view = add_view(named, NewView(name="The case", query=from_params([("target", "case/c-7")]), shared=True))
    less = By(deployment, structs.replace(named.viewer, restricted=()))
    seen = find_view(less, view.id)
    assert change_view(less, view.id, NewView(name="A case", query=seen.query, shared=True)).name == "A case"
    assert to_params(find_view(named, view.id).query) == [("target", "case/c-7")]
    with pytest.raises(InvalidError) as refused:
        add_view(less, NewView(name="Copy", query=seen.query))
    assert [fault.pointer for fault in refused.value.faults] == ["/filter"]
