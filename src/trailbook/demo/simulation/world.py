"""The company as the simulation sees it: who works there, what is planned, and who acts from where.

Owns the agenda (what happens when) and the random choices. Refuses to write or tell anything itself: that is done
by the HR system's own functions, which the days below call.
"""

import heapq
import itertools
import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from trailbook.demo import names
from trailbook.demo.acting import HR, JOB, Act, integration_actor, person_actor, system_actor
from trailbook.demo.hr.competences import HeldCompetence
from trailbook.demo.hr.modules import Thing
from trailbook.demo.simulation.calendar import SPELL, Span, local, next_worked, spells
from trailbook.demo.tables import (
    AbsenceBalance,
    BankAccount,
    CompetenceType,
    EmergencyContact,
    Integration,
    Permission,
    Person,
    Role,
    RoleAssignment,
    RolePermission,
    Salary,
)
from trailbook.model import Origin

Do = Callable[["World", datetime], object]


class Places(Struct, frozen=True):
    """Where somebody acts from: their desk, or their telephone."""

    desk: Origin
    phone: Origin


class Leaving(Struct, frozen=True):
    """Somebody whose access ends tonight, and the entry that led to it."""

    person: Person
    cause: UUID


class World:
    """Everything the story needs to remember from one day to the next."""

    def __init__(self, hr: HR, span: Span, seed: int) -> None:
        self.hr = hr
        self.span = span
        self.rng = random.Random(seed)
        self.more = random.Random(f"modules/{seed}")  # the other modules': the story is the same without them
        self.things: dict[str, list[Thing]] = {}
        self.people: dict[str, Person] = {}
        self.staff: list[Person] = []
        self.roles: dict[str, Role] = {}
        self.permissions: dict[str, Permission] = {}
        self.role_permissions: list[RolePermission] = []
        self.assignments: dict[str, list[RoleAssignment]] = {}
        self.integrations: dict[str, Integration] = {}
        self.courses: dict[str, CompetenceType] = {}
        self.salaries: dict[str, Salary] = {}
        self.accounts: dict[str, BankAccount] = {}
        self.balances: dict[str, AbsenceBalance] = {}
        self.contacts: dict[str, EmergencyContact] = {}
        self.ending: dict[date, list[HeldCompetence]] = {}
        self.temporary: dict[date, list[RoleAssignment]] = {}
        self.leaving: list[Leaving] = []
        self.changed: dict[str, None] = {}  # whom payroll has not heard of yet; a dict keeps the order
        self._agenda: list[tuple[datetime, int, Do]] = []
        self._order = itertools.count()
        self._number = itertools.count(1018)
        self._seed = seed
        self._places: dict[str, Places] = {}

    # --- when ---

    def at(self, moment: datetime, do: Do) -> None:
        """Plan something."""
        heapq.heappush(self._agenda, (moment, next(self._order), do))

    def due(self, end: datetime) -> tuple[datetime, Do] | None:
        """The next thing planned before `end`, taken off the agenda."""
        if not self._agenda or self._agenda[0][0] >= end:
            return None
        moment, _, do = heapq.heappop(self._agenda)
        return moment, do

    def moment(self, day: date, spell: int | None = None, *, rng: random.Random | None = None) -> datetime:
        """A moment of a day in one of its spells of work."""
        starts, rng = spells(day, self._seed), rng or self.rng
        begin = rng.choice(starts) if spell is None else starts[min(spell, len(starts) - 1)]
        return local(day, begin + rng.random() * SPELL)

    def later(self, at: datetime, least: int, most: int) -> datetime:
        """A moment of work, that many days after."""
        return self.moment(next_worked(at.date() + timedelta(days=self.rng.randint(least, most))))

    # --- who and from where ---

    def new_id(self) -> str:
        """The next person's id."""
        return f"u-{next(self._number)}"

    def anybody(self) -> Person:
        """Anybody who works here."""
        return self.rng.choice(self.staff)

    def boss(self, person: Person) -> Person:
        """Whoever decides for a person: the supervisor, or else the HR lead."""
        boss = self.people.get(person.supervisor_id or names.HR_LEAD)
        return boss if boss is not None and boss.status == "active" else self.people[names.HR_LEAD]

    def by(self, person: Person | str, at: datetime, mobile: bool | None = None) -> Act:
        """An act of a person at their own desk or telephone."""
        doer = self.people[person] if isinstance(person, str) else person
        places = self._places.get(doer.id)
        if places is None:
            places = self._places[doer.id] = self._new_places(len(self._places))
        away = self.rng.random() < 0.2 if mobile is None else mobile
        origin = places.phone if away else places.desk
        return Act(hr=self.hr, at=at, actor=person_actor(doer), origin=origin)

    def rule(self, rule: str, at: datetime) -> Act:
        """An act of one of the system's own rules."""
        return Act(hr=self.hr, at=at, actor=system_actor(rule, names.RULES[rule]), origin=JOB)

    def integration(self, name: str, at: datetime, origin: Origin = JOB) -> Act:
        """An act of an integration."""
        return Act(hr=self.hr, at=at, actor=integration_actor(self.integrations[name]), origin=origin)

    def _new_places(self, number: int) -> Places:
        net = self.rng.choice(("198.51.100.", "192.0.2.", "2001:db8:42::"))
        tail = f"{number % 250 + 2:x}" if ":" in net else str(number % 250 + 2)
        desk = Origin(interface="web", ip=net + tail, user_agent=self.rng.choice(names.AGENTS[:3]))
        agent = self.rng.choice(names.MOBILE)
        phone = Origin(interface="mobile", ip=f"203.0.113.{number % 250 + 2}", user_agent=agent)
        return Places(desk, phone)

    # --- chance ---

    def some(self, rate: float) -> int:
        """A whole number that is `rate` on average."""
        return int(rate) + (self.rng.random() < rate % 1)

    def chance(self, share: float) -> bool:
        """True that often."""
        return self.rng.random() < share

    def digits(self, count: int) -> str:
        """That many digits, the first not 0."""
        return str(self.rng.randrange(10 ** (count - 1), 10**count))
