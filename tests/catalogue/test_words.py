"""The words of a language: how a file's words are laid over earlier ones, and how a template is cut into slots."""

from typing import Any

import pytest

from trailbook.catalogue import ActionWords, TypeWords, cut, plural, slots, templates
from trailbook.catalogue.words import (
    PLURALS,
    Plural,
    Slot,
    add_words,
    converted,
    new_language,
    parts_told,
    slot_of,
)
from trailbook.errors import CatalogueError


def words(**members: Any) -> ActionWords:
    return converted(members, ActionWords, "here")


def test_a_template_is_cut_at_its_slots() -> None:
    assert cut("{actor} gave {member} the role {target}") == (
        *("", "actor", " gave ", "member", " the role ", "target", ""),
    )
    assert slots("{actor} gave {member} the role {target}") == ("actor", "member", "target")
    assert cut("Nothing happened") == ("Nothing happened",)
    assert slots("Nothing happened") == ()


@pytest.mark.parametrize(("count", "category"), [(0, "other"), (1, "one"), (2, "other"), (21, "other")])
def test_a_number_takes_its_plural_form(count: int, category: str) -> None:
    forms = converted({"one": ["an entry"], "other": ["{count} entries"]}, Plural, "here")
    assert plural("en", count) == category
    assert forms.forms(category) == (("an entry",) if count == 1 else ("{count} entries",))


def test_a_form_that_no_language_has_is_not_there() -> None:
    assert Plural(singular=("x",)).forms("other") == Plural(singular=("x",)).forms("few") == ()
    both = Plural(singular=("x",), other=("y",))
    assert [both.forms(category) for category in PLURALS] == [("x",), ("y",)]


def test_templates_go_by_their_variants() -> None:
    full = words(
        label="Given",
        plain=["{actor} {scope}", "{actor} {member=target}", "{actor}", "p {target}"],
        self=["s"],
        counted={"one": ["1"], "other": ["2"]},
        failure=["x"],
        denied=["d"],
    )
    assert list(templates(full)) == [
        ("plain+actor+scope-target", "{actor} {scope}"),
        ("plain+actor+member=target", "{actor} {member=target}"),
        ("plain+actor-target", "{actor}"),
        ("plain", "p {target}"),
        ("self", "s"),
        ("failure", "x"),
        ("denied", "d"),
        ("counted.one", "1"),
        ("counted.other", "2"),
    ]
    assert list(templates(words(label="Given", plain=["p"]))) == [("plain", "p")]


def test_a_later_file_replaces_what_it_names_and_keeps_the_rest() -> None:
    language = new_language("en")
    before = {"plain": "{actor} did", "self": "{actor} did it alone", "counted": {"one": "1", "other": "2"}}
    add_words(language, {"actions": {"role.assigned": before}}, "a.toml")
    after = {"plain": "{actor} has done", "counted": {"one": "one", "other": "many"}}
    add_words(language, {"actions": {"role.assigned": after}}, "b.toml")
    assert language.actions["role.assigned"] == words(
        plain=["{actor} has done"],
        self=["{actor} did it alone"],
        counted={"one": ["one"], "other": ["many"]},
    )


def test_a_variant_may_have_one_form_or_several() -> None:
    language = new_language("en")
    several = ["{actor} did {scope}", "{actor} did"]
    add_words(language, {"actions": {"role.assigned": {"plain": several, "self": "{actor}"}}}, "a.toml")
    assert language.actions["role.assigned"] == words(plain=several, self=["{actor}"])


@pytest.mark.parametrize(
    ("text", "slot"),
    [
        ("member", Slot("member")),
        ("member:1", Slot("member", alone=True)),
        ("requester=member", Slot("requester", alone=True, also="member")),
    ],
)
def test_a_slot_says_what_fills_it(text: str, slot: Slot) -> None:
    assert slot_of(text) == slot
    assert parts_told(f"a {{{text}}}") == set(slot.parts)


def test_a_type_may_be_given_by_its_noun_alone() -> None:
    language = new_language("en")
    add_words(
        language, {"types": {"role": "role", "team": {"label": "Team", "the": "team", "a": "a team"}}}, "a"
    )
    assert language.types == {
        "role": TypeWords("Role", "role", "role"),
        "team": TypeWords("Team", "team", "a team"),
    }


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"colours": {"red": "Red"}}, r"a\.toml: colours: is not a section"),
        ({"fields": {"name": 7}}, r"a\.toml: fields\.name: "),
        ({"actions": {"role.assigned": {"plural": "x"}}}, r"a\.toml: actions\.role\.assigned: .*`plural`"),
        (
            {"actions": {"role.assigned": {"counted": {"few": "x"}}}},
            r"a\.toml: actions\.role\.assigned: .*`few`",
        ),
        ({"actions": {"role.assigned": {"counted": {"singular": "x"}}}}, r"`singular`"),
        ({"types": {"role": {"label": "Role"}}}, r"a\.toml: types\.role: .*`the`"),
    ],
)
def test_an_unknown_or_missing_key_is_refused_with_file_and_key(table: dict[str, Any], why: str) -> None:
    language = new_language("en")
    with pytest.raises(CatalogueError, match=why):
        add_words(language, table, "a.toml")
    right = {
        "fields": {"name": "name"},
        "actions": {"role.assigned": {"counted": {"one": "x", "other": "y"}}},
    }
    add_words(language, right, "a.toml")
    assert language.actions["role.assigned"] == ActionWords(counted=Plural(singular=("x",), other=("y",)))
