"""Competence: kinds of skills and certificates, who holds which, who checked them and when they end.

Owns the tables of competence. Numbers of certificates stay here.
"""

from datetime import date
from uuid import UUID

from trailbook.demo.acting import Act
from trailbook.demo.tables import Competence, CompetenceStep, CompetenceType, Person
from trailbook.model import Item

Held = tuple[Competence, CompetenceType, Person]

_TOLD_FIELDS = {
    "document_added": ("document",),
    "updated": ("level",),
    "expired": ("status",),
    "renewed": ("expiry_date",),
}


def define_type(act: Act, kind: CompetenceType) -> None:
    """Add a kind of competence."""
    act.hr.add(kind)
    act.tell("competence_type.created", Item(type="competence_type", id=kind.id, name=kind.name))


def item(competence: Competence, kind: CompetenceType) -> Item:
    """A competence as the log names it: by its kind's name."""
    return Item(type="competence", id=competence.id, name=kind.name)


def add(act: Act, person: Person, kind: CompetenceType, *, expires_on: date | None) -> Competence:
    """A person has a new skill or certificate."""
    competence = Competence(
        id=act.hr.key("cmp"),
        type_id=kind.id,
        person_id=person.id,
        certificate=act.hr.key("no"),
        expires_on=expires_on,
        status="unverified",
    )
    act.hr.add(competence)
    _step(act, competence, "added")
    act.tell("competence.added", item(competence, kind), parts={"holder": person.item})
    return competence


def step(act: Act, what: str, held: Held) -> UUID:
    """Verify, reject, update, announce the end of, expire or remove a competence, or add a document to it."""
    competence, kind, person = held
    if what in ("verified", "rejected", "expired", "removed"):
        competence.status = what
    _step(act, competence, what)
    target, parts = item(competence, kind), {"holder": person.item}
    return act.tell(f"competence.{what}", target, parts=parts, fields=_TOLD_FIELDS.get(what, ()))


def renew(act: Act, held: Held, expires_on: date) -> None:
    """A certificate holds for another term."""
    held[0].expires_on, held[0].status = expires_on, "verified"
    step(act, "renewed", held)


def _step(act: Act, competence: Competence, what: str) -> None:
    act.write(CompetenceStep, competence_id=competence.id, what=what)
