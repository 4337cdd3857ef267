"""Asking the catalogue: actions by name, links, labels, and the concerns that follow from a target."""

from datetime import UTC, datetime

import pytest
from msgspec import structs

from trailbook.catalogue import Catalogue, fill, load
from trailbook.errors import ActionUnknownError, CatalogueError
from trailbook.model import Actor, Concern, Item, NewEntry, Origin

CATALOGUE = load()
ANNA = Item(type="user", id="u-17", name="Anna Berg")
BOB = Item(type="user", id="u-42", name="Bob Li")


def linked(link: str | None) -> Catalogue:
    role = structs.replace(CATALOGUE.types["role"], link=link)
    return structs.replace(CATALOGUE, types={**CATALOGUE.types, "role": role})


def test_an_unknown_action_names_the_nearest() -> None:
    with pytest.raises(ActionUnknownError) as caught:
        CATALOGUE.action("role.asigned")
    assert caught.value.nearest == "role.assigned"
    assert CATALOGUE.action("role.assigned").category == "roles"


def test_an_action_like_no_other_names_none() -> None:
    with pytest.raises(ActionUnknownError) as caught:
        CATALOGUE.action("zzzzzzzz")
    assert caught.value.nearest is None


def test_the_actions_of_an_entity_come_from_every_category() -> None:
    actions = CATALOGUE.entity_actions("role.*")
    assert {a.category for a in actions} == {"roles", "permissions"}
    assert {a.name.partition(".")[0] for a in actions} == {"role"}
    assert [a.name for a in CATALOGUE.entity_actions("role.assigned")] == ["role.assigned"]


@pytest.mark.parametrize("pattern", ["roles.*", "role.*.x", "*", "role.gone"])
def test_an_unknown_entity_is_refused(pattern: str) -> None:
    with pytest.raises(ActionUnknownError):
        CATALOGUE.entity_actions(pattern)


def test_an_unknown_entity_names_the_nearest() -> None:
    with pytest.raises(ActionUnknownError) as caught:
        CATALOGUE.entity_actions("rolle.*")
    assert caught.value.nearest == "role.*"


@pytest.mark.parametrize(
    ("link", "item_id", "expected"),
    [
        ("https://hr.example/roles/{id}", "r-3", "https://hr.example/roles/r-3"),
        ("/roles/{id}?tab=1", "a/b c?&#å", "/roles/a%2Fb%20c%3F%26%23%C3%A5?tab=1"),
        ("{id}", "javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("/roles/{id}", "..", None),
        ("javascript:alert({id})", "1", None),
        ("//elsewhere.example/{id}", "1", None),
        ("https://{id}/", "elsewhere.example", None),
        (None, "r-3", None),
    ],
)
def test_links(link: str | None, item_id: str, expected: str | None) -> None:
    assert linked(link).link("role", item_id) == expected


def test_an_undeclared_type_has_no_link() -> None:
    assert CATALOGUE.link("spaceship", "1") is None


@pytest.mark.parametrize(
    ("kind", "name", "en", "nb"),
    [
        ("category", "absence", "Absence", "Fravær"),
        ("type", "role", "Role", "Rolle"),
        ("field", "job_title", "job title", "stillingstittel"),
        ("action", "role.assigned", "Role given", "Rolle gitt"),
        ("part", "owner", "Belongs to", "Tilhører"),
        ("outcome", "denied", "Refused", "Avvist"),
        ("interface", "job", "Scheduled job", "Planlagt jobb"),
        ("kind", "integration", "Integration", "Integrasjon"),
        ("purpose", "audit", "Audit", "Revisjon"),
        ("verb", "gave", "Given", "Gitt"),
        ("action", "shuttle.lift_booked", "Shuttle lift booked", "Shuttle lift booked"),
    ],
)
def test_labels(kind: str, name: str, en: str, nb: str) -> None:
    assert CATALOGUE.label(kind, name, "en") == en
    assert CATALOGUE.label(kind, name, "nb") == nb


def test_a_label_of_no_kind_or_language_is_refused() -> None:
    with pytest.raises(CatalogueError, match="labels: flavour"):
        CATALOGUE.label("flavour", "sweet", "en")
    with pytest.raises(CatalogueError, match=r"say/xx\.toml"):
        CATALOGUE.label("kind", "person", "xx")


def test_every_category_says_why_it_is_recorded() -> None:
    for lang in ("en", "nb"):
        assert all(CATALOGUE.why(category, lang).endswith(".") for category in CATALOGUE.categories)


def entry(action: str, target: Item, **members: object) -> NewEntry:
    actor = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
    new = NewEntry(
        action=action, occurred_at=datetime(2026, 1, 1, tzinfo=UTC), actor=actor, target=target,
        origin=Origin(interface="web"),
    )  # fmt: skip
    return structs.replace(new, **members)


def concern(item: Item, part: str) -> Concern:
    return Concern(type=item.type, id=item.id, name=item.name, part=part)


def test_a_person_as_target_is_filled_in_once() -> None:
    action = CATALOGUE.action("user.profile_updated")
    given = entry("user.profile_updated", BOB)
    assert fill(action, given) == (concern(BOB, "subject"),)
    again = structs.replace(given, concerns=(concern(BOB, "subject"),))
    assert fill(action, again) == (concern(BOB, "subject"),)


def test_whoever_was_acted_for_is_concerned() -> None:
    role = Item(type="role", id="r-3", name="Manager")
    given = entry("role.assigned", role, concerns=(concern(BOB, "member"),), on_behalf_of=BOB)
    action = CATALOGUE.action("role.assigned")
    assert fill(action, given) == (concern(BOB, "member"), concern(BOB, "represented"))
    alone = structs.replace(given, on_behalf_of=None)
    assert fill(action, alone) == (concern(BOB, "member"),)
