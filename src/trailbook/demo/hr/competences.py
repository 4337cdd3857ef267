"""Competence: kinds of skills and certificates, who holds which, who checked them and when they end.

Owns the tables of competence. Numbers of certificates stay here.
"""

from datetime import date
from uuid import UUID

from msgspec import Struct

from trailbook.demo.acting import Act
from trailbook.demo.tables import Competence, CompetenceStep, CompetenceType, Person
from trailbook.model import Item

_TOLD_FIELDS = {
    "document_added": ("document",),
    "updated": ("level",),
    "expired": ("status",),
    "renewed": ("expiry_date",),
}


class HeldCompetence(Struct, frozen=True):
    """A competence with its kind and whoever holds it."""

    competence: Competence
    kind: CompetenceType
    person: Person


def define_type(act: Act, kind: CompetenceType) -> None:
    """Add a kind of competence."""
    act.hr.add(kind)
    act.tell("competence_type.created", Item(type="competence_type", id=kind.id, name=kind.name))


def item(competence: Competence, kind: CompetenceType) -> Item:
    """A competence as the log names it: by its kind's name."""
    return Item(type="competence", id=competence.id, name=kind.name)


def add(act: Act, person: Person, kind: CompetenceType, *, expires_on: date | None) -> HeldCompetence:
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
    return HeldCompetence(competence, kind, person)


def step(act: Act, what: str, held: HeldCompetence) -> UUID:
    """Verify, reject, update, announce the end of, expire or remove a competence, or add a document to it."""
    if what in ("verified", "rejected", "expired", "removed"):
        held.competence.status = what
    _step(act, held.competence, what)
    target, parts = item(held.competence, held.kind), {"holder": held.person.item}
    return act.tell(f"competence.{what}", target, parts=parts, fields=_TOLD_FIELDS.get(what, ()))


def renew(act: Act, held: HeldCompetence, expires_on: date) -> None:
    """A certificate holds for another term."""
    held.competence.expires_on, held.competence.status = expires_on, "verified"
    step(act, "renewed", held)


def _step(act: Act, competence: Competence, what: str) -> None:
    act.write(CompetenceStep, competence_id=competence.id, what=what)
