"""An entry in words: one whole sentence, from the catalogue's template for its action and language.

Owns which template an entry reads by, how an item is named in it, and the pieces a page turns into links.
Refuses to inflect a name, to show a raw action code or an open slot, and to know any action by name:
what has no template of its own, or cannot fill it, reads by its verb class.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from msgspec import Struct, structs

from trailbook.catalogue.declared import ANY, Catalogue
from trailbook.catalogue.words import (
    Language,
    TypeWords,
    cut,
    parts_told,
    plural,
    slot_of,
    slots,
    templates,
)
from trailbook.model import Kind, Outcome

MOST_NAMES = 3


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
    sentence = tuple(_filled(template, lambda slot, before: _slot(voice, slot, before)))
    return _capital(tuple(_for_whom(voice, sentence)), spoken)


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
    """The forms that tell of the entry without leaving anybody out, from what tells most."""
    spoken, words = voice.spoken, voice.language.actions.get(voice.spoken.action)
    if words is None:
        return
    if spoken.outcome != "success":
        yield from _telling(spoken, words.forms(spoken.outcome), (spoken.actor,) if spoken.self_ else ())
        return
    if spoken.self_:
        everything = frozenset[str]().union(*map(parts_told, words.plain))
        yield from (form for form in words.self_ if _tells(spoken, form, everything, (spoken.actor,)))
    doers = (spoken.actor,) if spoken.on_behalf_of is None else (spoken.actor, spoken.on_behalf_of)
    if spoken.count is not None:
        yield from _telling(
            spoken, words.forms(f"counted.{plural(voice.language.code, spoken.count)}"), doers
        )
    yield from _telling(spoken, words.plain, doers)


def _telling(spoken: Spoken, forms: tuple[str, ...], doers: tuple[Named, ...]) -> Iterator[str]:
    return (form for form in forms if _tells(spoken, form, parts_told(forms[-1]), doers))


def _tells(spoken: Spoken, form: str, wanted: frozenset[str], doers: tuple[Named, ...]) -> bool:
    """Whether a form tells of all these parts, but for whoever does it: they are named as that.

    Who changed their own salary need not be named twice; giving Bob and oneself a role is another matter.
    """
    missing = wanted - parts_told(form)
    left_out = [item for part, item in spoken.concerns if part in missing]
    if "target" in missing:
        left_out.append(spoken.target)
    return all(any(_same(item, doer) for doer in doers) for item in left_out)


def leave_out(catalogue: Catalogue, lang: str) -> frozenset[str]:
    """The actions whose sentence depends on who is the same as whom, even where `self` is not true."""
    return frozenset(
        name
        for name, words in catalogue.language(lang).actions.items()
        if any("-" in form or "=" in form for form, _ in templates(words) if not form.startswith("self"))
    )


def _same(item: Named, other: Named) -> bool:
    return (item.type, item.id, item.erased and item.token4) == (
        other.type,
        other.id,
        other.erased and other.token4,
    )


def _fillable(spoken: Spoken, text: str) -> bool:
    slot = slot_of(text)
    if slot.part == "count":
        return spoken.count is not None
    if slot.part in ("actor", "target", "label"):
        return True
    named = [item for part, item in spoken.concerns if part == slot.part]
    if slot.also is not None:
        others = [item for part, item in spoken.concerns if part == slot.also]
        return len(named) == len(others) == 1 and _same(named[0], others[0])
    return len(named) == 1 if slot.alone else bool(named)


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
        yield from _several(voice, slot_of(slot).part, before)


def _actor(voice: _Voice) -> Iterator[SentencePiece]:
    """Who did it; support is named with the person in whose session it was."""
    behalf = voice.spoken.on_behalf_of
    if behalf is None or voice.spoken.kind != "person":
        yield from _who(voice)
        return

    def fill(slot: str, before: str) -> Iterator[SentencePiece]:
        return _who(voice) if slot == "actor" else _item(voice, behalf, ("represented", 0), before)

    yield from _filled(voice.language.phrases["person_for"], fill)


def _who(voice: _Voice) -> Iterator[SentencePiece]:
    spoken, key = voice.spoken, ("actor", 0)
    if spoken.kind == "system" and (spoken.actor.erased or spoken.actor.name is None):
        yield SentencePiece(voice.language.phrases["system"], key)
    else:
        yield from _item(voice, spoken.actor, key, "")


def _for_whom(voice: _Voice, sentence: tuple[SentencePiece, ...]) -> Iterator[SentencePiece]:
    """The sentence of what an integration or a rule did for a person, with whom it did it for."""
    spoken = voice.spoken
    behalf = spoken.on_behalf_of
    if behalf is None or spoken.kind == "person":
        return iter(sentence)
    # Whoever is named in it is not named again: an integration that updates somebody's profile does it for them.
    if any(_same(item, behalf) for item in _named_in(spoken, sentence)):
        return iter(sentence)

    def fill(slot: str, before: str) -> Iterator[SentencePiece]:
        return iter(sentence) if slot == "sentence" else _item(voice, behalf, ("represented", 0), before)

    return _filled(voice.language.phrases[f"{spoken.kind}_for"], fill)


def _named_in(spoken: Spoken, sentence: tuple[SentencePiece, ...]) -> list[Named]:
    """Everybody and everything that a sentence names, but for who acts."""
    keys = {piece.item for piece in sentence}
    parts: Counter[str] = Counter()
    named = [spoken.target] if ("target", 0) in keys else []
    for part, item in spoken.concerns:
        if (part, parts[part]) in keys:
            named.append(item)
        parts[part] += 1
    return named


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
