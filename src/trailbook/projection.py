"""The projection: bodies and directory turned into columns, and a query turned into the numbers of one log.

Owns the columns of one log in this process, caught up before every answer, so that an accepted entry is
found at once whoever recorded it. Refuses to show anything; `reading.py` does.
"""

import threading
from collections.abc import Iterable, Sequence
from datetime import datetime

from trailbook.canonical import Body, decode
from trailbook.catalogue import Catalogue
from trailbook.errors import DamagedError
from trailbook.index import Clause, Columns, Plan, Row, Word, newest_citing
from trailbook.model import microseconds
from trailbook.query import Query, Term, interval, words
from trailbook.stores import Head, Identity, Store

_CHUNK = 4096
_ITEM_FIELDS = ("actor", "concerns", "target", "source", "by_or_about")


class Projection:
    """The columns of one log; hold `lock` while reading them, for they grow in place."""

    def __init__(self, store: Store, org: str, catalogue: Catalogue) -> None:
        self._store = store
        self._org = org
        self._catalogue = catalogue
        self._items: dict[str, tuple[int, str]] = {}  # token -> item number and type
        self._names: dict[int, tuple[int, str | None]] = {}  # item -> log size then, name_now
        self._removed = 0
        self.lock = threading.RLock()
        self.columns = Columns()

    def catch_up(self) -> Head:
        """Read what was recorded since; the head up to which the columns reach at least."""
        head = self._store.head(self._org)
        with self.lock:
            if head.removed != self._removed:
                self.columns, self._removed = Columns(), head.removed
            if self.columns.size == 0 and head.size:
                self._add_items(self._store.every_identity(self._org))
            for start in range(self.columns.size, head.size, _CHUNK):
                stop = min(start + _CHUNK, head.size)
                rows = self._store.kept(self._org, start, stop)
                bodies = [(row.seq, decode(row.body)) for row in rows if row.body is not None]
                self._learn(token for _, body in bodies for token in body.tokens())
                self.columns.add([self._row(seq, body) for seq, body in bodies], stop)
        return head

    def plan(self, query: Query, now: datetime, as_of: int, lang: str) -> Plan:
        """A query in the numbers of this log; presets become instants."""
        since, until = interval(query, now)
        return Plan(
            since=since,
            until=until,
            clauses=tuple(self._clause(term) for term in query.terms),
            text=tuple(self._word(word, lang) for given in query.text for word in words(given)),
            own=query.self_,
            as_of=as_of,
        )

    def exists(self, item: int) -> bool:
        """False after an entry that deleted the item, with no later one that restored it."""
        life = self.columns.life.get(item)
        return life is None or life[2]

    def name_now(self, versions: Sequence[Identity]) -> str | None:
        """The name of the version cited by the entry that happened last, among an item's versions."""
        if len(versions) == 1:
            return versions[0].name
        item = versions[0].item
        remembered = self._names.get(item)
        if remembered is None or remembered[0] != self.columns.size:
            cited = self._cited(newest_citing(self.columns, item))
            name = next((v.name for v in reversed(versions) if v.token in cited), versions[-1].name)
            remembered = self._names[item] = (self.columns.size, name)
        return remembered[1]

    def _cited(self, seq: int | None) -> tuple[str, ...]:
        body = None if seq is None else self._store.kept_at(self._org, [seq])[0].body
        return () if body is None else decode(body).tokens()

    def _clause(self, term: Term) -> Clause:
        codes = self.columns.codes
        if term.field in _ITEM_FIELDS:
            named = [v.partition("/")[::2] for v in term.values]
            numbers = self._numbers([(type_, id_) for type_, id_ in named if id_ != "*"])
            types = codes["type"].known([type_ for type_, id_ in named if id_ == "*"])
            return Clause(term.field, numbers, term.negated, tuple(types))
        values: Sequence[str] = term.values
        if term.field == "action":
            values = [a.name for v in values for a in self._catalogue.entity_actions(v)]
        column = {"actor_kind": "kind", "origin": "interface"}.get(term.field, term.field)
        return Clause(column, tuple(codes[column].known(values)), term.negated)

    def _numbers(self, keys: Sequence[tuple[str, str]]) -> tuple[int, ...]:
        wanted = [(type_, id_, None) for type_, id_ in keys if type_ != "origin"]
        return tuple({i.item for i in self._store.identities(self._org, wanted)})

    def _word(self, word: str, lang: str) -> Word:
        items = sorted(self._store.items_by_word(self._org, word))
        actions = self.columns.codes["action"]
        hits = [a for a in actions.of if any(w.startswith(word) for w in self.label_words(a, lang))]
        return Word(tuple(items), tuple(actions.known(hits)))

    def label_words(self, action: str, lang: str) -> tuple[str, ...]:
        """The folded words of an action's label."""
        return words(self._catalogue.label("action", action, lang))

    def _learn(self, tokens: Iterable[str]) -> None:
        unknown = set(tokens) - self._items.keys()
        if unknown:
            self._add_items(self._store.identities_of(self._org, unknown))

    def _add_items(self, identities: Iterable[Identity]) -> None:
        self._items.update((i.token, (i.item, i.type)) for i in identities)

    def _row(self, seq: int, body: Body) -> Row:
        try:
            concerned = tuple(dict.fromkeys(self._items[c.item][0] for c in body.concerns))
            actor, source = self._items[body.actor.item][0], self._items[body.source][0]
            behalf = 0 if body.on_behalf_of is None else self._items[body.on_behalf_of][0]
            target, type_ = self._items[body.target]
        except KeyError as error:
            raise DamagedError(f"entry {seq} cites a token that the directory does not have") from error
        return Row(
            seq=seq,
            at=microseconds(datetime.fromisoformat(body.occurred_at)),
            actor=actor,
            target=target,
            source=source,
            behalf=behalf,
            concerned=concerned,
            kind=body.actor.kind,
            type=type_,
            category=body.category,
            action=body.action,
            outcome=body.outcome,
            interface=body.origin.interface,
            own=behalf == 0 and (actor == target or actor in concerned),
            correlation=sixty_bits(body.correlation),
            cause=sixty_bits(body.caused_by),
            alive=self._alive(body),
        )

    def _alive(self, body: Body) -> bool | None:
        action = self._catalogue.actions.get(body.action)
        verb = "" if action is None or body.outcome != "success" else action.verb
        return {"deleted": False, "restored": True}.get(verb)


def sixty_bits(id_: str | None) -> int:
    """The last 60 bits of a UUID or trace id, as a column keeps it; 0 for none."""
    return 0 if id_ is None else int(id_.replace("-", "")[-15:], 16)
