"""What an entry must be before it is recorded: the rules of the record and of the catalogue, all at once.

Owns every refusal of an entry that needs no log to decide, each with a pointer to the member at fault.
Refuses to repair: only what the catalogue says follows from the target is filled in.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime

from msgspec import Struct, structs

from trailbook.catalogue import TYPED_PARTS, Action, Catalogue, ItemType, fill
from trailbook.errors import ActionUnknownError, EntryInvalidError, Fault
from trailbook.model import (
    AHEAD,
    EARLIEST,
    MAX_CONCERNS,
    MAX_FIELDS,
    MAX_ID,
    MAX_USER_AGENT,
    Concern,
    Item,
    NewEntry,
    Origin,
    ip_fault,
    item_faults,
    name_fault,
    shaped,
    text_fault,
)
from trailbook.record.owners import owner_of


class Complete(Struct, frozen=True, gc=False):
    """An entry that keeps every rule, its category and concerns filled in; `owner` owns a personal target.

    With the target the personal items among the other concerns are theirs.
    """

    entry: NewEntry
    owner: Concern | None


def complete_entry(
    catalogue: Catalogue, entry: NewEntry, now: datetime, *, earliest: datetime = EARLIEST
) -> Complete:
    """Check an entry against every rule and fill in what follows from it; nothing happened before `earliest`.

    Raises: ActionUnknownError and EntryInvalidError, either with a Fault for each broken rule.
    """
    entry = shaped(entry)
    at, whatever = _time_faults(entry.occurred_at, now, earliest), _faults(catalogue, entry)
    try:
        action = catalogue.action(entry.action)
    except ActionUnknownError as error:
        error.faults += (*at, *whatever)
        raise
    filled = structs.replace(entry, category=action.category, concerns=fill(action, entry))
    late = _after_filling(action, filled, len(entry.concerns))
    faults = (*at, *_action_faults(action, entry), *whatever, *late)
    if faults:
        raise EntryInvalidError(faults)
    return Complete(filled, owner_of(catalogue, action, filled))


def _faults(catalogue: Catalogue, entry: NewEntry) -> Iterator[Fault]:
    """What is wrong with an entry whatever was done."""
    for pointer, item in _items(entry):
        yield from item_faults(item, pointer)
        yield from type_faults(catalogue, item, pointer)
    yield from _actor_faults(catalogue, entry)
    yield from _concern_faults(entry)
    yield from _field_faults(catalogue.types.get(entry.target.type), entry)
    yield from _rest_faults(catalogue, entry)
    yield from origin_faults(entry.origin)


def _action_faults(action: Action, entry: NewEntry) -> Iterator[Fault]:
    """What its action does not take of an entry."""
    if entry.category is not None and entry.category != action.category:
        yield _fault("/category", f"is {entry.category!r}, but {action.name} belongs to {action.category}")
    if not action.allows(entry.target.type):
        allowed = ", ".join(action.target)
        yield _fault("/target/type", f"is {entry.target.type!r}; {action.name} has as target: {allowed}")
    for at, concern in enumerate(entry.concerns):
        if concern.part not in action.parts and concern.part != "represented":
            known = ", ".join(action.parts) or "none"
            detail = f"is {concern.part[:64]!r}; {action.name} has the parts: {known}"
            yield Fault(f"/concerns/{at}/part", "concern-unknown", detail)


def _time_faults(at: datetime, now: datetime, earliest: datetime) -> Iterator[Fault]:
    if at.utcoffset() is None:
        yield _fault("/occurred_at", "has no offset")
    elif at - now > AHEAD:
        yield Fault("/occurred_at", "time-ahead", "is more than 5 minutes ahead of the log's clock")
    elif at < earliest:
        yield Fault(
            "/occurred_at",
            "time-early",
            f"is before {earliest:%Y-%m-%d}, where this log begins",
        )


def _items(entry: NewEntry) -> Iterator[tuple[str, Item]]:
    yield "/actor", entry.actor
    yield "/target", entry.target
    if entry.on_behalf_of is not None:
        yield "/on_behalf_of", entry.on_behalf_of
    for at, concern in enumerate(entry.concerns):
        yield f"/concerns/{at}", concern


def type_faults(catalogue: Catalogue, item: Item, pointer: str) -> Iterator[Fault]:
    """Every rule of the catalogue about one item alone that is broken."""
    declared = catalogue.types.get(item.type)
    if declared is None or item.type == "origin":
        yield _fault(f"{pointer}/type", f"is {item.type[:64]!r}, which the catalogue does not declare")
        return
    if not declared.named and item.name is not None:
        yield Fault(f"{pointer}/name", "name-refused", f"is given, but the type {item.type} takes no name")
    if not declared.named and item.hint is not None:
        yield Fault(f"{pointer}/hint", "name-refused", f"is given, but the type {item.type} takes no hint")
    if declared.id is not None and not re.fullmatch(declared.id, item.id):
        yield _fault(f"{pointer}/id", f"does not have the form that the type {item.type} declares")


def _actor_faults(catalogue: Catalogue, entry: NewEntry) -> Iterator[Fault]:
    declared = catalogue.types.get(entry.actor.type)
    if declared is not None and declared.person != (entry.actor.kind == "person"):
        being = "a person" if declared.person else "no person"
        yield _fault("/actor/kind", f"is {entry.actor.kind!r}, but the type {entry.actor.type} is {being}")
    if entry.on_behalf_of is not None:
        behalf = catalogue.types.get(entry.on_behalf_of.type)
        if behalf is not None and not behalf.person:
            yield _fault("/on_behalf_of/type", "is not a type of persons")


def _concern_faults(entry: NewEntry) -> Iterator[Fault]:
    if len(entry.concerns) > MAX_CONCERNS:
        yield _fault("/concerns", f"has more than {MAX_CONCERNS} items")
    seen: set[tuple[str, str, str]] = set()
    for at, concern in enumerate(entry.concerns):
        if (types := TYPED_PARTS.get(concern.part)) and concern.type not in types:
            detail = f"is {concern.type[:64]!r}; the part {concern.part} takes: {', '.join(types)}"
            yield _fault(f"/concerns/{at}/type", detail)
        key = (concern.part, concern.type, concern.id)
        if key in seen:
            yield _fault(f"/concerns/{at}", "repeats another")
        seen.add(key)


def _after_filling(action: Action, entry: NewEntry, given: int) -> Iterator[Fault]:
    """What is wrong once the concerns that follow are filled in, `given` being how many were."""
    if given <= MAX_CONCERNS < len(entry.concerns):
        yield _fault(
            "/concerns", f"has more than {MAX_CONCERNS} items with those that follow from the target"
        )
    keys = [(c.part, c.type, c.id) for c in entry.concerns]
    if len(set(keys)) < len(keys):
        yield _fault("/concerns", "names an item in a part twice, under two names")
    for rule in action.concerns:
        count = sum(1 for c in entry.concerns if c.part == rule.part)
        if count < rule.least:
            detail = f"needs {rule.least} with part {rule.part}, has {count}: whom is {action.name} about?"
            yield Fault("/concerns", "concern-missing", detail)
        elif count > rule.most:
            yield _fault("/concerns", f"takes at most {rule.most} with part {rule.part}, has {count}")


def _field_faults(declared: ItemType | None, entry: NewEntry) -> Iterator[Fault]:
    if len(entry.fields) > MAX_FIELDS:
        yield _fault("/fields", f"has more than {MAX_FIELDS} names")
    if len(set(entry.fields)) < len(entry.fields):
        yield _fault("/fields", "repeats a name")
    for at, name in enumerate(entry.fields):
        if declared is not None and name not in declared.fields:
            detail = f"is not a field that the catalogue declares for the type {declared.name}"
            yield Fault(f"/fields/{at}", "field-undeclared", detail)


def _rest_faults(catalogue: Catalogue, entry: NewEntry) -> Iterator[Fault]:
    if entry.purpose is not None and entry.purpose not in catalogue.purposes:
        yield _fault("/purpose", "is not in the organisation's declared list of purposes")
    if entry.correlation is not None and (why := name_fault(entry.correlation, MAX_ID)):
        yield _fault("/correlation", why)
    if entry.effective_at is not None and not is_date(entry.effective_at):
        yield _fault("/effective_at", "is not a date such as 2026-11-02")


def origin_faults(origin: Origin) -> Iterator[Fault]:
    """Every rule about an origin that is broken."""
    if origin.ip is not None and (why := ip_fault(origin.ip)):
        yield _fault("/origin/ip", why)
    if origin.user_agent is not None and (why := text_fault(origin.user_agent, MAX_USER_AGENT)):
        yield _fault("/origin/user_agent", why)


def is_date(text: str) -> bool:
    """Whether `text` is a day, written the one way: 2026-11-02."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _fault(pointer: str, detail: str) -> Fault:
    return Fault(pointer, "entry-invalid", detail)
