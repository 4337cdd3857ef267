"""What a host says of an entry, held against the rules of the record where it is said and not when it is drained.

Owns the refusals of `acting_as`, `recorded_as`, `record` and `Capture(org)`, each with a pointer to what is at fault.
Refuses no name and no hint: how a row is called keeps nothing out of the log, whose drain mends them.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, get_args
from uuid import UUID

from trailbook.catalogue import TYPED_PARTS, Action, Catalogue
from trailbook.errors import EntryInvalidError, Fault
from trailbook.model import (
    INTERFACES,
    KINDS,
    MAX_CONCERNS,
    MAX_FIELDS,
    MAX_ID,
    MAX_USER_AGENT,
    Actor,
    Item,
    Origin,
    Outcome,
    ip_fault,
    is_slug,
    name_fault,
    text_fault,
)

Pairs = Sequence[tuple[str, Item]]
_ORG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_OUTCOMES = get_args(Outcome)


def demand(*faults: Iterator[Fault]) -> None:
    """Refuse what has a fault. Raises: EntryInvalidError."""
    some = tuple(each for every in faults for each in every)
    if some:
        raise EntryInvalidError(some)


def org_fault(org: str) -> str | None:
    """Why no organisation can have this name, in words, or None."""
    return None if _ORG.fullmatch(org) else "is not 1 to 63 of a-z, 0-9 and -"


def demand_acting(actor: Any, correlation: Any, caused_by: Any, **more: Any) -> None:
    """Refuse what no log takes of who acts; absent members are None. Raises: EntryInvalidError."""
    faults: list[Fault] = []
    if correlation is not None:
        faults += _text_faults(correlation, "/correlation")
    if caused_by is not None and not isinstance(caused_by, UUID):
        faults.append(_fault("/caused_by", "is not a UUID"))
    try:
        faults += _faults_known(actor, **more)
    except TypeError:  # of what cannot be kept, for it has a list in it, say
        faults += _faults_known.__wrapped__(actor, **more)
    demand(iter(faults))


@lru_cache(maxsize=1024)  # the same people act again and again
def _faults_known(actor: Any, *, behalf: Any, purpose: Any, origin: Any) -> tuple[Fault, ...]:
    return tuple(_acting_faults(actor, behalf, purpose, origin=origin))


def _acting_faults(actor: Any, behalf: Any, purpose: Any, *, origin: Any) -> Iterator[Fault]:
    yield from item_faults(actor, "/actor", Actor)
    if isinstance(actor, Actor) and actor.kind not in KINDS:
        yield _fault("/actor/kind", f"is none of {', '.join(KINDS)}")
    if behalf is not None:
        yield from item_faults(behalf, "/on_behalf_of")
    if purpose is not None and not is_slug(str(purpose)):
        yield _fault("/purpose", "is not the name of a purpose in lower snake case")
    if origin is not None:
        yield from _origin_faults(origin)


def item_faults(item: Any, pointer: str, kind: type[Item] = Item) -> Iterator[Fault]:
    """What is wrong with an item, whatever a catalogue says of its type."""
    if not isinstance(item, kind):
        yield _fault(pointer, f"is of type {type(item).__name__}, where an {kind.__name__} is due")
        return
    if not is_slug(str(item.type)):
        yield _fault(f"{pointer}/type", "is not a type name in lower snake case")
    yield from _text_faults(item.id, f"{pointer}/id")
    for member in ("name", "hint"):
        value = getattr(item, member)
        if value is not None and not isinstance(value, str):
            yield _fault(f"{pointer}/{member}", f"is of type {type(value).__name__}, where a text is due")


def known_faults(
    catalogue: Catalogue, actor: Actor, behalf: Item | None, purpose: str | None
) -> Iterator[Fault]:
    """What the catalogue does not take of who acts."""
    yield from _type_faults(catalogue, actor, "/actor")
    declared = catalogue.types.get(actor.type)
    if declared is not None and declared.person != (actor.kind == "person"):
        being = "a person" if declared.person else "no person"
        yield _fault("/actor/kind", f"is {actor.kind!r}, but the type {actor.type} is {being}")
    if behalf is not None:
        yield from _type_faults(catalogue, behalf, "/on_behalf_of")
        declared = catalogue.types.get(behalf.type)
        if declared is not None and not declared.person:
            yield _fault("/on_behalf_of/type", "is not a type of persons")
    if purpose is not None and purpose not in catalogue.purposes:
        yield _fault("/purpose", "is not in the organisation's declared list of purposes")


def meant_faults(
    catalogue: Catalogue, action: Action, target: Any, concerns: Pairs, **more: Any
) -> Iterator[Fault]:
    """What the record and an action do not take of what a host means; `more` are fields and outcome."""
    wrong = [*item_faults(target, "/target")]
    for at, (_, item) in enumerate(concerns):
        wrong += item_faults(item, f"/concerns/{at}")
    wrong += fields_faults(more["fields"])
    if more["outcome"] not in _OUTCOMES:
        wrong.append(_fault("/outcome", f"is none of {', '.join(_OUTCOMES)}"))
    if wrong:
        yield from wrong
        return
    yield from _type_faults(catalogue, target, "/target")
    if not action.allows(target.type):
        allowed = ", ".join(action.target)
        yield _fault("/target/type", f"is {target.type!r}; {action.name} has as target: {allowed}")
    yield from _concern_faults(catalogue, action, target, concerns)
    declared = catalogue.types.get(target.type)
    for at, name in enumerate(more["fields"]):
        if declared is not None and name not in declared.fields:
            yield _fault(f"/fields/{at}", f"{name[:64]!r} is no field that the type {target.type} has")


def _concern_faults(catalogue: Catalogue, action: Action, target: Item, concerns: Pairs) -> Iterator[Fault]:
    if len(concerns) > MAX_CONCERNS:
        yield _fault("/concerns", f"has more than {MAX_CONCERNS} items")
    for at, (part, item) in enumerate(concerns):
        if part not in action.parts and part != "represented":
            known = ", ".join(action.parts) or "none"
            yield _fault(
                f"/concerns/{at}/part", f"is {str(part)[:64]!r}; {action.name} has the parts: {known}"
            )
        if (types := TYPED_PARTS.get(part)) and item.type not in types:
            yield _fault(
                f"/concerns/{at}/type", f"is {item.type!r}; the part {part} takes: {', '.join(types)}"
            )
        yield from _type_faults(catalogue, item, f"/concerns/{at}")
    items = [(part, item.type, item.id) for part, item in concerns]
    if len(set(items)) < len(items):
        yield _fault("/concerns", "names an item in a part twice")
    counts = Counter(part for part, _, _ in items)
    for rule in action.concerns:
        follows = rule.part in action.filled and (rule.part, target.type, target.id) not in items
        count = counts[rule.part] + follows
        if count < rule.least and rule.part != "represented":
            yield _fault(
                "/concerns", f"needs {rule.least} with part {rule.part}: whom is {action.name} about?"
            )
        elif count > rule.most:
            yield _fault("/concerns", f"takes at most {rule.most} with part {rule.part}, has {count}")


def _type_faults(catalogue: Catalogue, item: Item, pointer: str) -> Iterator[Fault]:
    declared = catalogue.types.get(item.type)
    if declared is None or item.type == "origin":
        yield _fault(f"{pointer}/type", f"is {item.type!r}, which the catalogue does not declare")
    elif declared.id is not None and not re.fullmatch(declared.id, item.id):
        yield _fault(f"{pointer}/id", f"does not have the form that the type {item.type} declares")


def fields_faults(fields: Any) -> Iterator[Fault]:
    """What is wrong with the names of fields, whatever the catalogue says of them."""
    if isinstance(fields, str) or not all(isinstance(each, str) for each in fields):
        yield _fault("/fields", "is no list of names")
    elif len(fields) > MAX_FIELDS:
        yield _fault("/fields", f"has more than {MAX_FIELDS} names")
    elif len(set(fields)) < len(fields):
        yield _fault("/fields", "repeats a name")


def _origin_faults(origin: Any) -> Iterator[Fault]:
    if not isinstance(origin, Origin) or origin.interface not in INTERFACES:
        yield _fault("/origin", f"is no Origin with one of the interfaces {', '.join(INTERFACES)}")
        return
    if origin.ip is not None and (why := ip_fault(origin.ip)):
        yield _fault("/origin/ip", why)
    if origin.user_agent is not None and (why := text_fault(origin.user_agent, MAX_USER_AGENT)):
        yield _fault("/origin/user_agent", why)


def _text_faults(text: Any, pointer: str) -> Iterator[Fault]:
    if not isinstance(text, str):
        yield _fault(pointer, f"is of type {type(text).__name__}, where a text is due")
    elif why := name_fault(text, MAX_ID):
        yield _fault(pointer, why)


def _fault(pointer: str, detail: str) -> Fault:
    return Fault(pointer, "entry-invalid", detail)
