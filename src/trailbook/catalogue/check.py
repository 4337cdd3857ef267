"""Judges a catalogue: every fault of the built-in files and the host's, with file and key.

Owns what must hold between files: names, references, labels, templates and their slots. Refuses to change or
repair anything, and to stop at the first fault. How a file may be written at all is `reading.py`'s.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Literal

from msgspec import Struct

from trailbook.catalogue.declared import (
    ANY,
    PARTS,
    TYPED_PARTS,
    VERBS,
    Action,
    Catalogue,
    ItemType,
    link_fault,
)
from trailbook.catalogue.words import (
    PLURALS,
    VARIANTS,
    ActionWords,
    Language,
    parts_told,
    slot_of,
    slots,
    templates,
)
from trailbook.errors import CatalogueError
from trailbook.model import INTERFACES, KINDS, OUTCOMES, is_slug

ACTION = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
# A sentence may stand on its verb class where nobody has reviewed the language yet.
UNREVIEWED = ("nn", "sv", "da")
PHRASES: dict[str, tuple[str, ...]] = {
    "system": (),
    "person_for": ("actor", "represented"),
    "integration_for": ("sentence", "represented"),
    "system_for": ("sentence", "represented"),
    "failure": ("label", "target", "actor"),
    "denied": ("label", "target", "actor"),
    "and": (),
    "more": ("count",),
}

# Irregular participles that an action may end in; regular ones end in -ed. A particle may follow (`signed_in`).
_IRREGULAR = (
    *("sent", "given", "held", "lost", "paid", "run", "met", "left", "made", "found", "set", "put", "read"),
    *("written", "taken", "withdrawn", "drawn", "shown", "seen", "done", "begun", "broken", "chosen"),
    *(
        "hidden",
        "bought",
        "sold",
        "told",
        "spent",
        "kept",
        "built",
        "frozen",
        "split",
        "cut",
        "reset",
        "undone",
    ),
)
_PARTICLES = ("in", "out", "on", "off", "up", "down", "over", "back", "away")


class CatalogueFault(Struct, frozen=True, order=True):
    """One thing wrong: the file and key to mend, and why; a warning leaves the catalogue usable."""

    file: str
    key: str
    detail: str
    severity: Literal["fault", "warning"] = "fault"


def catalogue_faults(
    catalogue: Catalogue, languages: Sequence[str] = ("en", "nb"), actions_seen: Iterable[str] = ()
) -> list[CatalogueFault]:
    """Every fault and warning of a catalogue in the enabled languages, faults of the rules first.

    `actions_seen` are names found in a log; one that nothing declares is a fault.
    """
    faults = [
        *_names(catalogue),
        *(f for action in catalogue.actions.values() for f in _action(catalogue, action)),
        *(f for item_type in catalogue.types.values() for f in _type(catalogue, item_type)),
        *_seen(catalogue, actions_seen),
    ]
    for lang in languages:
        try:
            language = catalogue.language(lang)
        except CatalogueError as error:
            faults.append(CatalogueFault(f"say/{lang}.toml", "", error.detail))
            continue
        faults.extend(_language(catalogue, language))
    return faults


def participle(name: str) -> bool:
    """Whether an action's last word is a past participle, with or without its particle."""
    words = name.rpartition(".")[2].split("_")
    last = words[-2] if len(words) > 1 and words[-1] in _PARTICLES else words[-1]
    return last.endswith("ed") or last in _IRREGULAR or any(last.endswith("re" + word) for word in _IRREGULAR)


def _names(catalogue: Catalogue) -> Iterator[CatalogueFault]:
    for category in catalogue.categories:
        if not is_slug(category):
            yield CatalogueFault(f"{category}.toml", "category", "is not a name in lower snake case")
    for purpose in catalogue.purposes:
        if not is_slug(purpose):
            yield CatalogueFault("purposes.toml", f"purposes.{purpose}", "is not a name in lower snake case")


def _action(catalogue: Catalogue, action: Action) -> Iterator[CatalogueFault]:
    fault = partial(CatalogueFault, f"{action.category}.toml", f"actions.{action.name}")
    if not ACTION.fullmatch(action.name) or len(action.name) > 64:
        yield fault("is not entity.past_participle in lower snake case, of at most 64 characters")
    elif not participle(action.name):
        yield fault("does not end in a past participle")
    if action.category not in catalogue.categories:
        yield fault(f"the category {action.category!r} is not declared")
    if not action.target:
        yield fault("has no type as its target")
    for name in action.target:
        if name != ANY and name not in catalogue.types:
            yield fault(f"the type {name!r} is not declared")
    for rule in action.concerns:
        if rule.part not in PARTS:
            yield fault(f"there is no part {rule.part!r}")
    if action.verb not in VERBS:
        yield fault(f"there is no verb class {action.verb!r}")


def _type(catalogue: Catalogue, item_type: ItemType) -> Iterator[CatalogueFault]:
    fault = partial(CatalogueFault, f"{item_type.category}.toml", f"types.{item_type.name}")
    category = catalogue.categories.get(item_type.category)
    if not is_slug(item_type.name) or item_type.name in (ANY, "origin"):
        yield fault("is not a name in lower snake case, or is a reserved one")
    if category is None:
        yield fault(f"the category {item_type.category!r} is not declared")
    for field in sorted(item_type.fields):
        if not is_slug(field):
            yield fault(f"the field {field!r} is not a name in lower snake case")
    if item_type.link is not None and (why := link_fault(item_type.link)):
        yield fault(f"the link {item_type.link!r} {why}")
    if item_type.target and not any(item_type.name in a.target for a in catalogue.actions.values()):
        yield fault("no action has it as its target (say target = false if that is meant)")
    yield from _pattern(item_type, sensitive=category is not None and category.sensitive)


def _pattern(item_type: ItemType, *, sensitive: bool) -> Iterator[CatalogueFault]:
    fault = partial(CatalogueFault, f"{item_type.category}.toml", f"types.{item_type.name}")
    if item_type.id is None:
        if sensitive:
            yield fault("is of a sensitive category and has no pattern for its id", "warning")
        return
    try:
        re.compile(item_type.id)
    except re.error as error:
        yield fault(f"the id pattern {item_type.id!r} is no pattern: {error}")


def _seen(catalogue: Catalogue, seen: Iterable[str]) -> Iterator[CatalogueFault]:
    for name in sorted(set(seen) - catalogue.actions.keys()):
        yield CatalogueFault("", f"actions.{name}", "is in the log, and nothing declares it")


def _language(catalogue: Catalogue, language: Language) -> Iterator[CatalogueFault]:
    yield from _labels(catalogue, language)
    yield from _phrases(language)
    for action in catalogue.actions.values():
        yield from _sentences(catalogue, action, language)
    for name in sorted(language.actions.keys() - catalogue.actions.keys()):
        yield CatalogueFault(f"say/{language.code}.toml", f"actions.{name}", "nothing declares this action")


def _labels(catalogue: Catalogue, language: Language) -> Iterator[CatalogueFault]:
    needed: dict[str, Iterable[str]] = {
        "categories": catalogue.categories,
        "types": catalogue.types,
        "actions": catalogue.actions,
        "verbs": VERBS,
        "parts": PARTS,
        "outcomes": OUTCOMES,
        "interfaces": INTERFACES,
        "kinds": KINDS,
        "purposes": catalogue.purposes,
        "fields": {field: None for t in catalogue.types.values() for field in sorted(t.fields)},
    }
    for section, names in needed.items():
        # A field without a label still reads as its own words.
        severity: Literal["fault", "warning"] = "warning" if section == "fields" else "fault"
        words = getattr(language, section)
        for name in names:
            label = words.get(name)
            if not (label if isinstance(label, str | None) else label.label):
                yield CatalogueFault(
                    f"say/{language.code}.toml", f"{section}.{name}", "has no label", severity
                )


def _phrases(language: Language) -> Iterator[CatalogueFault]:
    file = f"say/{language.code}.toml"
    for name, wanted in PHRASES.items():
        phrase = language.phrases.get(name)
        if phrase is None or sorted(slots(phrase)) != sorted(wanted):
            yield CatalogueFault(file, f"phrases.{name}", f"needs one phrase with the slots {list(wanted)}")
    for name, words in language.verbs.items():
        if name not in VERBS:
            yield CatalogueFault(file, f"verbs.{name}", f"there is no verb class {name!r}")
        elif "{actor}" not in words.plain or set(slots(words.plain)) - {"actor", "target"}:
            yield CatalogueFault(
                file, f"verbs.{name}.plain", "needs {actor}, may have {target}, and no other slot"
            )


def _sentences(catalogue: Catalogue, action: Action, language: Language) -> Iterator[CatalogueFault]:
    file, key = f"say/{language.code}.toml", f"actions.{action.name}"
    words = language.actions.get(action.name, ActionWords())
    if not words.plain and language.code not in UNREVIEWED:
        yield CatalogueFault(file, f"{key}.plain", "has no template")
    for variant, template in templates(words):
        where = partial(CatalogueFault, file, f"{key}.{variant}")
        for slot in slots(template):
            if why := _slot_fault(catalogue, action, slot, variant=variant):
                yield where(f"the slot {{{slot}}} {why}")
        if _stray_brace(template):
            yield where("has a brace that is no slot")
        yield from (where(why) for why in _of_several(action, template))
    for variant in VARIANTS:
        yield from _forms(partial(CatalogueFault, file, f"{key}.{variant}"), action, words, variant)
    if words.counted is not None:
        for form in PLURALS:
            if not words.counted.forms(form):
                yield CatalogueFault(file, f"{key}.counted.{form}", "the plural form is missing")


def _forms(
    where: Callable[[str], CatalogueFault], action: Action, words: ActionWords, variant: str
) -> Iterator[CatalogueFault]:
    """What must hold between the forms of a variant: the last always fits, each is reached, none is missing."""
    forms = words.forms(variant)
    if not forms:
        return
    for slot in slots(forms[-1]):
        if _may_lack(action, slot):
            yield where(f"the form that always fits is missing: the last one has {{{slot}}}")
    needs = [_needs(action, form, forms[-1]) for form in forms]
    for at, form in enumerate(forms):
        if any(earlier <= needs[at] for earlier in needs[:at]):
            yield where(f"the form {form!r} is never reached: one before it fits whenever it does")
    # Doing something to oneself leaves oneself out, and a number stands for those whom it counts.
    wanted = TYPED_PARTS if variant == "self" else () if variant.startswith("counted") else action.parts
    plain, own = (
        frozenset[str]().union(*map(parts_told, words.plain)),
        frozenset[str]().union(*map(parts_told, forms)),
    )
    for part in wanted:
        if part in action.parts and part in plain - own:
            yield where(f"the form with {{{part}}} is missing, which plain has")


def _may_lack(action: Action, text: str) -> bool:
    slot = slot_of(text)
    rule = action.parts.get(slot.part)
    return rule is not None and (rule.least == 0 or (slot.alone and rule.most > 1) or slot.also is not None)


def _needs(action: Action, form: str, last: str) -> frozenset[str]:
    """What an entry must have for a form to fit it: parts it may lack, one item alone, whoever does it."""
    needs = {slot for slot in slots(form) if _may_lack(action, slot)}
    needs |= {part for part in parts_told(form) if (rule := action.parts.get(part)) and rule.least == 0}
    return frozenset(needs | {f"-{part}" for part in parts_told(last) - parts_told(form)})


def _of_several(action: Action, template: str) -> Iterator[str]:
    """A possessive after a slot that may be several names: "A, B and 2 more's"."""
    for text in re.findall(r"\{([^{}]*)\}'s", template):
        rule = action.parts.get(slot_of(text).part)
        if rule is not None and rule.most > 1 and not slot_of(text).alone:
            yield f"the slot {{{text}}} may be several, of which there is no possessive: say {{{text}:1}}"


def _slot_fault(catalogue: Catalogue, action: Action, slot: str, *, variant: str) -> str | None:
    if slot == "actor":
        return None
    if slot == "target":
        nameless = [t for t in action.target if t in catalogue.types and not catalogue.types[t].named]
        return f"is never named: the type {nameless[0]} takes no name" if nameless else None
    if slot == "count":
        return None if variant.startswith("counted") else "stands outside a counted template"
    wrong = [name for name in slot_of(slot).parts if name not in action.parts]
    if wrong or not re.fullmatch(r"\w+(:1|=\w+)?", slot):
        return "is a part that the action's concerns do not have"
    return None


def _stray_brace(template: str) -> bool:
    return any("{" in text or "}" in text for text in re.split(r"\{[^{}]*\}", template))
