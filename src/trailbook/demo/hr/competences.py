"""Competence: kinds of skills and certificates, who holds which, who checked them and when they end.

Owns the tables of competence. Numbers of certificates stay here.
"""

from datetime import date

from trailbook.demo.acting import HR, Act
from trailbook.demo.tables import Competence, CompetenceStep, CompetenceType, Person
from trailbook.model import Item

_TOLD_FIELDS = {
    "document_added": ("document",),
    "updated": ("level",),
    "expired": ("status",),
    "renewed": ("expiry_date",),
}


def define_type(hr: HR, act: Act, kind: CompetenceType) -> None:
    """Add a kind of competence."""
    hr.session.add(kind)
    hr.tell(act, "competence_type.created", Item(type="competence_type", id=kind.id, name=kind.name))


def item(competence: Competence, kind: CompetenceType) -> Item:
    """A competence as the log names it: by its kind's name."""
    return Item(type="competence", id=competence.id, name=kind.name)


def add(hr: HR, act: Act, person: Person, kind: CompetenceType, expires_on: date | None) -> Competence:
    """A person has a new skill or certificate."""
    competence = Competence(
        id=hr.key("cmp"),
        type_id=kind.id,
        person_id=person.id,
        certificate=hr.key("no"),
        expires_on=expires_on,
        status="unverified",
    )
    hr.session.add(competence)
    _step(hr, act, competence, "added")
    hr.tell(act, "competence.added", item(competence, kind), parts={"holder": person.item})
    return competence


def step(hr: HR, act: Act, what: str, held: tuple[Competence, CompetenceType, Person]) -> None:
    """Verify, reject, update, announce the end of, expire or remove a competence, or add a document to it."""
    competence, kind, person = held
    if what in ("verified", "rejected", "expired", "removed"):
        competence.status = what
    _step(hr, act, competence, what)
    target, parts = item(competence, kind), {"holder": person.item}
    hr.tell(act, f"competence.{what}", target, parts=parts, fields=_TOLD_FIELDS.get(what, ()))


def renew(hr: HR, act: Act, held: tuple[Competence, CompetenceType, Person], expires_on: date) -> None:
    """A certificate holds for another term."""
    held[0].expires_on, held[0].status = expires_on, "verified"
    step(hr, act, "renewed", held)


def _step(hr: HR, act: Act, competence: Competence, what: str) -> None:
    hr.write(CompetenceStep, competence_id=competence.id, what=what, **act.done)
