"""The oracle: whether what stands in the outbox is what became of the rows, and nothing else.

Owns the rule. A row that differs has exactly the entry that says so; a row that does not has none, but where a hooked
UPDATE matched it; what happened to a row one after the other is told in an order in which it can have happened.
"""

from collections.abc import Sequence

from msgspec import Struct, field
from tests.capture.fuzz.host import Entry, Host, Row, Rows
from tests.capture.fuzz.shapes import OPS, Ident, Shape

Name = tuple[str, Ident]
_NAMELESS = ("goal", "link")


class Allowance(Struct, kw_only=True):
    """What a write may do besides: rows that it matched without changing, rows whose entries the host gave, order."""

    matched: set[Name] = field(default_factory=set)
    meant: list[Name] = field(default_factory=list)
    instead: bool = False  # what is meant stands for the rows' own entries
    several: bool = False  # more than one statement: a row may have more than one entry
    flushed: bool = False  # by a session, whose UPDATE sets what has `onupdate` along, to whatever value
    replaced: bool = False  # a row may have ended, and another begun in its place


def faults(
    host: Host, before: Rows, after: Rows, entries: Sequence[Entry], allowance: Allowance
) -> list[str]:
    """What is wrong, in words; nothing if nothing is."""
    shapes = _shapes(host)
    by_row: dict[Name, list[Entry]] = {}
    wrong: list[str] = []
    for entry in entries:
        if entry.op not in (*OPS, "meant"):
            wrong.append(f"{entry.kind} {entry.ident}: {entry.op}")
        by_row.setdefault((entry.kind, entry.ident), []).append(entry)
    meant = [(entry.kind, entry.ident) for entry in entries if entry.op == "meant"]
    if sorted(meant) != sorted(allowance.meant):
        wrong.append(f"meant {sorted(meant)}, not {sorted(allowance.meant)}")
    if allowance.instead:
        return wrong + [f"phantom beside what was meant: {e}" for e in entries if e.op != "meant"]
    for name in sorted(before.keys() | after.keys() | by_row.keys()):
        own = [entry for entry in by_row.get(name, ()) if entry.op != "meant"]
        judge = _Judge(
            host=host, shape=shapes.get(name[0]), name=name, was=before.get(name), now=after.get(name)
        )
        wrong += [
            f"{name[0]} {'/'.join(name[1])}: {why}"
            for why in judge.faults(own, allowance, before=before, after=after)
        ]
    return wrong


def lost(host: Host, before: Rows, after: Rows, entries: Sequence[Entry]) -> list[str]:
    """What a transaction changed of which no entry is left, once the drain has folded them."""
    kept = {(entry.kind, ident) for entry in entries for ident in (entry.ident, entry.ident[:1])}
    shapes, wrong = _shapes(host), []
    for name in sorted(before.keys() | after.keys()):
        judge = _Judge(host=host, shape=shapes[name[0]], name=name, was=before.get(name), now=after.get(name))
        allowance = Allowance(several=True)
        silent = None in shapes[name[0]].actions_of(name[0]).values()
        if judge.differs() and not silent and not judge.is_the_databases(before, after, allowance):
            names = {name, (name[0], name[1][:1])}
            wrong += [] if names & kept else [f"{name} differs, and no entry is left of it"]
    return wrong


def _shapes(host: Host) -> dict[str, Shape]:
    return {kind: shape for shape in host.schema.shapes for kind in shape.kinds}


class _Judge(Struct, kw_only=True):
    """One row: as it was, as it is."""

    host: Host
    shape: Shape | None
    name: Name
    was: Row | None
    now: Row | None

    def faults(
        self, entries: Sequence[Entry], allowance: Allowance, *, before: Rows, after: Rows
    ) -> list[str]:
        ops = tuple(entry.op for entry in entries)
        if self.shape is None:
            return [f"phantom: {ops}"]
        if not ops and self.is_the_databases(before, after, allowance):
            return []
        expected = self._expected(allowance)
        if allowance.several:
            fine = ops in expected or (bool(ops) and self._can_have_happened(ops))
        else:
            fine = ops in expected
        if not fine:
            return [f"{self._verb()}, told of as {ops}, not {expected}{self._difference()}"]
        return [] if len(ops) != 1 or allowance.several else self._contents(entries[0])

    def _actions(self) -> dict[str, str | None]:
        assert self.shape is not None
        return self.shape.actions_of(self.name[0])

    def _expected(self, allowance: Allowance) -> list[tuple[str, ...]]:
        if self.was is None or self.now is None:
            whole = [("created",)] if self.was is None else [("deleted",)]
            if self.was is None and self.now is None:
                whole = [()]
        elif self.was.values != self.now.values:
            whole = [("updated",)]
        else:
            whole = [(), ("updated",)] if self._may_be_matched(allowance) else [()]
        if self.was is not None and self.now is not None and allowance.replaced:
            whole.append(("deleted", "created"))
        actions = self._actions()
        return [tuple(op for op in ops if actions[op] is not None) for ops in whole]

    def _may_be_matched(self, allowance: Allowance) -> bool:
        assert self.shape is not None
        along = allowance.flushed and any(c.onupdate is not None for c in self.shape.columns.values())
        return self._hooked() and (along or self.name in allowance.matched)

    def _can_have_happened(self, ops: Sequence[str]) -> bool:
        silent = any(action is None for action in self._actions().values())
        there = self.was is not None
        for op in ops:
            if there != (op != "created") and not silent:
                return False
            there = op != "deleted"
        return silent or there == (self.now is not None)

    def _hooked(self) -> bool:
        assert self.shape is not None
        return self.host.by_of(self.shape) == "hooks"

    def is_the_databases(self, before: Rows, after: Rows, allowance: Allowance) -> bool:
        """Whether the database itself did it, for a parent went or was renamed: published as not seen by hooks."""
        assert self.shape is not None
        if not self.shape.by_itself or not self._hooked():
            return False
        if allowance.replaced or allowance.several:  # the parent may be there again
            return True
        tops = [top for top in (self.shape.parent, *(self.shape.sides or ())) if top is not None]
        keys = {key for top in tops for key in _keys(top, before) ^ _keys(top, after)}
        return any(row is not None and row.above & keys for row in (self.was, self.now))

    def differs(self) -> bool:
        """Whether it is not as it was."""
        return (self.was and self.was.values) != (self.now and self.now.values)

    def _verb(self) -> str:
        if self.was is None or self.now is None:
            return "never there" if self.was is self.now else "created" if self.was is None else "deleted"
        return "updated" if self.was.values != self.now.values else "left alone"

    def _difference(self) -> str:
        if self.was is None or self.now is None:
            return ""
        names = [name for name, value in self.was.values.items() if self.now.values[name] != value]
        return f" (differs in {', '.join(names)})" if names else ""

    def _contents(self, entry: Entry) -> list[str]:
        """What an entry says of its row: its owner, its name, the fields that changed."""
        row = self.was if entry.op == "deleted" else self.now
        assert row is not None
        assert self.shape is not None
        wrong = []
        if entry.owner != row.owner:
            wrong.append(f"{entry.op} is said to concern {entry.owner}, not {row.owner}")
        if (
            self.name[0] not in _NAMELESS
            and entry.name != row.values["name"]
            and not (entry.name is None and self.shape.rest is not None)
        ):
            wrong.append(f"{entry.op} is said of {entry.name!r}, not {row.values['name']!r}")
        if entry.op == "updated" and self.was is not None and self.now is not None:
            was, now = self.was.values, self.now.values
            named = {self.shape.part(a): a for a in ("a", "b") if a in was}
            changed = {f for part, f in self.shape.fields.items() if was[named[part]] != now[named[part]]}
            if not changed <= entry.fields:
                wrong.append(f"fields {sorted(changed)} changed, {sorted(entry.fields)} are named")
        return wrong


def _keys(shape: Shape, rows: Rows) -> set[str]:
    """The keys of a table's rows."""
    return {str(row.values["id"]) for (kind, _), row in rows.items() if kind in shape.kinds}
