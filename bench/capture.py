"""`make bench-capture [ARGS="--rows N --write"]`: what capture adds to a host's writes, beside no audit and two others.

Owns the same host written through each way in turn, in a process of its own each, five times in one run: without
audit, captured by hooks, by triggers, SQLAlchemy-Continuum, and postgresql-audit's triggers. Times hold the commit,
but not the wait for the disk: that is the host's, whoever audits. Refuses to compare ways that left no trace of
their rows.
"""

import argparse
import gc
import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Engine, Integer, String, create_engine, event, insert, text, update
from sqlalchemy.orm import DeclarativeBase, Session, configure_mappers, mapped_column

from bench.measuring import number, p99
from trailbook.capture import Capture, acting_as
from trailbook.model import Actor
from trailbook.testing.postgres import postgres

WAYS = {
    "no audit": ("sqlite", "postgresql"),
    "hooks": ("sqlite", "postgresql"),
    "triggers": ("sqlite", "postgresql"),
    "Continuum": ("sqlite", "postgresql"),
    "postgresql-audit": ("postgresql",),
}
SHAPES = ("single insert", "single update", "flush of many", "bulk insert", "bulk update")
GOALS = {shape: 100.0 if shape.startswith("single") else 20.0 for shape in SHAPES}  # microseconds a row
_DOCS = Path(__file__).parent.parent / "docs" / "benchmarks.capture.md"
_ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
_TURNS, _ROUNDS, _WARM, _WARM_MANY = 5, 9, 30, 2
Times = dict[str, list[float]]


class Host(Struct, frozen=True):
    """A host with one table, audited in one way; `traces` says how to count what the audit kept."""

    engine: Engine
    model: Any
    traces: str | None


def host(way: str, url: str) -> Host:
    """The host of a way, in an empty database. Raises: KeyError for a way that is none."""
    engine = create_engine(url)
    event.listen(engine, "connect", _unhurried)
    made: Mapping[str, Callable[[Engine], Host]] = {
        "no audit": _plain,
        "hooks": lambda engine: _captured(engine, "hooks"),
        "triggers": lambda engine: _captured(engine, "triggers"),
        "Continuum": _continuum,
        "postgresql-audit": _postgresql_audit,
    }
    return made[way](engine)


def measured(subject: Host, rows: int, after: Callable[[str, int], None]) -> Times:
    """Microseconds a row of every shape, one figure a transaction; `after` each hears how many rows were written."""
    clock, times, at = time.perf_counter, Times(), 1
    shapes = _shapes(subject)
    for shape in SHAPES:
        size, rounds = (1, _WARM + 300) if shape.startswith("single") else (rows, _WARM_MANY + _ROUNDS)
        spent = []
        gc.collect()
        for turn in range(rounds):
            start = clock()
            shapes[shape](at, size, f"t{turn}")
            spent.append((clock() - start) * 1e6 / size)
            at += size
        times[shape] = spent[_WARM if size == 1 else _WARM_MANY :]
        after(shape, rounds * size)
    return times


def _shapes(subject: Host) -> dict[str, Callable[[int, int, str], None]]:
    model, engine = subject.model, subject.engine

    def add(at: int, size: int, word: str) -> None:
        with Session(engine) as session, session.begin():
            session.add_all([model(**row) for row in _rows(at, size, word)])

    def edit(at: int, size: int, word: str) -> None:
        with Session(engine) as session, session.begin():
            session.get_one(model, 1 + at % 50).phone = f"{word}-{at}"

    def put(at: int, size: int, word: str) -> None:
        with Session(engine) as session, session.begin():
            session.execute(insert(model), _rows(at, size, word))

    def set_all(at: int, size: int, word: str) -> None:
        with Session(engine) as session, session.begin():
            low = at - (_WARM_MANY + _ROUNDS) * size  # a batch that `bulk insert` left
            change = update(model).where(model.id >= low, model.id < low + size).values(phone=f"{word}-{at}")
            session.execute(change, execution_options={"synchronize_session": False})

    return {
        "single insert": add,
        "single update": edit,
        "flush of many": add,
        "bulk insert": put,
        "bulk update": set_all,
    }


def _rows(at: int, size: int, word: str) -> list[dict[str, Any]]:
    return [
        {"id": n, "name": f"Person {n}", "phone": f"{word}{n}", "title": "clerk"}
        for n in range(at, at + size)
    ]


def _plain(engine: Engine) -> Host:
    base, model = _model()
    base.metadata.create_all(engine)
    return Host(engine, model, None)


def _captured(engine: Engine, by: Any) -> Host:
    base, model = _model()
    base.metadata.create_all(engine)
    capture = Capture("acme")
    actions: Any = {"created": "user.created", "updated": "user.profile_updated", "deleted": None}
    capture.track(model, type="user", name="name", fields=["phone"], actions=actions, by=by)
    capture.install(engine)
    return Host(engine, model, "SELECT coalesce(sum(entries), 0) FROM trailbook_outbox")


def _continuum(engine: Engine) -> Host:
    continuum = importlib.import_module("sqlalchemy_continuum")
    continuum.make_versioned(user_cls=None)
    base, model = _model({"__versioned__": {}})
    configure_mappers()
    base.metadata.create_all(engine)
    return Host(engine, model, "SELECT count(*) FROM person_version")


def _postgresql_audit(engine: Engine) -> Host:
    audit = importlib.import_module("postgresql_audit")
    base, model = _model()
    keeper = audit.VersioningManager()
    keeper.init(base)
    keeper.values = {"actor_id": _ANNA.id}
    configure_mappers()
    base.metadata.create_all(engine)
    # As its own set-up does, but for a cast without which psycopg's parameter finds no function.
    with engine.begin() as connection:
        connection.execute(text("SELECT audit_table('person'::regclass)"))
    model.__versioned__ = {}
    return Host(engine, model, "SELECT count(*) FROM activity")


def _model(more: Mapping[str, Any] | None = None) -> tuple[Any, Any]:
    base: Any = type("Base", (DeclarativeBase,), {})
    columns = {name: mapped_column(String) for name in ("name", "phone", "title")}
    key = mapped_column(Integer, primary_key=True, autoincrement=False)
    return base, type("Person", (base,), {"__tablename__": "person", "id": key, **columns, **(more or {})})


def _unhurried(connection: Any, record: object) -> None:
    if hasattr(connection, "executescript"):  # sqlite3; the server is set up so as a whole
        connection.execute("PRAGMA synchronous = OFF")


# --- One way in a process of its own: what others hook into classes and sessions stays theirs. ---


class Turn(Struct, frozen=True):
    """What a process measured: the times, and for each shape the share of its rows that left a trace."""

    times: Times
    seen: dict[str, float]


def turn_of(way: str, url: str, rows: int) -> Turn:
    """Measure a way in this process."""
    subject = host(way, url)
    seen: dict[str, float] = {}
    with acting_as(_ANNA):
        times = measured(
            subject, rows, lambda shape, written: seen.update({shape: _traced(subject, written)})
        )
    subject.engine.dispose()
    return Turn(times, seen)


def _traced(subject: Host, written: int) -> float:
    if subject.traces is None:
        return 0.0
    with subject.engine.begin() as connection:
        kept = int(connection.execute(text(subject.traces)).scalar_one())
        connection.execute(text(f"DELETE FROM {subject.traces.rpartition(' ')[2]}"))
    return kept / written


def apart(way: str, url: str, rows: int) -> Turn:
    """Measure a way in a process of its own. Raises: RuntimeError with what it said when it failed."""
    command = [sys.executable, "-m", "bench.capture", "--way", way, "--url", url, "--rows", str(rows)]
    root = Path(__file__).parent.parent
    environ = {**os.environ, "PYTHONPATH": str(Path(sys.prefix) / "compared")}  # made by `make bench-capture`
    done = subprocess.run(command, capture_output=True, cwd=root, env=environ, check=False)
    if done.returncode:
        raise RuntimeError(f"{way}: {done.stderr.decode()[-2000:]}")
    return msgspec.json.decode(done.stdout, type=Turn)


def everything(rows: int) -> dict[str, dict[str, Turn]]:
    """Every way on both databases: what each told, by database and way."""
    results: dict[str, dict[str, list[Turn]]] = {"sqlite": defaultdict(list), "postgresql": defaultdict(list)}
    with tempfile.TemporaryDirectory(prefix="trailbook-bench-") as folder, postgres() as server:
        # The ways take turns, so that a busy minute of the machine is not the figure of one of them.
        turns = [(turn, way, kind) for turn in range(_TURNS) for way in WAYS for kind in WAYS[way]]
        for at, (turn, way, kind) in enumerate(turns):
            if kind == "postgresql":
                server.run(f"CREATE DATABASE host_{at}")
            url = (
                server.url("psycopg", f"host_{at}") if kind == "postgresql" else f"sqlite:///{folder}/{at}.db"
            )
            results[kind][way].append(apart(way, url, rows))
            print(f"turn {turn + 1} of {_TURNS}, {kind}: {way}", file=sys.stderr)
    return {kind: {way: _together(turns) for way, turns in ways.items()} for kind, ways in results.items()}


def _together(turns: Sequence[Turn]) -> Turn:
    return Turn(
        {shape: [time for turn in turns for time in turn.times[shape]] for shape in SHAPES},
        {shape: min(turn.seen[shape] for turn in turns) for shape in SHAPES},
    )


# --- The table. ---


def lines(results: Mapping[str, Mapping[str, Turn]], rows: int) -> Iterator[str]:
    """The page, in Markdown."""
    yield from (
        "# What capture adds to a host's writes",
        "",
        f"`make bench-capture` wrote this: {os.cpu_count()} cores, {rows:,} rows a transaction in bulk, microseconds a"
        " row with the commit (which does not",
        f"wait for the disk), the ways in turn {_TURNS} times; medians and the 99th hundredth of transactions. *Added*"
        " is the median less that",
        "without audit; *ratio* is what the other way adds over what hooks add, so that above 1 hooks are ahead. A way"
        " that left no trace of",
        "a shape's rows says *unseen*, and is compared no further.",
    )
    for kind, ways in results.items():
        yield from ("", f"## {kind}", "| write | way | median | p99 | added | goal | ratio to hooks |")
        yield "|---|---|--:|--:|--:|---|--:|"
        for shape in SHAPES:
            for way in ways:
                yield _line(ways, shape, way)
    yield (Path(__file__).parent / "missed.capture.md").read_text("utf-8").rstrip("\n")


def _line(ways: Mapping[str, Turn], shape: str, way: str) -> str:
    times = ways[way].times[shape]
    cells = [shape, way, number(median(times)), number(p99(times))]
    if way == "no audit":
        return f"| {' | '.join(cells)} | | | |"
    if ways[way].seen[shape] < 0.99:
        return f"| {' | '.join(cells)} | unseen | | |"
    added, ours = _added(ways, shape, way), _added(ways, shape, "hooks")
    goal = (
        f"<= {GOALS[shape]:.0f}: {'met' if added <= GOALS[shape] else 'missed'}"
        if way in ("hooks", "triggers")
        else ""
    )
    return f"| {' | '.join(cells)} | {number(added)} | {goal} | {number(added / ours) if ours > 0 else ''} |"


def _added(ways: Mapping[str, Turn], shape: str, way: str) -> float:
    return median(ways[way].times[shape]) - median(ways["no audit"].times[shape])


def main(given: Sequence[str]) -> int:
    """Measure every way and print the table; with `--way`, one in this process."""
    parser = argparse.ArgumentParser("bench.capture", description=__doc__)
    parser.add_argument("--rows", type=int, default=1000, help="rows a transaction in bulk")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.capture.md")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    asked = parser.parse_args(given)
    if asked.way:
        sys.stdout.buffer.write(msgspec.json.encode(turn_of(asked.way, asked.url, asked.rows)))
        return 0
    page = "\n".join(lines(everything(asked.rows), asked.rows)) + "\n"
    print(page, end="")
    if asked.write:
        _DOCS.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
