"""The few words with which a filter is said to people, per language, and how they are joined.

Owns the phrases of each filter, the names of the presets and the joining of lists. Refuses to name values
(people, actions, categories, dates): those come from whoever asks, in the same language.
"""

from collections.abc import Callable

from trailbook.query.fields import FIELDS
from trailbook.query.filter import Query, Term

Phrases = dict[str, str]

# One phrase a filter, `.not` for its negation; "{}" takes the joined names of the values.
PHRASES: dict[str, Phrases] = {
    "en": {
        "all": "all activity",
        "and": "and",
        "or": "or",
        "unnamed": "not named here",
        "category": "{}",
        "category.not": "without {}",
        "action": "{}",
        "action.not": "without {}",
        "actor": "by {}",
        "actor.not": "not by {}",
        "concerns": "about {}",
        "concerns.not": "not about {}",
        "target": "on {}",
        "target.not": "not on {}",
        "by_or_about": "by or about {}",
        "by_or_about.not": "neither by nor about {}",
        "actor_kind": "done by: {}",
        "actor_kind.not": "not done by: {}",
        "outcome": "outcome: {}",
        "outcome.not": "outcome not: {}",
        "origin": "through: {}",
        "origin.not": "not through: {}",
        "ip": "IP address: {}",
        "ip.not": "IP address not: {}",
        "source": "recorded by {}",
        "source.not": "not recorded by {}",
        "text": "with the words “{}”",
        "self.true": "on their own behalf",
        "self.false": "not on their own behalf",
        "from": "from {}",
        "to": "to {}",
    },
    "nb": {
        "all": "all aktivitet",
        "and": "og",
        "or": "eller",
        "unnamed": "ikke nevnt her",
        "category": "{}",
        "category.not": "uten {}",
        "action": "{}",
        "action.not": "uten {}",
        "actor": "av {}",
        "actor.not": "ikke av {}",
        "concerns": "om {}",
        "concerns.not": "ikke om {}",
        "target": "på {}",
        "target.not": "ikke på {}",
        "by_or_about": "av eller om {}",
        "by_or_about.not": "verken av eller om {}",
        "actor_kind": "utført av: {}",
        "actor_kind.not": "ikke utført av: {}",
        "outcome": "utfall: {}",
        "outcome.not": "ikke utfall: {}",
        "origin": "gjennom: {}",
        "origin.not": "ikke gjennom: {}",
        "ip": "IP-adresse: {}",
        "ip.not": "IP-adresse ikke: {}",
        "source": "registrert av {}",
        "source.not": "ikke registrert av {}",
        "text": "med ordene «{}»",
        "self.true": "på egne vegne",
        "self.false": "ikke på egne vegne",
        "from": "fra {}",
        "to": "til {}",
    },
}

PRESET_NAMES: dict[str, Phrases] = {
    "en": {
        "today": "today",
        "yesterday": "yesterday",
        "this-week": "this week",
        "last-week": "last week",
        "this-month": "this month",
        "last-month": "last month",
        "this-quarter": "this quarter",
        "last-quarter": "last quarter",
        "this-year": "this year",
        "last-year": "last year",
        "past-6-months": "past 6 months",
        "past-12-months": "past 12 months",
    },
    "nb": {
        "today": "i dag",
        "yesterday": "i går",
        "this-week": "denne uken",
        "last-week": "forrige uke",
        "this-month": "denne måneden",
        "last-month": "forrige måned",
        "this-quarter": "dette kvartalet",
        "last-quarter": "forrige kvartal",
        "this-year": "i år",
        "last-year": "i fjor",
        "past-6-months": "siste 6 måneder",
        "past-12-months": "siste 12 måneder",
    },
}


def phrases(lang: str) -> Phrases:
    """The phrases of a language.

    Raises: ValueError for a language that has none.
    """
    if lang not in PHRASES:
        raise ValueError(f"no phrases in the language {lang[:20]!r}; there are {', '.join(PHRASES)}")
    return PHRASES[lang]


def in_words(query: Query, label: Callable[[str, str], str], lang: str) -> str:
    """The filter as one sentence: "Roles and permissions, about Bob Li, last month".

    `label(field, value)` names a value of a field, or the text of `from` and `to`, in the same language; a value that
    `unnamed` took away is said not to be named.

    Raises: ValueError for a language without phrases.
    """
    wording = phrases(lang)
    order = list(FIELDS)
    terms = sorted(query.terms, key=lambda term: (order.index(term.field), term.negated))
    parts = [_term_in_words(term, label, wording) for term in terms]
    if query.text:
        parts.append(wording["text"].format(" ".join(query.text)))
    if query.self_ is not None:
        parts.append(wording["self.true" if query.self_ else "self.false"])
    if query.date is not None:
        parts.append(PRESET_NAMES[lang][query.date])
    ends = [(name, value) for name, value in (("from", query.from_), ("to", query.to)) if value is not None]
    if ends:
        parts.append(" ".join(wording[name].format(label(name, value)) for name, value in ends))
    if all(term.negated for term in terms) and len(parts) == len(terms):
        parts.insert(0, wording["all"])  # what is left out says nothing of what is there
    sentence = ", ".join(parts)
    return sentence[:1].upper() + sentence[1:]


def _term_in_words(term: Term, label: Callable[[str, str], str], wording: Phrases) -> str:
    names = [label(term.field, value) if value else wording["unnamed"] for value in term.values]
    if FIELDS[term.field].label:  # a word of the language, not the name of somebody
        names = [_lowered(name) for name in names]
    last = wording["and" if term.field == "category" else "or"]
    listed = f"{', '.join(names[:-1])} {last} {names[-1]}" if len(names) > 1 else names[0]
    return wording[term.field + ".not" * term.negated].format(listed)


def _lowered(label: str) -> str:
    """A label inside a sentence: first letter small, unless it opens an abbreviation, as in `API key`."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]
