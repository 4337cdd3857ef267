"""An entry in words: one whole sentence, from the catalogue's template for its action and language.

Owns which template an entry reads by, how an item is named in it, and the pieces a page turns into links.
Refuses to inflect a name, to show a raw action code or an open slot, and to know any action by name:
what has no template of its own, or cannot fill it, reads by its verb class.
"""

from collections.abc import Callable, Iterator

from msgspec import Struct, structs

from trailbook.catalogue.declared import ANY, Action, Catalogue
from trailbook.catalogue.words import ActionWords, Language, TypeWords, cut, plural, slots, templates
from trailbook.model import Kind, Outcome

MOST_NAMES = 3
SAMPLE_NAMES = {
    "role": "Manager",
    "integration": "Visma",
    "sync_run": "Visma 02:00",
    "team": "Oslo",
    "permission": "Reports",
    "competence": "Truck T1",
    "work_schedule": "37,5",
    "payroll_run": "2026-11",
    "source": "HR",
}


class Named(Struct, frozen=True, kw_only=True, gc=False):
    """An item as a reader may see it; an erased one has only its type and `token4`, its pseudonym."""

    type: str
    id: str = ""
    name: str | None = None
    erased: bool = False
    token4: str = ""


class Spoken(Struct, frozen=True, kw_only=True, gc=False):
    """What a sentence is made of; `count` is counted when read, or None where nobody counted."""

    action: str
    outcome: Outcome = "success"
    self_: bool = False
    kind: Kind
    actor: Named
    target: Named
    on_behalf_of: Named | None = None
    concerns: tuple[tuple[str, Named], ...] = ()
    count: int | None = None


class SentencePiece(Struct, frozen=True, gc=False):
    """A stretch of a sentence; `item` is (part, place in that part) where it names one, else None."""

    text: str
    item: tuple[str, int] | None = None


class _Voice(Struct, frozen=True):
    """Who speaks, of what, in which language; `noun` puts the type before the target's name."""

    catalogue: Catalogue
    language: Language
    spoken: Spoken
    noun: bool = False


def say(catalogue: Catalogue, spoken: Spoken, lang: str) -> str:
    """The sentence of an entry, as one string."""
    return "".join(piece.text for piece in sentence_pieces(catalogue, spoken, lang))


def sentence_pieces(catalogue: Catalogue, spoken: Spoken, lang: str) -> tuple[SentencePiece, ...]:
    """The sentence of an entry in pieces, each name apart, so that a page can make it a link.

    Raises: CatalogueError where the catalogue does not have the language.
    """
    voice = _Voice(catalogue, catalogue.language(lang), spoken)
    template, own = _template(voice)
    declared = catalogue.actions.get(spoken.action)
    # Only a template of the action's own brings the noun with it, and not where the target may be anything.
    noun = not own or (declared is not None and ANY in declared.target)
    voice = structs.replace(voice, noun=noun)
    return _capital(tuple(_filled(template, lambda slot, before: _slot(voice, slot, before))), spoken)


def says_count(catalogue: Catalogue, action: str) -> bool:
    """Whether in some language the sentence of an action says how many there were."""
    translations = (language.actions.get(action) for language in catalogue.languages.values())
    return any(words is not None and words.counted is not None for words in translations)


def _template(voice: _Voice) -> tuple[str, bool]:
    """The first template whose slots can all be filled, and whether it is the action's own."""
    for template in _own_templates(voice):
        if all(_fillable(voice.spoken, slot) for slot in slots(template)):
            return template, True
    language, outcome = voice.language, voice.spoken.outcome
    if outcome != "success":
        return language.phrases[outcome], False
    declared = voice.catalogue.actions.get(voice.spoken.action)
    return language.verbs[declared.verb if declared else "other"].plain, False


def _own_templates(voice: _Voice) -> Iterator[str]:
    spoken, words = voice.spoken, voice.language.actions.get(voice.spoken.action)
    if words is None:
        return
    candidates: tuple[str | None, ...]
    if spoken.outcome != "success":
        candidates = (words.failure if spoken.outcome == "failure" else words.denied,)
    else:
        counted = None
        if words.counted is not None and spoken.count is not None:
            counted = words.counted.form(plural(voice.language.code, spoken.count))
        own = words.self_ if spoken.self_ and _about_actor(spoken, words.plain, words.self_) else None
        candidates = (own, counted, words.full, words.plain)
    yield from (template for template in candidates if template)


def _about_actor(spoken: Spoken, plain: str | None, own: str | None) -> bool:
    """Whether all that the `self` template leaves out is the actor: giving Bob and oneself a role is not."""
    left_out = set(slots(plain or "")) - set(slots(own or ""))
    named = [item for part, item in spoken.concerns if part in left_out]
    if "target" in left_out:
        named.append(spoken.target)
    return all(_same(item, spoken.actor) for item in named)


def _same(item: Named, other: Named) -> bool:
    return (item.type, item.id, item.erased and item.token4) == (
        other.type,
        other.id,
        other.erased and other.token4,
    )


def _fillable(spoken: Spoken, slot: str) -> bool:
    if slot == "count":
        return spoken.count is not None
    return slot in ("actor", "target", "label") or any(part == slot for part, _ in spoken.concerns)


def _filled(template: str, fill: Callable[[str, str], Iterator[SentencePiece]]) -> Iterator[SentencePiece]:
    parts = cut(template)
    for at, text in enumerate(parts):
        if at % 2:
            yield from fill(text, parts[at - 1])
        elif text:
            yield SentencePiece(text)


def _slot(voice: _Voice, slot: str, before: str) -> Iterator[SentencePiece]:
    spoken = voice.spoken
    if slot == "actor":
        yield from _actor(voice)
    elif slot == "target":
        yield from _item(voice, spoken.target, ("target", 0), before)
    elif slot == "label":
        yield SentencePiece(voice.catalogue.label("action", spoken.action, voice.language.code))
    elif slot == "count":
        yield SentencePiece(str(spoken.count))
    else:
        yield from _several(voice, slot, before)


def _actor(voice: _Voice) -> Iterator[SentencePiece]:
    spoken, phrases = voice.spoken, voice.language.phrases
    behalf = spoken.on_behalf_of
    if behalf is None:
        yield from _who(voice)
        return

    def fill(slot: str, before: str) -> Iterator[SentencePiece]:
        return _who(voice) if slot == "actor" else _item(voice, behalf, ("represented", 0), before)

    yield from _filled(phrases[f"{spoken.kind}_for"], fill)


def _who(voice: _Voice) -> Iterator[SentencePiece]:
    spoken, phrases, key = voice.spoken, voice.language.phrases, ("actor", 0)
    actor = spoken.actor
    if spoken.kind == "integration":
        yield from _filled(phrases["integration"], lambda slot, before: iter((_bare(voice, actor, key),)))
    elif spoken.kind == "system" and (actor.erased or actor.name is None):
        yield SentencePiece(phrases["system"], key)
    else:
        yield from _item(voice, actor, key, "")


def _several(voice: _Voice, part: str, before: str) -> Iterator[SentencePiece]:
    items = [item for own_part, item in voice.spoken.concerns if own_part == part]
    rest = len(items) - MOST_NAMES
    shown = items[:MOST_NAMES]
    for at, item in enumerate(shown):
        if at:
            last = at == len(shown) - 1 and rest <= 0
            yield SentencePiece(voice.language.phrases["and"] if last else ", ")
        yield from _item(voice, item, (part, at), "" if at else before)
    if rest > 0:
        phrases = voice.language.phrases
        yield SentencePiece(phrases["and"] + phrases["more"].replace("{count}", str(rest)))


def _item(voice: _Voice, item: Named, key: tuple[str, int], before: str) -> Iterator[SentencePiece]:
    """An item in a sentence: its name, or what is said of one that has none, was erased or needs its noun."""
    words, declared = _type_words(voice, item.type), voice.catalogue.types.get(item.type)
    if declared is not None and not declared.named:
        yield SentencePiece(words.a, key)
        return
    plain = item.erased or (item.name is not None and not _needs_noun(voice, item, key))
    if not plain and not before.lower().endswith(words.the.lower() + " "):
        yield SentencePiece(words.the + " ")
    yield _bare(voice, item, key)


def _needs_noun(voice: _Voice, item: Named, key: tuple[str, int]) -> bool:
    declared = voice.catalogue.types.get(item.type)
    return voice.noun and key[0] == "target" and not (declared is not None and declared.person)


def _bare(voice: _Voice, item: Named, key: tuple[str, int]) -> SentencePiece:
    if item.erased:
        return SentencePiece(f"{_type_words(voice, item.type).label} {item.token4}".rstrip(), key)
    return SentencePiece(item.name if item.name is not None else item.id, key)


def _type_words(voice: _Voice, name: str) -> TypeWords:
    words = voice.language.types.get(name)
    if words is None:
        label = voice.catalogue.label("type", name, voice.language.code)
        return TypeWords(label, label.lower(), label.lower())
    return words


def _capital(pieces: tuple[SentencePiece, ...], spoken: Spoken) -> tuple[SentencePiece, ...]:
    """A sentence begins with a capital letter; a name stands as it is."""
    first = pieces[0]
    if (
        first.item == ("actor", 0)
        and not spoken.actor.erased
        and first.text in (spoken.actor.name, spoken.actor.id)
    ):
        return pieces
    return (structs.replace(first, text=first.text[:1].upper() + first.text[1:]), *pieces[1:])


def sample_sentences(catalogue: Catalogue, lang: str) -> Iterator[tuple[str, str, str]]:
    """Every action's every template (action, variant, sentence) with sample names, for review by a native reader."""
    for action in catalogue.actions.values():
        words = catalogue.language(lang).actions.get(action.name, ActionWords())
        for variant, template in templates(words):
            left_out = set(slots(words.plain or "")) - set(slots(template))
            spoken = _sample(catalogue, action, variant)
            if variant == "self":
                spoken = _sample_self(catalogue, spoken, own_target="target" in left_out)
            needed = {rule.part for rule in action.concerns if rule.least} | set(slots(template))
            concerns = tuple((part, item) for part, item in spoken.concerns if part in needed)
            yield action.name, variant, say(catalogue, structs.replace(spoken, concerns=concerns), lang)


def _sample(catalogue: Catalogue, action: Action, variant: str) -> Spoken:
    kind = action.target[0] if action.target[0] in catalogue.types else "role"
    target = _sample_item(catalogue, kind, "Bob Li")
    concerns = tuple(
        (part, target if part in action.filled else _concerned(catalogue, part)) for part in action.parts
    )
    return Spoken(
        action=action.name,
        outcome="failure" if variant == "failure" else "denied" if variant == "denied" else "success",
        kind="person",
        actor=_sample_item(catalogue, "user", "Anna Berg"),
        target=target,
        concerns=concerns,
        count={"counted.one": 1, "counted.other": 12}.get(variant),
    )


def _sample_self(catalogue: Catalogue, spoken: Spoken, *, own_target: bool) -> Spoken:
    if own_target and spoken.target.type != spoken.actor.type:
        declared = catalogue.types.get(spoken.target.type)
        kind: Kind = "person" if declared is not None and declared.person else "integration"
        return structs.replace(spoken, self_=True, kind=kind, actor=spoken.target)
    target = spoken.actor if spoken.target.type == spoken.actor.type else spoken.target
    concerns = tuple((part, spoken.actor) for part, _ in spoken.concerns)
    return structs.replace(spoken, self_=True, target=target, concerns=concerns)


def _concerned(catalogue: Catalogue, part: str) -> Named:
    others = ("requester", "supervisor", "substitute", "assignee", "previous_holder", "reviewer", "signer")
    name = "Kari Lie" if part in others else "Bob Li"
    return _sample_item(catalogue, "team" if part == "scope" else "user", name)


def _sample_item(catalogue: Catalogue, kind: str, person: str = "") -> Named:
    declared = catalogue.types.get(kind)
    if declared is not None and declared.person and declared.named:
        return Named(type=kind, id=person, name=person)
    named = declared is None or declared.named
    return Named(type=kind, id="7", name=SAMPLE_NAMES.get(kind, "Nordlys") if named else None)
