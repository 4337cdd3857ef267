"""The drain: captured entries from a host's outbox into the log, each once, oldest first.

Owns the order (read, record, forget) and what becomes of an entry that the log refuses: it is set aside, and tried
again once there is news of the same item. A name is no reason to refuse: it is mended, and counted. Refuses to hold a
lock of the host's database while it waits for the log, and to forget a row before the log has it: a row is recorded
again by its id where nobody knows whether it was, which adds nothing.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from msgspec import Struct

from trailbook.capture import outbox
from trailbook.capture.actor import Acting
from trailbook.capture.database import HostDatabase, database_of
from trailbook.capture.entries import Captured, EntryItems, Moment, meant_text
from trailbook.capture.folding import OutboxEntry, folded
from trailbook.capture.outbox import Health, OutboxRow, Poison, Wait
from trailbook.catalogue import Catalogue
from trailbook.clock import Clock, utc_now
from trailbook.errors import (
    EntryInvalidError,
    Fault,
    InvalidError,
    NotFoundError,
    TrailbookError,
)
from trailbook.model import Actor, Item, NewEntry, entry_from, mend_names, microseconds

if TYPE_CHECKING:
    from sqlalchemy import Engine

SOURCE = Item(type="source", id="capture", name="Capture")
GAP = "activity_log.capture_gap_found"
_entry = msgspec.json.Decoder(NewEntry)
DRAIN = Actor(kind="system", type="system", id="capture-drain", name="Capture drain")


class ResultLike(Protocol):
    """What became of one entry."""

    @property
    def refused(self) -> TrailbookError | None:
        """Why it was refused, or None."""


class LogLike(Protocol):
    """What the drain asks of a log."""

    org: str
    catalogue: Catalogue

    def record_each(self, entries: Sequence[NewEntry], *, source: Item | None = None) -> Sequence[ResultLike]:
        """Record what may be recorded, durable when it returns; raises StoreError when nothing was acknowledged."""


Logs = Callable[[str], LogLike]
Held = Mapping[str | None, Exception]


class Drained(Struct, frozen=True, kw_only=True):
    """What one pass did: entries the log has now, entries that folded into others, entries it refused, names mended.

    Of drains that run at once each counts what it took out of the outbox itself.
    """

    recorded: int = 0
    folded: int = 0
    quarantined: int = 0
    mended: int = 0

    def __add__(self, other: "Drained") -> "Drained":
        return Drained(
            recorded=self.recorded + other.recorded,
            folded=self.folded + other.folded,
            quarantined=self.quarantined + other.quarantined,
            mended=self.mended + other.mended,
        )


class Ways(Struct, frozen=True, kw_only=True):
    """How to drain: rows in one pass, the source that entries are recorded under, and the time."""

    batch: int = 500
    source: Item = SOURCE
    clock: Clock = utc_now


WAYS = Ways()


def drain(host: "HostDatabase | Engine", log: LogLike | Logs, ways: Ways = WAYS) -> Drained:
    """Move what waits in a host's outbox into the log, until nothing waits that was there.

    What was refused of an item is tried again once something newer of it was recorded: the host may have mended it.
    An organisation whose log takes nothing at present holds up nobody else's entries: its own wait, and its error is
    raised at the end. Raises: StoreError when the log does not answer, SuspendedError; what the host's library raises
    when its database does not, which is sqlalchemy.exc.SQLAlchemyError of an Engine; what was not moved waits.
    """
    drained = _drain(database_of(host), _logs(log), ways)
    for error in drained.held.values():
        raise error
    return drained.done


class _Round(Struct):
    """What was moved until nothing more would go, and why the entries of these organisations wait."""

    done: Drained
    held: dict[str, Exception]


def _drain(database: HostDatabase, logs: Logs, ways: Ways) -> _Round:
    drained = _Round(Drained(), {})
    while True:
        # Read and let go of before the log is asked: a log that is slow must not hold up the host's own writes.
        with database.connect() as connection:
            rows = outbox.page(connection, ways.batch, without=drained.held)
        before = drained.done.quarantined
        for org in dict.fromkeys(row.org for row in rows):
            work = _Work(ways, logs)
            try:
                work.record_rows([row for row in rows if row.org == org])
            except Exception as error:  # noqa: BLE001  # whatever it is, it is this organisation's, and is told
                drained.held[org] = error
                continue
            # What is raised from here on is the host's database's, and ends the round.
            drained.done += _settled(database, work)
            drained.done += _retried_news(database, work, drained.held)
        if len(rows) < ways.batch and drained.done.quarantined == before:  # what was refused left word behind
            return drained


def outbox_health(host: "HostDatabase | Engine") -> Health:
    """How many entries wait, since when, and how many were refused. Raises: what the host's library raises."""
    with database_of(host).connect() as connection:
        return outbox.health(connection)


def outbox_waits(host: "HostDatabase | Engine") -> list[Wait]:
    """The organisations whose entries wait, by name. Raises: what the host's library raises."""
    with database_of(host).connect() as connection:
        return outbox.waits(connection)


def list_quarantined(host: "HostDatabase | Engine") -> list[Poison]:
    """What the log refused, oldest first. Raises: what the host's library raises."""
    with database_of(host).connect() as connection:
        return outbox.quarantined(connection)


def discard_quarantined(host: "HostDatabase | Engine", position: int, part: int) -> None:
    """Forget an entry that the log refused. Raises: NotFoundError."""
    with database_of(host).begin() as connection:
        if not outbox.release(connection, position, part):
            raise NotFoundError("there is no such entry in quarantine")


def retry_quarantined(host: "HostDatabase | Engine", log: LogLike | Logs, ways: Ways = WAYS) -> Drained:
    """Give the log everything in quarantine once more; what it still refuses stays. Raises: as `drain`."""
    database, work = database_of(host), _Work(ways, _logs(log))
    quarantined = list_quarantined(database)
    work.record_again(quarantined)
    return _released(database, quarantined, work)


def _released(database: HostDatabase, quarantined: Sequence[Poison], work: "_Work") -> Drained:
    """What the log took of the quarantine is taken out of it."""
    still, recorded, mended = {(p.position, p.part) for p in work.poison}, 0, 0
    with database.begin() as connection:
        for p in quarantined:
            if (p.position, p.part) not in still and outbox.release(connection, p.position, p.part):
                recorded += 1
                mended += work.mended[p.position, p.part]
        outbox.count_mended(connection, mended)
    return Drained(recorded=recorded, quarantined=len(still), mended=mended)


def _retried_news(database: HostDatabase, work: "_Work", held: dict[str, Exception]) -> Drained:
    """Try again what was refused of items of which something was recorded now; what stays refused is told already."""
    poison = list_quarantined(database) if work.items else []
    again = [p for p in poison if (p.org, _target(p.entry)) in work.items]
    if not again:
        return Drained()
    second = _Work(work.ways, work.logs)
    try:
        second.record_again(again)
    except Exception as error:  # noqa: BLE001  # as in the first round
        held[again[0].org] = error
        return Drained()
    retried = _released(database, again, second)
    return Drained(recorded=retried.recorded, mended=retried.mended)


def _target(text: str) -> str:
    """The item that a refused text is about, as `type/id`; nothing where it is no entry."""
    try:
        entry = entry_of(text)
    except EntryInvalidError:
        return ""
    return f"{entry.target.type}/{entry.target.id}"


def drain_forever(
    host: "HostDatabase | Engine",
    log: LogLike | Logs,
    stop: threading.Event,
    *,
    ways: Ways = WAYS,
    idle: float = 0.2,
    most: float = 30.0,
    failed: Callable[[Exception], None] = lambda error: None,
    held: Callable[[Held], None] = lambda held: None,
) -> Drained:
    """Drain until `stop` is set, looking every `idle` seconds; after a failure the wait doubles up to `most`.

    `failed` is told of each failure, whatever it is: nothing is lost, it waits in the outbox. After each look `held` is
    told whose entries wait at present and why (None: the host's database does not answer); of nobody where all moves.
    """
    database, logs, done, wait = database_of(host), _logs(log), Drained(), idle
    while not stop.is_set():
        waiting: dict[str | None, Exception] = {}
        try:
            drained = _drain(database, logs, ways)
            done += drained.done
            waiting.update(drained.held)
        except Exception as error:  # noqa: BLE001  # nothing ends the loop: it is told, and tried again
            waiting[None] = error
        held(waiting)
        for failure in waiting.values():
            failed(failure)
        wait = min(wait * 2, most) if waiting else idle
        stop.wait(wait)
    return done


class Draining:
    """A thread that drains beside the host: `with Draining(engine, log):`; `more` as `drain_forever`."""

    def __init__(self, host: "HostDatabase | Engine", log: LogLike | Logs, **more: Any) -> None:
        self._stop = threading.Event()
        run: dict[str, Any] = {"target": drain_forever, "args": (host, log, self._stop), "kwargs": more}
        self._thread = threading.Thread(name="trailbook-drain", daemon=True, **run)

    def __enter__(self) -> "Draining":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()


class _Work:
    """One pass: entries by organisation, each as the outbox has it beside it, and what the log refused.

    Of what it took, `mended` says how many names were, by place, and `items` whose news it was.
    """

    def __init__(self, ways: Ways, logs: Logs) -> None:
        self.ways = ways
        self.logs = logs
        self.rows: Sequence[OutboxRow] = ()
        self.taken: Counter[int] = Counter()  # entries by position
        self.folds: Counter[int] = Counter()
        self.poison: list[Poison] = []
        self.gaps: list[Captured] = []
        self.mended: Counter[tuple[int, int]] = Counter()
        self.items: set[tuple[str, str]] = set()
        self._entries: dict[str, list[tuple[OutboxEntry, NewEntry]]] = {}

    def record_rows(self, rows: Sequence[OutboxRow]) -> None:
        """Give the log the entries of rows of one organisation. Raises: whatever its log raises."""
        self.rows = rows
        for entry in folded(rows, _verbs(self.logs)):
            if entry.folds:
                self.folds[entry.position] += 1
            else:
                self._take(entry)
        self._record()
        self.gaps = _gaps(self.logs, self.poison, self.ways)

    def record_again(self, quarantined: Sequence[Poison]) -> None:
        """Give the log once more what it refused. Raises: whatever a log raises."""
        for p in quarantined:
            self._take(OutboxEntry(p.position, p.part, p.org, p.op, p.entry))
        self._record()

    def done(self, here: Set[int]) -> Drained:
        """What became of the entries at these positions, which no other drain has moved meanwhile."""
        refused = sum(p.position in here for p in self.poison)
        taken, folds = (sum(many[at] for at in here) for many in (self.taken, self.folds))
        mended = sum(count for (at, _), count in self.mended.items() if at in here)
        return Drained(recorded=taken - refused, folded=folds, quarantined=refused, mended=mended)

    def _take(self, waiting: OutboxEntry) -> None:
        """Take an entry in; what is no entry is poison at once."""
        self.taken[waiting.position] += 1
        try:
            entry = entry_of(waiting.text)
        except EntryInvalidError as error:
            self.poison.append(self._refused(waiting, error))
        else:
            self._entries.setdefault(waiting.org, []).append((waiting, entry))

    def _record(self) -> None:
        for org, entries in self._entries.items():
            try:
                log = self.logs(org)
            except NotFoundError as error:
                self.poison += [self._refused(waiting, error) for waiting, _ in entries]
                continue
            nameless = {kind.name for kind in log.catalogue.types.values() if not kind.named}
            mended = [mend_names(entry, nameless) for _, entry in entries]
            results = log.record_each([each.entry for each in mended], source=self.ways.source)
            for (waiting, entry), each, result in zip(entries, mended, results, strict=True):
                if result.refused is not None:
                    self.poison.append(self._refused(waiting, result.refused))
                    continue
                self.items.add((org, f"{entry.target.type}/{entry.target.id}"))
                if each.mends:
                    self.mended[waiting.position, waiting.part] = len(each.mends)

    def _refused(self, waiting: OutboxEntry, error: TrailbookError) -> Poison:
        faults = error.faults if isinstance(error, InvalidError) else ()
        return Poison(
            position=waiting.position,
            part=waiting.part,
            org=waiting.org,
            op=waiting.op,
            code=faults[0].code if faults else error.code,
            pointer=faults[0].pointer if faults else "",
            since=microseconds(self.ways.clock()),
            entry=waiting.text,
        )


def entry_of(text: str) -> NewEntry:
    """A captured entry. Raises: EntryInvalidError for what is none, or has no id of its own."""
    try:
        entry = _entry.decode(text)
    except msgspec.ValidationError:
        entry = entry_from(msgspec.json.decode(text))  # says where
    except msgspec.DecodeError as error:
        raise EntryInvalidError((Fault("", "entry-invalid", f"is not JSON: {error}"),)) from None
    if entry.id is None:
        raise EntryInvalidError(
            (Fault("/id", "entry-invalid", "is missing: without it nothing is recorded once"),)
        )
    return entry


def _settled(database: HostDatabase, work: _Work) -> Drained:
    """Forget in the host's database what the log has, and set aside there what it refused.

    The log came first. A crash in between leaves rows that the log has, and sending them again adds nothing; the other
    order would lose them.
    """
    with database.begin() as connection:
        # Only who puts it there says so: another drain may be at the same rows.
        if outbox.quarantine(connection, work.poison):
            outbox.write(connection, work.gaps, at=microseconds(work.ways.clock()))
        done = work.done(outbox.delete(connection, [row.position for row in work.rows]))
        outbox.count_mended(connection, done.mended)
    return done


def _gaps(logs: Logs, poison: Sequence[Poison], ways: Ways) -> list[Captured]:
    """An entry for each organisation that something of was refused: nothing is ever only a warning."""
    moment = Moment(acting=Acting(actor=DRAIN), at=ways.clock())
    # A gap about a gap would never end, and who has no log cannot be told.
    orgs = dict.fromkeys(p.org for p in poison if GAP not in p.entry and _has_log(logs, p.org))
    gap = EntryItems(ways.source)
    return [Captured(org, outbox.MEANT, [meant_text(moment, GAP, gap)], GAP) for org in orgs]


def _has_log(logs: Logs, org: str) -> bool:
    try:
        logs(org)
    except NotFoundError:
        return False
    return True


def _logs(log: LogLike | Logs) -> Logs:
    if callable(log):
        return log
    only = log

    def log_of(org: str) -> LogLike:
        if org != only.org:
            raise NotFoundError(f"the outbox has entries of {org}, which is another organisation")
        return only

    return log_of


def _verbs(logs: Logs) -> Callable[[str, str], str]:
    """The verb class of an action in an organisation's catalogue; empty where there is none."""

    def verb_of(org: str, name: str) -> str:
        try:
            action = logs(org).catalogue.actions.get(name)
        except NotFoundError:
            return ""
        return "" if action is None else action.verb

    return verb_of
