"""Random writes by Django: each row that differs has its entry, no other has, and what is refused changes nothing.

Owns how many writes there are, and that enough of each kind are captured.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from msgspec import Struct, field
from tests.amounts import amount
from tests.capture.django.chance import WAYS, Chance, Inapplicable, Way, new_chance
from tests.capture.django.company.models import Absence, Employee, Person, Role
from tests.capture.django.outbox import captured, changes, forget, rows

from trailbook.capture.django.statements import Statements
from trailbook.errors import UncapturedWriteError

_PROGRAMS = amount(test=8, torture=60, full=300)  # one has about 22 writes
_WRITES = amount(test=100, torture=1_000, full=5_000)


class Tally(Struct):
    """What became of the writes, by kind, and what slipped: the writes that led to it."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    slips: list[str] = field(default_factory=list)

    def count(self, outcome: str | None = None) -> int:
        """How many writes there were, of one outcome or of all."""
        return sum(count for (_, each), count in self.outcomes.items() if outcome in (None, each))

    def stinted(self) -> dict[str, int]:
        """The kinds of write that are refused though they can be captured, and how often."""
        return {n: c for (n, o), c in self.outcomes.items() if o == "refused" and not WAYS[n].refused}


class Undone(Exception):  # noqa: N818  # no error: the host changes its mind
    """What rolls a block back."""


class Program:
    """Some transactions of random writes, each write judged by the rows before and after it."""

    def __init__(self, rng: Any, tally: Tally) -> None:
        self._chance: Chance = new_chance(rng)
        self._rng = rng
        self._tally = tally
        self._ways = [each for each in WAYS.values() for _ in range(each.weight)]

    def fill(self) -> None:
        """Some people, roles and absences."""
        for n in range(3):
            person = Person.objects.create(name=self._chance.word())
            Role.objects.create(name=self._chance.word()).members.add(person)
            Absence.objects.create(person=person)
            Employee.objects.create(id=1_000 + n, name=self._chance.word())

    def run(self) -> None:
        """Write."""
        for _ in range(self._rng.choice([2, 4, 6, 8])):
            self._chance.trail.append("-- transaction")
            self._block(self._rng.choice([1, 3, 5, 7]), depth=0)

    def _block(self, steps: int, depth: int) -> None:
        """Writes in a transaction or a savepoint, kept or not; what is undone leaves no entry."""
        forget() if depth == 0 else None
        before, entries = rows(), Counter(captured())
        try:
            with transaction.atomic():
                self._writes(steps, depth)
                if self._rng.randrange(100) < 20:
                    raise Undone
        except (Undone, DatabaseError) as error:
            self._chance.trail.append(f"  rolled back: {type(error).__name__} {str(error)[:120]}")
            if (rows(), Counter(captured())) != (before, entries):
                self._slip("what was rolled back is still there")

    def _writes(self, steps: int, depth: int) -> None:
        for _ in range(steps):
            if depth < 2 and self._rng.randrange(100) < 12:
                self._block(2, depth + 1)
            else:
                self._write(self._rng.choice(self._ways))

    def _write(self, each: Way) -> None:
        before, entries, outcome = rows(), Counter(captured()), "captured"
        self._chance.trail.append(f"  {each.name}")
        try:
            each.write(self._chance)
        except Inapplicable:
            return
        except UncapturedWriteError as error:
            outcome = "refused"
            self._chance.trail.append(f"    {error}")
        except DatabaseError:
            self._tally.outcomes[each.name, "failed"] += 1
            raise
        after, new = rows(), Counter(captured()) - entries
        wanted = changes(before, after)
        self._tally.outcomes[each.name, outcome if wanted or outcome == "refused" else "nothing"] += 1
        entries_of_write = sorted((new - self._between(each, new, wanted)).elements())
        if entries_of_write != wanted:
            self._slip(f"{entries_of_write} for {wanted}")

    def _between(
        self, each: Way, new: Counter[tuple[str, str]], wanted: list[tuple[str, str]]
    ) -> Counter[tuple[str, str]]:
        """The entries of true facts which the rows before and after one write do not show."""
        # Whom a mentor that goes leaves alone is let go of before they go themselves.
        let_go = {("user.profile_updated", item) for action, item in wanted if action == "user.deleted"}
        between = Counter({entry: count for entry, count in new.items() if entry in let_go})
        if each.name == "Relations: many to many":  # where set(clear=True) takes away what it gives again
            more = new - Counter(wanted)
            for role in {item for _, item in more}:
                pair = ("role.assigned", role), ("role.unassigned", role)
                between.update({entry: min(more[other] for other in pair) for entry in pair})
        return between

    def _slip(self, what: str) -> None:
        self._tally.slips.append("\n".join((what, *self._chance.trail)))


def emptied() -> None:
    """No row left, and no entry."""
    with connection.cursor() as cursor:
        for model in (Role.members.through, Absence, Person, Role, Employee):
            model._base_manager.all().delete()
        cursor.execute("DELETE FROM trailbook_outbox")


@pytest.mark.parametrize("by", ["hooks", "triggers"])
def test_random_writes(
    host: None, by: str, engine: str, record_property: Callable[[str, object], None]
) -> None:
    """No miss, no phantom, no double; and what can be captured is."""
    tally = Tally()

    @settings(
        max_examples=_PROGRAMS,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(st.randoms(use_true_random=True))
    def programs(rng: random.Random) -> None:
        emptied()
        program = Program(rng, tally)
        program.fill()
        program.run()
        if tally.slips:
            raise AssertionError(tally.slips[0])

    programs()
    assert tally.count() >= _WRITES
    assert tally.stinted() == {}
    row = {"database and cover": f"{engine}, {by}, Django", "writes": str(tally.count())}
    outcomes = {o: str(tally.count(o)) for o in ("captured", "refused", "nothing")}
    record_property("figures: Random writes", row | outcomes)


@pytest.mark.parametrize("by", ["hooks"])
def test_control_without_the_wrapper(host: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: where the wrapper only hands statements on, writes slip."""

    def handed_on(self: Statements, execute: Any, *statement: Any) -> Any:
        return execute(*statement)

    tally = Tally()
    monkeypatch.setattr(Statements, "__call__", handed_on)
    program = Program(random.Random(1), tally)
    program.fill()
    program.run()
    assert tally.slips
