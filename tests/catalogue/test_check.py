"""`check` finds each kind of planted fault, and nothing in a catalogue without one."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs

from trailbook.catalogue import ActionWords, Catalogue, Rule, load
from trailbook.catalogue.check import catalogue_faults, participle
from trailbook.catalogue.words import Plural, VerbWords


def clean() -> Catalogue:
    """A copy whose dicts a test may change."""
    built_in = load()
    languages = {
        code: structs.replace(
            language,
            **{f: dict(v) for f, v in structs.asdict(language).items() if isinstance(v, dict)},
        )
        for code, language in built_in.languages.items()
    }
    return structs.replace(
        built_in,
        categories=dict(built_in.categories),
        types=dict(built_in.types),
        actions=dict(built_in.actions),
        languages=languages,
    )


def action(**changes: Any) -> Callable[[Catalogue], None]:
    def plant(catalogue: Catalogue) -> None:
        changed = structs.replace(catalogue.actions["role.assigned"], **changes)
        catalogue.actions[changed.name] = changed

    return plant


def item_type(of: str, **changes: Any) -> Callable[[Catalogue], None]:
    def plant(catalogue: Catalogue) -> None:
        changed = structs.replace(catalogue.types[of], **changes)
        catalogue.types[changed.name] = changed

    return plant


def words(name: str, **changes: Any) -> Callable[[Catalogue], None]:
    def plant(catalogue: Catalogue) -> None:
        kept = catalogue.languages["nb"].actions
        kept[name] = structs.replace(kept.get(name, ActionWords()), **changes)

    return plant


def without(section: str, name: str) -> Callable[[Catalogue], None]:
    return lambda catalogue: getattr(catalogue.languages["nb"], section).__delitem__(name)


def wording(section: str, name: str, value: Any) -> Callable[[Catalogue], None]:
    return lambda catalogue: getattr(catalogue.languages["nb"], section).__setitem__(name, value)


ROLE = "{actor} ga {member} rollen {target}"
PLANTED: dict[str, tuple[Callable[[Catalogue], None], str, str]] = {
    "name in capitals": (action(name="Role.assigned"), "actions.Role.assigned", "entity.past_participle"),
    "name too long": (action(name=f"{'r' * 60}.given"), f"actions.{'r' * 60}.given", "at most 64"),
    "name with three parts": (action(name="role.x.assigned"), "actions.role.x.assigned", "entity.past_participle"),
    "no participle": (action(name="role.assign"), "actions.role.assign", "past participle"),
    "a value in the name": (action(name="role.assigned_manager"), "actions.role.assigned_manager", "participle"),
    "unknown category": (action(category="rolls"), "actions.role.assigned", "category 'rolls'"),
    "unknown target": (action(target=("rolle",)), "actions.role.assigned", "type 'rolle'"),
    "no target": (action(target=()), "actions.role.assigned", "no type as its target"),
    "unknown part": (action(concerns=(Rule("member", 1, 1), Rule("boss", 0, 1))), "actions.role.assigned", "'boss'"),
    "unknown verb": (action(verb="handed"), "actions.role.assigned", "verb class 'handed'"),
    "type's category": (item_type("role", category="rolls"), "types.role", "category 'rolls'"),
    "type's name": (item_type("role", name="Role"), "types.Role", "lower snake case"),
    "reserved type": (item_type("role", name="any"), "types.any", "reserved"),
    "field's name": (item_type("role", fields=frozenset({"Name"})), "types.role", "field 'Name'"),
    "script link": (item_type("role", link="javascript:x({id})"), "types.role", "neither http(s) nor relative"),
    "other host": (item_type("role", link="//x.example/{id}"), "types.role", "neither http(s) nor relative"),
    "id as host": (item_type("role", link="https://{id}.example/"), "types.role", "after the host"),
    "unused type": (item_type("role", name="rolle"), "types.rolle", "no action has it as its target"),
    "broken pattern": (item_type("role", id="["), "types.role", "is no pattern"),
    "no template": (words("role.assigned", plain=()), "actions.role.assigned.plain", "has no template"),
    "no label of an action": (words("role.assigned", label=None), "actions.role.assigned", "has no label"),
    "no label of a type": (without("types", "role"), "types.role", "has no label"),
    "no label of a category": (without("categories", "roles"), "categories.roles", "has no label"),
    "no label of a part": (without("parts", "owner"), "parts.owner", "has no label"),
    "no label of a verb class": (without("verbs", "gave"), "verbs.gave", "has no label"),
    "no label of a purpose": (without("purposes", "audit"), "purposes.audit", "has no label"),
    "no phrase": (without("phrases", "failure"), "phrases.failure", "needs one phrase"),
    "phrase without its slot": (wording("phrases", "more", "flere"), "phrases.more", "needs one phrase"),
    "verb's slot": (wording("verbs", "gave", VerbWords("Gitt", "{actor} ga {member}")), "verbs.gave.plain", "no other"),
    "unknown verb's words": (wording("verbs", "handed", VerbWords("x", "{actor}")), "verbs.handed", "no verb class"),
    "unknown slot": (words("role.assigned", plain=(ROLE + " {boss}",)), "actions.role.assigned.plain", "{boss}"),
    "slot of no part": (words("role.assigned", denied=("{owner}",)), "actions.role.assigned.denied", "{owner}"),
    "no form without": (words("role.assigned", plain=(ROLE + " {scope}",)), "actions.role.assigned.plain", "missing"),
    "no form with": (words("role.assigned", denied=(ROLE,)), "actions.role.assigned.denied", "{scope} is missing"),
    "no form with it, alone": (
        words("role_request.approved", self_=("{actor}",)), "actions.role_request.approved.self", "{role} is missing",
    ),
    "one alone comes last": (
        words("shift.swapped", plain=("{actor} {owner:1}",)), "actions.shift.swapped.plain", "missing",
    ),
    "unreached form": (
        words("shift.swapped", plain=("{actor}, {owner}", "{actor} {owner:1}", "{actor} {owner}")),
        "actions.shift.swapped.plain", "'{actor} {owner:1}' is never reached",
    ),
    "possessive of several": (
        words("shift.swapped", plain=("{actor} {owner}'s",)), "actions.shift.swapped.plain", "no possessive",
    ),
    "slot for two": (words("role.assigned", plain=(ROLE + "{member:2}",)), "actions.role.assigned.plain", "do not"),
    "count outside": (words("role.assigned", plain=(ROLE + " {count}",)), "actions.role.assigned.plain", "counted"),
    "stray brace": (words("role.assigned", plain=(ROLE + " {",)), "actions.role.assigned.plain", "brace"),
    "plural": (
        words("role.assigned", counted=Plural(other=("{count}",))), "actions.role.assigned.counted.one", "plural",
    ),
    "unnamed target": (words("salary.updated", self_=("{actor} {target}",)), "actions.salary.updated.self", "no name"),
    "words of no action": (words("role.gone", label="x"), "actions.role.gone", "nothing declares"),
}  # fmt: skip


def test_the_built_in_catalogue_has_no_finding() -> None:
    assert catalogue_faults(load()) == []
    assert catalogue_faults(clean()) == []


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(name: str) -> None:
    plant, key, detail = PLANTED[name]
    catalogue = clean()
    plant(catalogue)
    findings = [
        f
        for f in catalogue_faults(catalogue)
        if f.severity == "fault" and f.key == key and detail in f.detail
    ]
    assert len(findings) == 1, catalogue_faults(catalogue)
    assert findings[0].file.endswith(".toml")


def test_a_missing_pattern_of_a_sensitive_type_is_a_warning() -> None:
    catalogue = clean()
    item_type("salary", id=None)(catalogue)
    item_type("role", id=None)(catalogue)
    assert [(f.file, f.key, f.severity) for f in catalogue_faults(catalogue)] == [
        ("salary.toml", "types.salary", "warning")
    ]


def test_a_field_without_a_label_is_a_warning() -> None:
    catalogue = clean()
    without("fields", "job_title")(catalogue)
    warnings = [(f.file, f.key, f.severity) for f in catalogue_faults(catalogue)]
    assert warnings == [("say/nb.toml", "fields.job_title", "warning")]


def test_an_action_seen_in_a_log_that_nothing_declares() -> None:
    findings = catalogue_faults(load(), actions_seen=["role.assigned", "role.vanished"])
    assert [f.key for f in findings] == ["actions.role.vanished"]
    assert catalogue_faults(load(), actions_seen=["role.assigned"]) == []


def test_a_language_nobody_wrote_is_one_fault_and_others_are_not_looked_at() -> None:
    assert [f.file for f in catalogue_faults(load(), ["en", "sv"])] == ["say/sv.toml"]
    catalogue = clean()
    without("types", "role")(catalogue)
    assert catalogue_faults(catalogue, ["en"]) == []


def test_an_unreviewed_language_may_stand_on_its_verb_classes() -> None:
    catalogue = clean()
    nb = catalogue.languages["nb"]
    bare = {name: ActionWords(label=w.label) for name, w in nb.actions.items()}
    catalogue.languages["nn"] = structs.replace(nb, code="nn", actions=bare)
    catalogue.languages["fi"] = structs.replace(nb, code="fi", actions=bare)
    assert catalogue_faults(catalogue, ["nn"]) == []
    assert len(catalogue_faults(catalogue, ["fi"])) == len(catalogue.actions)


def test_an_action_whose_target_may_be_anything_may_name_it() -> None:
    catalogue = clean()
    words("access.denied", plain=("{actor} {target}",))(catalogue)
    assert catalogue_faults(catalogue) == []


@pytest.mark.parametrize(
    "name", ["user.signed_in", "role.assigned", "car.handed_over", "day.run", "form.resent"]
)
def test_participles(name: str) -> None:
    assert participle(name)


@pytest.mark.parametrize("name", ["user.sign_in", "role.assign", "role.assigning", "position.update_title"])
def test_no_participles(name: str) -> None:
    assert not participle(name)
