"""Every sentence that a catalogue can say, with sample names, for a native reader to read aloud.

Owns the samples: who does it to whom, and how many there are, so that each form of each variant is heard once.
Refuses to say anything itself: `sentences.py` says it, and a sample whose form it would not choose shows up as another.
"""

import re
from collections.abc import Collection, Iterator

from msgspec import structs

from trailbook.catalogue.declared import TYPED_PARTS, Action, Catalogue
from trailbook.catalogue.sentences import Named, Spoken, say
from trailbook.catalogue.words import ActionWords, parts_told, slot_of, slots, templates
from trailbook.model import Kind

ACTOR = Named(type="user", id="Anna Berg", name="Anna Berg")
PEOPLE = ("Bob Li", "Per Dahl")
OTHERS = ("Kari Lie", "Siv Moe")
NAMES = {
    "role": ("Manager", "Auditor"),
    "integration": ("Visma", "Entra"),
    "sync_run": ("Visma 02:00", "Visma 03:00"),
    "team": ("Oslo", "Bergen"),
    "department": ("Sales", "Operations"),
    "location": ("Harbour", "North"),
    "permission": ("See pay", "Edit pay"),
    "competence": ("Truck T1", "Truck T2"),
    "course": ("First aid", "Fire safety"),
    "job": ("Electrician", "Fitter"),
    "document_type": ("Employment contract", "Certificate"),
    "work_schedule": ("37,5", "35,5"),
    "payroll_run": ("2026-11", "2026-12"),
    "source": ("HR", "Pay"),
}
ELSEWHERE = (
    *("requester", "supervisor", "substitute", "assignee", "reviewer", "signer"),
    *("merged", "recipient"),
)


def sample_sentences(catalogue: Catalogue, lang: str) -> Iterator[tuple[str, str, str]]:
    """Every action's every template (action, variant, sentence) with sample names, for review by a native reader."""
    for action in catalogue.actions.values():
        words = catalogue.language(lang).actions.get(action.name, ActionWords())
        for variant, template in templates(words):
            kind = re.split("[+-]", variant)[0]
            spoken = _sample(catalogue, action, kind)
            spoken = structs.replace(spoken, concerns=_concerns(catalogue, action, words, template))
            wanted = frozenset[str]().union(
                *map(parts_told, words.plain if kind == "self" else words.forms(kind))
            )
            if missing := wanted - parts_told(template) if kind == "self" or "-" in variant else ():
                spoken = _oneself(catalogue, spoken, missing, own=kind != "plain")
            yield action.name, variant, say(catalogue, spoken, lang)


def _sample(catalogue: Catalogue, action: Action, variant: str) -> Spoken:
    return Spoken(
        action=action.name,
        outcome="failure" if variant == "failure" else "denied" if variant == "denied" else "success",
        kind="person",
        actor=ACTOR,
        target=_item(catalogue, _target(catalogue, action), PEOPLE[0]),
        count={"counted.one": 1, "counted.other": 12}.get(variant),
    )


def _target(catalogue: Catalogue, action: Action) -> str:
    return action.target[0] if action.target[0] in catalogue.types else "role"


def _concerns(
    catalogue: Catalogue, action: Action, words: ActionWords, template: str
) -> tuple[tuple[str, Named], ...]:
    """What the action requires and the template tells of: two of a kind where another form is for one alone."""
    forms = {slot: slot_of(slot) for _, form in templates(words) for slot in slots(form)}
    alone = {slot.part for slot in forms.values() if slot.alone and slot.also is None}
    same = {slot.also: slot.part for slot in map(slot_of, slots(template)) if slot.also}
    target, concerns = _target(catalogue, action), list[tuple[str, Named]]()
    for part, rule in action.parts.items():
        if part in action.filled:
            concerns.append((part, _item(catalogue, target, PEOPLE[0])))
        elif rule.least or part in parts_told(template):
            many = part in alone and part in slots(template)
            named = same.get(part, part)
            concerns += [(part, _concerned(catalogue, named, target, second)) for second in range(1 + many)]
    return tuple(concerns)


def _concerned(catalogue: Catalogue, part: str, target: str, second: int) -> Named:
    kind = TYPED_PARTS.get(part, ("team" if part == "scope" else "user",))[0]
    other = second if part not in TYPED_PARTS else second or int(kind == target)
    others = OTHERS[::-1] if part.startswith("previous") else OTHERS if part in ELSEWHERE else PEOPLE
    return _item(catalogue, kind, others[second], other)


def _oneself(catalogue: Catalogue, spoken: Spoken, missing: Collection[str], *, own: bool) -> Spoken:
    """The same, done by whoever the template leaves out."""
    if "target" in missing:
        declared = catalogue.types.get(spoken.target.type)
        kind: Kind = "person" if declared is not None and declared.person else "integration"
        actor = ACTOR if spoken.target.type == ACTOR.type else spoken.target
        spoken = structs.replace(spoken, kind=kind, actor=actor, target=actor)
    concerns = ((part, spoken.actor if part in missing else item) for part, item in spoken.concerns)
    return structs.replace(spoken, self_=own, concerns=tuple(concerns))


def _item(catalogue: Catalogue, kind: str, person: str, second: int = 0) -> Named:
    declared = catalogue.types.get(kind)
    if declared is not None and declared.person and declared.named:
        return Named(type=kind, id=person, name=person)
    named = declared is None or declared.named
    name = NAMES.get(kind, ("Nordlys", "Midnatt"))[second]
    return Named(type=kind, id=name if named else "7", name=name if named else None)
