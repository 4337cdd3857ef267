"""What every reading begins with: the permission, the log's head, the plan of a filter and the place of a cursor.

Owns the order of these: who reads is asked before anything is looked up, and a refusal is an entry. Refuses to show
anything: it says where to look, never what is there.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from msgspec import Struct, structs

from trailbook.access import Clearance, Viewer, clearance, require_full
from trailbook.catalogue import Category
from trailbook.clock import Clock
from trailbook.errors import CursorInvalidError, Fault, FilterInvalidError, NotPermittedError
from trailbook.finding import Projection, Turn, next_seqs
from trailbook.index import Place, Plan
from trailbook.log.reads import Watch
from trailbook.model import microseconds
from trailbook.query import (
    Cursor,
    Order,
    Query,
    Vocabulary,
    from_params,
    printed,
    read_cursor,
    to_params,
    write_cursor,
)
from trailbook.stores import Head

_ROWS = 500


class Question(Struct, frozen=True):
    """A question of somebody who was let in: the log's head then, where its cursor is, what binds its cursors, and
    what they may see."""

    head: Head
    at: Cursor | None
    binding: str
    clearance: Clearance


class Questions(Struct, frozen=True):
    """How the log of one organisation is asked; `declared` are its categories, `secret` signs cursors."""

    org: str
    projection: Projection
    declared: Mapping[str, Category]
    vocabulary: Vocabulary
    watch: Watch
    clock: Clock
    secret: bytes

    def let_in(self, viewer: Viewer, required: Callable[[Viewer, str], None]) -> Clearance:
        """Ask for a permission; what the viewer may see, which every reading needs.

        Who is of this organisation and refused is an entry. Raises: NotPermittedError.
        """
        try:
            return clearance(viewer, self.org, required=required, declared=self.declared)
        except NotPermittedError:
            if viewer.org == self.org:
                self.watch.refused(viewer)
            raise

    def ask(
        self, query: Query, viewer: Viewer, *, form: str, lang: str, cursor: str | None = None
    ) -> Question:
        """What every paged reading begins with: permission, the log's head, and the cursor read for this question.

        `form` says how it is answered: an order, or the name of a list. Raises: NotPermittedError, CursorInvalidError.
        """
        cleared = self.let_in(viewer, require_full)
        head = self.projection.catch_up()
        who = f"{viewer.item.type}/{viewer.item.id}"
        binding = "\n".join((self.org, who, form, lang, printed(_unbound(query))))
        at = None if cursor is None else read_cursor(cursor, binding, self.secret, self._now())
        return Question(head, at, binding, cleared)

    def in_order(self, plan: Plan, order: Order, limit: int = _ROWS) -> Iterator[list[int]]:
        """The seqs that match, some at a time, each turn from where the last one ended."""
        at: Place | None = None
        while True:
            now = limit if at else min(limit, _ROWS)  # the first ones come soon
            seqs, at = self.projection.ask(partial(next_seqs, plan=plan, order=order, limit=now, at=at))
            if at is None:
                return
            yield seqs

    def now_plan(self, query: Query, viewer: Viewer, lang: str) -> Plan:
        """The plan of a filter for a viewer as the log stands. Raises: NotPermittedError, FilterInvalidError."""
        cleared = self.let_in(viewer, require_full)
        size = self.projection.catch_up().size
        return self.plan(query, cleared, size=size, lang=lang)

    def plan(
        self, query: Query, cleared: Clearance, *, size: int, at: Cursor | None = None, lang: str = "en"
    ) -> Plan:
        """The plan of a filter, with what may be seen, in a log of so many entries, from a cursor or the beginning."""
        as_of = _as_of(query, at, size)
        checked = from_params(to_params(query), self.vocabulary)
        plan = self.projection.plan(checked, self.clock(), as_of, lang)
        hidden = self.projection.hidden(cleared.sees)
        if hidden.numbers:  # an entry of them lies in the log
            plan = structs.replace(plan, clauses=(*plan.clauses, hidden))
        # A preset moves with the day; the pages of one answer do not.
        return plan if at is None else structs.replace(plan, since=at.since, until=at.until)

    def link(self, turn: Turn | None, question: Question, plan: Plan, *, as_of: int | None) -> str | None:
        """The cursor of a turn of a question, if there is one."""
        if turn is None:
            return None
        return write_cursor(self._cursor(turn, plan, as_of), question.binding, self.secret)

    def _cursor(self, turn: Turn, plan: Plan, as_of: int | None) -> Cursor:
        place = turn.place
        return Cursor(
            at=place.at,
            seq=place.seq,
            later=turn.later,
            as_of=as_of,
            since=plan.since,
            until=plan.until,
            written=self._now(),
        )

    def _now(self) -> int:
        return microseconds(self.clock())


def _unbound(query: Query) -> Query:
    return structs.replace(query, as_of=None)


def _as_of(query: Query, at: Cursor | None, size: int) -> int:
    if at is not None and at.as_of is not None:
        if query.as_of not in (None, at.as_of):
            raise CursorInvalidError("the cursor is of another as_of; begin again without it")
        return at.as_of
    if query.as_of is not None and query.as_of > size:
        fault = Fault("/as_of", "parameter-invalid", f"is {query.as_of}, but the log has {size} entries")
        raise FilterInvalidError(f"as_of: {fault.detail}", (fault,))
    return size if query.as_of is None else query.as_of
