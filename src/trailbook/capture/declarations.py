"""What a host declares of a table: which item a row is, whom it is about, and what its changes are called.

Owns `Tracked`, the one declaration that hooks and triggers read alike, and its check against the catalogue when it is
made. Refuses a declaration under which an entry would be refused later, as far as that can be known before a row is.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from msgspec import Struct

from trailbook.catalogue import TYPED_PARTS, Action, Catalogue
from trailbook.errors import ConfigurationError

WrittenBy = Literal["hooks", "triggers"]
Op = Literal["created", "updated", "deleted"]
OPS: tuple[Op, ...] = ("created", "updated", "deleted")
# Where something of a row stands: the name of an attribute, or a callable that takes the row (hooks only).
Part = str | Callable[[Any], Any]


class Ref(Struct, frozen=True):
    """An item that a row points at: its type, and where its id, name and hint stand in the row."""

    type: str
    id: Part
    name: Part | None = None
    hint: Part | None = None


class Tracked(Struct, frozen=True, kw_only=True, eq=False):
    """A tracked table. `columns` maps each attribute to its column; `fields` each attribute that may be named."""

    table: str
    by: WrittenBy
    type: str
    key: tuple[str, ...]  # the attributes of the primary key
    id: Part
    name: Part | None
    hint: Part | None
    category: str
    actions: Mapping[Op, str | None]
    concerns: Mapping[str, Ref | Callable[[Any], Any]]
    fields: Mapping[str, str]
    ignore: frozenset[str]
    columns: Mapping[str, str]
    uuids: frozenset[str] = frozenset()  # attributes that a database without the type keeps as 32 digits

    @property
    def identity(self) -> tuple[str, ...]:
        """The attributes whose change makes another item of a row: the old one ends and a new one begins.

        They are those of the id, and of the whole primary key where the id is part of it. Of a callable's item that is
        the primary key.
        """
        return (self.id,) if isinstance(self.id, str) and self.id not in self.key else self.key

    @property
    def needs(self) -> frozenset[str]:
        """The attributes that an entry is made of; all of them where a callable may ask for any."""
        parts = [self.id, self.name, self.hint]
        for ref in self.concerns.values():
            parts += [ref.id, ref.name, ref.hint] if isinstance(ref, Ref) else [ref]
        if any(callable(part) for part in parts):
            return frozenset(self.columns)
        return frozenset(part for part in parts if isinstance(part, str))


class ChangeKind(Struct, frozen=True):
    """A kind of change that rows share: their declaration, what became of them, and which attributes changed."""

    tracked: Tracked
    op: Op
    changed: tuple[str, ...] = ()


class Declared(Struct, frozen=True, kw_only=True):
    """What the host said of a table, before it is checked."""

    type: str
    id: Part | None = None
    name: Part | None = None
    hint: Part | None = None
    owner: Ref | Callable[[Any], Any] | None = None
    category: str | None = None
    actions: Mapping[Op, str | None] | None = None
    concerns: Mapping[str, Ref | Callable[[Any], Any]] | None = None
    fields: Iterable[str] | Mapping[str, str] = ()
    ignore: Iterable[str] = ()
    by: WrittenBy = "hooks"


class Columns(Struct, frozen=True, kw_only=True):
    """What the mapping knows of a table: its name, its primary key and its columns, by attribute."""

    table: str
    key: tuple[str, ...]
    columns: Mapping[str, str]


def check_declared(catalogue: Catalogue, columns: Columns, declared: Declared) -> Tracked:
    """The declaration of a table, checked.

    Raises: ConfigurationError naming the table and what is wrong; ActionUnknownError naming the nearest action.
    """
    check = _Check(columns)
    kind = catalogue.types.get(declared.type)
    if kind is None:
        raise check.fault("type", f"{declared.type!r} is not declared in the catalogue")
    if declared.name is not None and not kind.named:
        raise check.fault("name", f"is given, but the type {declared.type} takes no name")
    if declared.hint is not None and not kind.named:
        raise check.fault("hint", f"is given, but the type {declared.type} takes no hint")
    if declared.id is None and len(columns.key) != 1:
        raise check.fault("id", f"has to be given: the primary key is {', '.join(columns.key) or 'empty'}")
    names = declared.fields
    fields = names if isinstance(names, Mapping) else {name: name for name in names}
    for attribute, name in fields.items():
        if name not in kind.fields:
            raise check.fault("fields", f"{name!r} is not a field of the type {kind.name} in the catalogue")
        check.require("fields", attribute)
    actions = _actions(catalogue, check, declared)
    tracked = Tracked(
        table=columns.table,
        by=declared.by,
        type=declared.type,
        key=columns.key,
        id=declared.id or columns.key[0],
        name=declared.name,
        hint=declared.hint,
        category=actions[0].category,
        actions=dict(declared.actions or {}),
        concerns=_concerns(check, declared, actions),
        fields=fields,
        ignore=frozenset(declared.ignore),
        columns=dict(columns.columns),
    )
    for attribute in (*tracked.needs, *tracked.ignore):
        check.require("track", attribute)
    return tracked


class _Check(Struct, frozen=True):
    columns: Columns

    def fault(self, member: str, why: str) -> ConfigurationError:
        """A fault of the declaration, to be raised."""
        return ConfigurationError(f"track({self.columns.table}): {member}: {why}")

    def require(self, member: str, attribute: str) -> None:
        """Refuse an attribute that no column has."""
        if attribute not in self.columns.columns:
            raise self.fault(member, f"there is no column {attribute!r}")


def _actions(catalogue: Catalogue, check: _Check, declared: Declared) -> list[Action]:
    named = declared.actions or {}
    if missing := [op for op in OPS if op not in named]:
        raise check.fault("actions", f"say what {', '.join(missing)} means; None is silence on purpose")
    if unknown := [op for op in named if op not in OPS]:
        raise check.fault("actions", f"{unknown[0]!r} is not one of {', '.join(OPS)}")
    actions = [catalogue.action(name) for name in named.values() if name is not None]
    if not actions:
        raise check.fault("actions", "all are None: then do not track the table")
    for action in actions:
        if not action.allows(declared.type):
            raise check.fault("type", f"{declared.type} is no target of {action.name}")
        if declared.category is not None and action.category != declared.category:
            raise check.fault("category", f"{action.name} belongs to {action.category}")
    return actions


def _concerns(
    check: _Check, declared: Declared, actions: list[Action]
) -> dict[str, Ref | Callable[[Any], Any]]:
    concerns = dict(declared.concerns or {})
    if declared.owner is not None:
        concerns[_owned(check, actions, concerns)] = declared.owner
    for part, ref in concerns.items():
        types = TYPED_PARTS.get(part)
        if types and isinstance(ref, Ref) and ref.type not in types:
            raise check.fault("concerns", f"the part {part} takes {', '.join(types)}, not {ref.type}")
    for action in actions:
        for part in concerns:
            if part not in action.parts:
                raise check.fault("concerns", f"{action.name} has no part {part!r}")
        for rule in action.concerns:
            if rule.least and rule.part not in concerns and rule.part not in action.filled:
                raise check.fault("concerns", f"{action.name} needs {rule.part}: give it, or the owner")
    return concerns


def _owned(check: _Check, actions: list[Action], concerns: Mapping[str, Any]) -> str:
    """The part that the owner fills: the first that an action requires and nothing else gives."""
    for action in actions:
        for rule in action.concerns:
            if rule.least and rule.part not in concerns and rule.part not in action.filled:
                return rule.part
    raise check.fault("owner", "no action asks for one; give its part in concerns")
