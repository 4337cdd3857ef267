"""What every reading begins with: the permission, the log's head, the filter bound to it and the place of a cursor.

Owns the order of these: who reads is asked before anything is looked up, and a refusal is an entry. Refuses to show
anything: it says where to look, never what is there.
"""

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct, structs

from trailbook.access import Clearance, Viewer, clearance, require_full
from trailbook.catalogue import Catalogue, Category
from trailbook.clock import Clock
from trailbook.errors import CursorInvalidError, Fault, FilterInvalidError, NotPermittedError
from trailbook.finding import Binder, BoundQuery, Finder, Turn, refuse_unknown, sight
from trailbook.index import Place
from trailbook.log.reads import Watch
from trailbook.model import microseconds
from trailbook.query import (
    Cursor,
    Order,
    Query,
    Vocabulary,
    WorkingHours,
    from_params,
    frozen,
    hours_text,
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
    """How the log of one organisation is asked; `declared` are its categories, `secret` signs cursors.

    `refuse_hours` refuses hours of one person, `working_hours` are what the organisation has set.
    """

    org: str
    finder: Finder
    binder: Binder
    declared: Mapping[str, Category]
    vocabulary: Vocabulary
    watch: Watch
    refuse_hours: Callable[[Query, Callable[[str], bool]], None]
    working_hours: Callable[[], WorkingHours]
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

        `form` says how it is answered: an order, or the name of a list. Raises: NotPermittedError, CursorInvalidError,
        FiguresOfAPersonError.
        """
        cleared = self.let_in(viewer, require_full)
        head = self.finder.catch_up()
        self.refuse_hours(query, cleared.sees)
        who = f"{viewer.item.type}/{viewer.item.id}"
        binding = "\n".join((self.org, who, form, lang, printed(_unbound(query))))
        at = None if cursor is None else read_cursor(cursor, binding, self.secret, self._now())
        return Question(head, at, binding, cleared)

    def in_order(self, query: BoundQuery, order: Order, limit: int = _ROWS) -> Iterator[list[int]]:
        """The seqs that match, some at a time, each turn from where the last one ended. Raises: FilterInvalidError."""
        refuse_unknown(order=order)
        return self._turns(query, order, limit)

    def _turns(self, query: BoundQuery, order: Order, limit: int) -> Iterator[list[int]]:
        at: Place | None = None
        while True:
            now = limit if at else min(limit, _ROWS)  # the first ones come soon
            turn = self.finder.seqs(query, order=order, limit=now, at=at)
            if turn.end is None:
                return
            at = turn.end
            yield turn.seqs

    def bind_now(self, query: Query, viewer: Viewer, lang: str) -> BoundQuery:
        """A filter bound for a viewer to the log as it stands. Raises: as `ask`; FilterInvalidError."""
        cleared = self.let_in(viewer, require_full)
        size = self.finder.catch_up().size
        self.refuse_hours(query, cleared.sees)
        return self.bind(query, cleared, size=size, lang=lang)

    def bind(
        self, query: Query, cleared: Clearance, *, size: int, at: Cursor | None = None, lang: str = "en"
    ) -> BoundQuery:
        """A filter bound to what may be seen of a log of so many entries, from a cursor or the beginning."""
        as_of = _as_of(query, at, size)
        checked = from_params(to_params(query), self.vocabulary)
        if checked.hours is not None:
            # A preset is what is set now; the pages of one answer keep to the rule that it began with.
            kept = None if at is None else at.hours
            checked = frozen(structs.replace(checked, hours=kept or checked.hours), self.working_hours())
        hidden = sight(self.finder, cleared.sees).hidden
        bound = self.binder.bind(checked, self.clock(), as_of=as_of, hidden=hidden, lang=lang)
        # A preset moves with the day; the pages of one answer do not.
        return bound if at is None else structs.replace(bound, since=at.since, until=at.until)

    def link(
        self, turn: Turn | None, question: Question, bound: BoundQuery, *, as_of: int | None
    ) -> str | None:
        """The cursor of a turn of a question, if there is one."""
        if turn is None:
            return None
        return write_cursor(self._cursor(turn, bound, as_of), question.binding, self.secret)

    def _cursor(self, turn: Turn, bound: BoundQuery, as_of: int | None) -> Cursor:
        place = turn.place
        return Cursor(
            at=place.at,
            seq=place.seq,
            later=turn.later,
            as_of=as_of,
            since=bound.since,
            until=bound.until,
            written=self._now(),
            hours=None if bound.hours is None else hours_text(bound.hours),
        )

    def _now(self) -> int:
        return microseconds(self.clock())


def vocabulary_of(catalogue: Catalogue) -> Vocabulary:
    """What a filter of a log may name."""
    return Vocabulary(categories=catalogue.categories, actions=catalogue.actions, types=catalogue.types)


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
