"""Random transactions on a captured host: writes one after the other, savepoints, a commit or none; each is judged.

Owns when pictures are taken and what a refusal or a fault of the database may leave behind: nothing. Refuses to know
which writes there are.
"""

import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, Literal

from msgspec import Struct, field
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SAWarning, SQLAlchemyError
from sqlalchemy.orm import Session
from tests.capture.fuzz.host import Host, Picture, Row
from tests.capture.fuzz.judge import Allowance, faults, lost
from tests.capture.fuzz.shapes import Ident, Numbers, Shape

from trailbook.errors import TrailbookError, UncapturedWriteError

Outcome = Literal["captured", "nothing", "refused", "failed", "doomed"]
Write = Callable[["Run"], Allowance | None]


class Inapplicable(Exception):  # noqa: N818  # no error: the schema has no place for such a write
    """This write makes no sense on this schema, or on the rows that are there."""


class Way(Struct, frozen=True):
    """A kind of write, and where it can be made."""

    name: str
    write: Write
    session: bool  # needs a session
    weight: int = 1
    refused: bool = False  # whether hooks may refuse it always


WAYS: dict[str, Way] = {}


def way(
    name: str, *, session: bool = False, weight: int = 1, refused: bool = False
) -> Callable[[Write], Write]:
    """Add a kind of write."""

    def added(write: Write) -> Write:
        WAYS[name] = Way(name, write, session, weight, refused)
        return write

    return added


class Violation(Struct, frozen=True):
    """Something that was missed, made up or doubled: by which kind of write, what, and the writes that led to it."""

    way: str
    what: tuple[str, ...]
    trail: tuple[str, ...]

    def shown(self) -> str:
        """What is wrong, the schema, and the writes that led to it."""
        return "\n".join((self.way, *self.what, *self.trail))


class Tally(Struct):
    """What became of the writes, by kind; and why some were refused, by how many."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)

    def count(self, outcome: str | None = None) -> int:
        """How many writes there were, of one outcome or of all."""
        return sum(count for (_, each), count in self.outcomes.items() if outcome in (None, each))

    def stinted(self, by: str) -> dict[str, str]:
        """The kinds of write that are refused more often than not, though they can be captured."""
        stinted = {}
        for each in WAYS.values():
            counts = {o: self.outcomes[each.name, o] for o in ("captured", "nothing", "refused", "doomed")}
            may_be_refused = each.refused and (
                by == "hooks" or each.name in ("Text: truncate", "Text: replace")
            )
            if not may_be_refused and counts["refused"] + counts["doomed"] > 0.4 * sum(counts.values()) + 2:
                stinted[each.name] = str(counts)
        return stinted


class Over(Exception):  # noqa: N818  # no error: the transaction is at its end
    """The transaction cannot go on."""


class Run:
    """One transaction on a host, as the writes see it."""

    def __init__(self, host: Host, rng: Any, tally: Tally) -> None:
        self.host = host
        self.rng = rng
        self.tally = tally
        self.trail: list[str] = []
        self.session: Session | None = None
        self._connection: Connection | None = None
        self.now = Picture({}, [])
        self.way = ""

    @property
    def numbers(self) -> Numbers:
        """Where new values come from."""
        return self.host.schema.numbers

    @property
    def connection(self) -> Connection:
        """The connection of the transaction."""
        return self.session.connection() if self.session is not None else self._connection  # type: ignore[return-value]

    def execute(self, statement: Any, parameters: Any = None, **more: Any) -> Any:
        """Execute through the session, or the connection where there is none or by chance."""
        self.say(statement, parameters)
        if self.session is not None and self.chance(0.5):
            return self.session.execute(statement, parameters, **more)
        return self.connection.execute(statement, parameters, **more)

    def say(self, statement: Any, parameters: Any = None) -> None:
        """Remember what is done, for whoever reads the fault."""
        try:
            text = statement if isinstance(statement, str) else f"{type(statement).__name__}: {statement}"
        except Exception as error:  # noqa: BLE001  # some statements cannot be shown without a dialect
            text = f"{type(statement).__name__} ({type(error).__name__})"
        self.trail.append(f"    {text}" + ("" if parameters is None else f" with {parameters}"))

    def shape(self, fits: Callable[[Shape], bool] = lambda shape: True) -> Shape:
        """A table that fits."""
        shapes = [shape for shape in self.host.schema.shapes if fits(shape)]
        if not shapes:
            raise Inapplicable
        return self.rng.choice(shapes)

    def rows(self, shape: Shape, kind: str | None = None) -> list[tuple[Ident, Row]]:
        """The rows that are there, of a table or of one of its classes."""
        kinds = (kind,) if kind else shape.kinds
        return sorted(
            ((ident, row) for (k, ident), row in self.now.rows.items() if k in kinds), key=lambda r: r[0]
        )

    def row(self, shape: Shape, kind: str | None = None) -> tuple[Ident, Row]:
        """A row that is there."""
        rows = self.rows(shape, kind)
        if not rows:
            raise Inapplicable
        return self.rng.choice(rows)

    def chance(self, probability: float) -> bool:
        """Whether something happens."""
        return bool(self.rng.randrange(100) < 100 * probability)

    def has_savepoints(self) -> bool:
        """Whether a savepoint would be one: to sqlite3 by itself it is the transaction, before the first write."""
        driver = self.connection.connection.driver_connection
        return bool(getattr(driver, "in_transaction", True))

    def demand_savepoints(self) -> None:
        """Refuse a write that needs savepoints where there are none."""
        if not self.has_savepoints():
            raise Inapplicable

    # --- the transaction ---

    def transact(self, engine: Engine, steps: int, ways: list[Way]) -> None:
        """One transaction of so many writes."""
        self.trail.append(
            f"-- transaction through {'the engine' if engine is self.host.engine else 'another engine'}"
        )
        with self.host.engine.connect() as reader:
            start = self.now = self.host.picture(reader)
        if self.chance(0.6):
            self.session = Session(engine, expire_on_commit=self.chance(0.5))
        else:
            self._connection = engine.connect()
            self._connection.begin()
        either: Any = self.session or self._connection
        with closing(either):
            end = self._finished(either, self._ended(steps, ways, start), start)
        self.session = self._connection = None
        with self.host.engine.connect() as reader:
            committed = self.host.picture(reader)
            last = max((position for position, _ in start.entries), default=0)
            entries = self.host.folded(reader, last)
        if gone := lost(self.host, start.rows, committed.rows, entries):
            self._violate("folding", gone)
        if committed != end[0]:
            expected, what = end[0], []
            what += [
                f"row {n} is not as it was left"
                for n in expected.rows.keys() | committed.rows.keys()
                if expected.rows.get(n) != committed.rows.get(n)
            ]
            what += [f"{len(committed.entries)} entries, {len(expected.entries)} were left"]
            self._violate("end", [f"after {end[1]}: " + "; ".join(what)])

    def _finished(self, either: Any, end: tuple[Picture, str], start: Picture) -> tuple[Picture, str]:
        """Commit or roll back; what has to be there afterwards, and how it ended."""
        self.trail.append(f"  {end[1]}")
        if end[1] == "rollback":
            with warnings.catch_warnings():  # of savepoints whose release was refused
                warnings.simplefilter("ignore", SAWarning)
                either.rollback()
            return end
        try:
            either.commit()
        except UncapturedWriteError as error:
            self._because(error)
            self.tally.outcomes["commit", "doomed"] += 1
            return start, "a commit that was refused"
        return end

    def _ended(self, steps: int, ways: list[Way], start: Picture) -> tuple[Picture, str]:
        """What has to be there when it is over, and how it ends."""
        try:
            self._block(steps, ways, depth=0)
        except Over:
            return start, "rollback"
        return (start, "rollback") if self.chance(0.12) else (self.now, "commit")

    def _block(self, steps: int, ways: list[Way], depth: int) -> None:
        while steps > 0:
            nests = depth < 2 and self.chance(0.15) and self.has_savepoints()
            inside = self.rng.randint(1, steps) if nests else 0
            if inside:
                self._nested(inside, ways, depth)
            else:
                self._step(ways)
            steps -= inside or 1

    def _nested(self, steps: int, ways: list[Way], depth: int) -> None:
        self.trail.append("  savepoint")
        start = self.now
        by_session = self.session is not None and self.chance(0.7)
        savepoint: Any = (
            self.session.begin_nested() if by_session and self.session else self.connection.begin_nested()
        )
        self._block(steps, ways, depth + 1)
        if self.chance(0.4):
            self.trail.append("  rollback to savepoint")
            savepoint.rollback()
            if self.session is not None:
                self.session.expire_all()
            self._look(start)
        else:
            self.trail.append("  release savepoint")
            self._release(savepoint)

    def _release(self, savepoint: Any) -> None:
        try:
            savepoint.commit()
        except UncapturedWriteError as error:  # something in it may not be committed
            self._because(error)
            self.tally.outcomes["commit", "doomed"] += 1
            raise Over from None

    def _look(self, start: Picture) -> None:
        self.now = self.host.picture(self.connection)
        if self.now != start:
            self._violate("savepoint", ["what was rolled back to is not what was there"])
            raise Over

    def _step(self, ways: list[Way]) -> None:
        fit = [
            each for each in ways if self.session is not None or not each.session for _ in range(each.weight)
        ]
        for _ in range(20):
            each = self.rng.choice(fit)
            self.trail.append(f"  {each.name}")
            try:
                return self._judged(each)
            except Inapplicable:
                self.trail.pop()
        raise Over

    def _judged(self, each: Way) -> None:
        before, self.way = self.now, each.name
        outcome, allowance, over = "captured", None, False
        try:
            allowance = each.write(self)
            if self.session is not None:
                self.session.expire_all()
        except UncapturedWriteError as error:
            outcome = "refused"
            self._because(error)
            over = each.session and self.session is not None
        except (SQLAlchemyError, SAWarning) as error:
            outcome, over = "failed", True
            self._because(error)
        except Inapplicable:
            raise
        except Exception as error:  # noqa: BLE001  # nothing else may come of a write
            outcome, over = "failed", True
            self._violate(
                each.name,
                [
                    f"raised {type(error).__name__}: {str(error)[:200]}",
                    *traceback.format_exc().splitlines()[-8:],
                ],
            )
        if over:
            self.tally.outcomes[each.name, outcome] += 1
            raise Over
        after = self.host.picture(self.connection)
        if outcome == "refused":
            self._refused(each, before, after)
        else:
            self._captured(each, before, after, allowance or Allowance())
        self.now = after

    def _because(self, error: Exception) -> None:
        why = str(error).splitlines()[0]
        self.trail.append(f"    {type(error).__name__}: {why[:300]}")
        self.tally.reasons[self.way, why.partition(": ")[2][:70] or why[:70]] += 1

    def _refused(self, each: Way, before: Picture, after: Picture) -> None:
        if before == after:
            self.tally.outcomes[each.name, "refused"] += 1
            return
        self.tally.outcomes[each.name, "doomed"] += 1
        self.tally.reasons[each.name, "doomed: " + self.trail[-2][:150]] += 1
        try:
            (self.session or self.connection).commit()
        except TrailbookError:
            raise Over from None
        self._violate(each.name, ["was refused after it ran, and yet committed"])
        raise Over

    def _captured(self, each: Way, before: Picture, after: Picture, allowance: Allowance) -> None:
        new = [entry for _, entry in after.entries[len(before.entries) :]]
        allowance.flushed = each.name.startswith("Unit")
        what = faults(self.host, before.rows, after.rows, new, allowance)
        changed = before.rows != after.rows
        self.tally.outcomes[each.name, "captured" if changed or new else "nothing"] += 1
        if what:
            self._violate(each.name, what)

    def _violate(self, name: str, what: list[str]) -> None:
        declared = [f"{shape.kind}: {_shown(shape)}" for shape in self.host.schema.shapes]
        self.tally.violations.append(Violation(name, tuple(what), (*declared, *self.trail)))


def _shown(shape: Shape) -> str:
    """A table in a line: how it is covered, and what of it is unusual."""
    columns = ", ".join(
        f"{name}={c.name}/{c.key}"
        + "".join(
            f" {x}={getattr(c, x)}"
            for x in ("default", "server_default", "onupdate")
            if getattr(c, x) is not None
        )
        for name, c in shape.columns.items()
    )
    silent = [op for op, action in shape.actions.items() if action is None]
    rest = "" if shape.rest is None else f" and {shape.rest.fullname}"
    how = "class on" if shape.model else "table"
    about = f"silent={silent} child={shape.child_actions} base={shape.base_is_tracked} id={shape.identity}"
    return f"{how} {shape.table.fullname}{rest} ({columns}) {about} by_itself={shape.by_itself}"


def program(host: Host, rng: Any, tally: Tally, ways: Sequence[Way]) -> None:
    """Some transactions on a host: the first fills its tables."""
    seeds = [
        each
        for each in WAYS.values()
        if each.name in ("Core: insert", "Core: insert, many parameters", "Unit: add")
    ]
    Run(host, rng, tally).transact(host.engine, 6, seeds)
    for _ in range(rng.choice([1, 2, 3, 4, 4, 5, 5])):
        engine = host.other if rng.randrange(100) < 6 else host.engine
        Run(host, rng, tally).transact(engine, rng.choice([1, 2, 3, 4, 5]), list(ways))
