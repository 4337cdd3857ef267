"""What a host declares of a table: which item a row is, whom it is about, and what its changes are called.

Owns `Tracked`, the one declaration that hooks and triggers read alike, and its check against the catalogue when it is
made. Refuses a declaration under which an entry would be refused later, as far as that can be known before a row is.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from msgspec import Struct

from trailbook.catalogue import Action, Catalogue
from trailbook.errors import ConfigurationError

By = Literal["hooks", "triggers"]
Op = Literal["created", "updated", "deleted"]
OPS: tuple[Op, ...] = ("created", "updated", "deleted")
# Where something of a row stands: the name of an attribute, or a callable that takes the row (hooks only).
Part = str | Callable[[Any], Any]


class Ref(Struct, frozen=True):
    """An item that a row points at: its type, and where its id and name stand in the row."""

    type: str
    id: Part
    name: Part | None = None


class Tracked(Struct, frozen=True, kw_only=True):
    """A tracked table. `columns` maps each attribute to its column; `fields` each attribute that may be named."""

    table: str
    by: By
    type: str
    key: tuple[str, ...]  # the attributes of the primary key
    id: Part
    name: Part | None
    category: str
    actions: Mapping[Op, str | None]
    concerns: Mapping[str, Ref | Callable[[Any], Any]]
    fields: Mapping[str, str]
    ignore: frozenset[str]
    columns: Mapping[str, str]

    @property
    def needs(self) -> frozenset[str]:
        """The attributes that an entry is made of; all of them where a callable may ask for any."""
        parts = [self.id, self.name]
        for ref in self.concerns.values():
            parts += [ref.id, ref.name] if isinstance(ref, Ref) else [ref]
        if any(callable(part) for part in parts):
            return frozenset(self.columns)
        return frozenset(part for part in parts if isinstance(part, str))


class Declared(Struct, frozen=True, kw_only=True):
    """What the host said of a table, before it is checked."""

    type: str
    id: Part | None = None
    name: Part | None = None
    owner: Ref | Callable[[Any], Any] | None = None
    category: str | None = None
    actions: Mapping[Op, str | None] | None = None
    concerns: Mapping[str, Ref | Callable[[Any], Any]] | None = None
    fields: Iterable[str] | Mapping[str, str] = ()
    ignore: Iterable[str] = ()
    by: By = "hooks"


class Columns(Struct, frozen=True, kw_only=True):
    """What the mapping knows of a table: its name, its primary key and its columns, by attribute."""

    table: str
    key: tuple[str, ...]
    columns: Mapping[str, str]


def tracked(catalogue: Catalogue, found: Columns, said: Declared) -> Tracked:
    """Check what a host said of a table.

    Raises: ConfigurationError naming the table and what is wrong; ActionUnknownError naming the nearest action.
    """
    check = _Check(found)
    kind = catalogue.types.get(said.type)
    if kind is None:
        raise check.wrong("type", f"{said.type!r} is not declared in the catalogue")
    if said.name is not None and not kind.named:
        raise check.wrong("name", f"is given, but the type {said.type} takes no name")
    if said.id is None and len(found.key) != 1:
        raise check.wrong("id", f"has to be given: the primary key is {', '.join(found.key) or 'empty'}")
    fields = said.fields if isinstance(said.fields, Mapping) else {name: name for name in said.fields}
    for attribute, name in fields.items():
        if name not in kind.fields:
            raise check.wrong("fields", f"{name!r} is not a field of the type {said.type} in the catalogue")
        check.known("fields", attribute)
    actions = _actions(catalogue, check, said)
    made = Tracked(
        table=found.table,
        by=said.by,
        type=said.type,
        key=found.key,
        id=said.id or found.key[0],
        name=said.name,
        category=actions[0].category,
        actions=dict(said.actions or {}),
        concerns=_concerns(check, said, actions),
        fields=fields,
        ignore=frozenset(said.ignore),
        columns=dict(found.columns),
    )
    for attribute in (*made.needs, *made.ignore):
        check.known("track", attribute)
    return made


class _Check(Struct, frozen=True):
    found: Columns

    def wrong(self, member: str, why: str) -> ConfigurationError:
        """A fault of the declaration, to be raised."""
        return ConfigurationError(f"track({self.found.table}): {member}: {why}")

    def known(self, member: str, attribute: str) -> None:
        """Refuse an attribute that no column has."""
        if attribute not in self.found.columns:
            raise self.wrong(member, f"there is no column {attribute!r}")


def _actions(catalogue: Catalogue, check: _Check, said: Declared) -> list[Action]:
    named = said.actions or {}
    if missing := [op for op in OPS if op not in named]:
        raise check.wrong("actions", f"say what {', '.join(missing)} means; None is silence on purpose")
    if unknown := [op for op in named if op not in OPS]:
        raise check.wrong("actions", f"{unknown[0]!r} is not one of {', '.join(OPS)}")
    actions = [catalogue.action(name) for name in named.values() if name is not None]
    if not actions:
        raise check.wrong("actions", "all are None: then do not track the table")
    for action in actions:
        if not action.allows(said.type):
            raise check.wrong("type", f"{said.type} is no target of {action.name}")
        if said.category is not None and action.category != said.category:
            raise check.wrong("category", f"{action.name} belongs to {action.category}")
    return actions


def _concerns(check: _Check, said: Declared, actions: list[Action]) -> dict[str, Ref | Callable[[Any], Any]]:
    concerns = dict(said.concerns or {})
    if said.owner is not None:
        concerns[_owned(check, actions, concerns)] = said.owner
    for action in actions:
        for part in concerns:
            if part not in action.parts:
                raise check.wrong("concerns", f"{action.name} has no part {part!r}")
        for rule in action.concerns:
            if rule.least and rule.part not in concerns and rule.part not in action.filled:
                raise check.wrong("concerns", f"{action.name} needs {rule.part}: give it, or the owner")
    return concerns


def _owned(check: _Check, actions: list[Action], concerns: Mapping[str, Any]) -> str:
    """The part that the owner fills: the first that an action requires and nothing else gives."""
    for action in actions:
        for rule in action.concerns:
            if rule.least and rule.part not in concerns and rule.part not in action.filled:
                return rule.part
    raise check.wrong("owner", "no action asks for one; give its part in concerns")
