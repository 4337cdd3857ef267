"""The other modules: groups, training, hours, benefits, expenses, documents, tasks, reviews, surveys, equipment.

Owns one table of things, whatever their kind, and one of what happened to them: the demo shows what its log says of
each, not how a real system would keep it. What a document, a review or a case is about is nowhere.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from trailbook.catalogue import load
from trailbook.demo.acting import HR, Act
from trailbook.demo.tables import Base, Step
from trailbook.model import Item


class Thing(Base):
    """Something that a module keeps: its kind as the log knows it, and its name or whose it is."""

    __tablename__ = "thing"
    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    name: Mapped[str | None]
    person_id: Mapped[str | None]

    @property
    def item(self) -> Item:
        """The thing as the log names it."""
        return Item(type=self.type, id=self.id, name=self.name)


class ThingStep(Step, Base):
    """Something that happened to a thing; the people whom it was about stand beside it."""

    __tablename__ = "thing_step"
    thing_id: Mapped[str]
    category: Mapped[str]
    about: Mapped[str | None]
    also: Mapped[str | None]


def make(
    hr: HR, type_: str, name: str | None = None, *, person: str | None = None, key: str | None = None
) -> Thing:
    """A new thing; nothing happened to it yet."""
    thing = Thing(id=key or hr.key(type_.replace("_", "-")), type=type_, name=name, person_id=person)
    hr.add(thing)
    return thing


def happen(act: Act, action: str, thing: Thing, **parts: Item | Sequence[Item]) -> UUID:
    """Something happens to a thing, about whoever and whatever stands in `parts`."""
    items = [each for some in parts.values() for each in ((some,) if isinstance(some, Item) else some)]
    people = list(dict.fromkeys(item.id for item in items if item.type == "user"))
    about, also = (*people, None, None)[:2]
    category = load().action(action).category
    act.write(ThingStep, thing_id=thing.id, what=action, category=category, about=about, also=also)
    return act.tell(action, thing.item, parts=parts)
