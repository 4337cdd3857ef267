"""The few words with which a filter is said to people, per language, and how they are joined.

Owns `say/<language>.toml`, which has the phrases of each filter and the names of the presets, and the joining of lists.
Refuses to name values (people, actions, categories, dates): those come from whoever asks, in the same language.
"""

import tomllib
from collections.abc import Callable
from pathlib import Path

from trailbook.query.fields import FIELDS
from trailbook.query.filter import Query, Term

Phrases = dict[str, str]

PHRASES: dict[str, Phrases] = {}
PRESET_NAMES: dict[str, Phrases] = {}
for _file in sorted((Path(__file__).parent / "say").glob("*.toml")):
    _table = tomllib.loads(_file.read_text("utf-8"))
    PHRASES[_file.stem], PRESET_NAMES[_file.stem] = _table["phrases"], _table["presets"]


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
    order, folded = list(FIELDS), Term("category", ("activity_log",), negated=True)
    terms = sorted(
        (term for term in query.terms if term != folded),
        key=lambda term: (order.index(term.field), term.negated),
    )
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
    if folded in query.terms:
        parts.append(wording["folded"])
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
