"""The binder: a filter as people and programs write it becomes a bound query, by the directory and the catalogue.

Owns which items, actions and words a filter's values name in this log. Refuses to ask an engine for more than which
actions there are.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from trailbook.catalogue import Catalogue
from trailbook.finding.bound import BoundQuery, BoundTerm, BoundWord, Hidden
from trailbook.finding.finder import Finder
from trailbook.finding.memo import Erasures, Memo
from trailbook.finding.origins import Origins
from trailbook.query import FIELDS, Query, Term, hours_rule, interval, words
from trailbook.stores import Directory

_MOST_LABELS = 5_000


class ActionWords:
    """The folded words of the labels of actions, each worked out once."""

    def __init__(self, catalogue: Catalogue, erasures: Erasures) -> None:
        self._catalogue = catalogue
        self._labels: Memo[tuple[str, str], tuple[str, ...]] = Memo(_MOST_LABELS, erasures)

    def of(self, action: str, lang: str) -> tuple[str, ...]:
        """The folded words of an action's label."""
        folded = self._labels.peek((action, lang))
        if folded is None:
            folded = words(self._catalogue.label("action", action, lang))
            self._labels.put((action, lang), folded)
        return folded


class Binder(Struct, frozen=True, kw_only=True):
    """What binding needs: the directory of one log, its catalogue, and an engine that knows which actions it has."""

    store: Directory
    org: str
    catalogue: Catalogue
    finder: Finder
    action_words: ActionWords
    origins: Origins

    def bind(self, query: Query, now: datetime, *, as_of: int, hidden: Hidden, lang: str) -> BoundQuery:
        """A filter that was checked, bound to the first `as_of` entries; presets become instants."""
        since, until = interval(query, now)
        return BoundQuery(
            as_of=as_of,
            since=since,
            until=until,
            terms=tuple(self._term(term) for term in query.terms),
            text=tuple(self._word(word, lang) for phrase in query.text for word in words(phrase)),
            own=query.self_,
            hours=None if query.hours is None else hours_rule(query.hours),
            hidden=hidden,
        )

    def _term(self, term: Term) -> BoundTerm:
        field = FIELDS[term.field]
        if field.column == "origin":
            return BoundTerm(term.field, (), self.origins.within(term.values), term.negated)
        if field.items:
            named = [value.partition("/")[::2] for value in term.values]
            items = self._numbers([(type_, id_) for type_, id_ in named if id_ != "*"])
            types = tuple(type_ for type_, id_ in named if id_ == "*")
            return BoundTerm(term.field, (), items, term.negated, types)
        values: Sequence[str] = term.values
        if term.field == "action":
            values = [action.name for value in values for action in self.catalogue.entity_actions(value)]
        return BoundTerm(term.field, tuple(values), (), term.negated)

    def _numbers(self, keys: Sequence[tuple[str, str]]) -> tuple[int, ...]:
        wanted = [(type_, id_, None) for type_, id_ in keys if type_ != "origin"]
        return tuple({i.item for i in self.store.identities(self.org, wanted)})

    def _word(self, word: str, lang: str) -> BoundWord:
        items = sorted(self.store.items_by_word(self.org, word))
        actions = sorted(self.finder.present(BoundQuery(as_of=0), "action"))
        hits = [a for a in actions if any(w.startswith(word) for w in self.action_words.of(a, lang))]
        return BoundWord(tuple(items), tuple(hits))
