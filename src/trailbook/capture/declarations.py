"""What a host declares of a table: which item a row is, whom it is about, and what its changes are called.

Owns `Tracked`, the one declaration that hooks and triggers read alike, and its check against the catalogue when it is
made. Refuses a declaration under which an entry would be refused later, as far as that can be known before a row is.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any, Literal, Protocol, get_args

from msgspec import Struct

from trailbook.catalogue import TYPED_PARTS, Action, Catalogue, ItemType
from trailbook.errors import ConfigurationError

WrittenBy = Literal["hooks", "triggers"]
Op = Literal["created", "updated", "deleted"]
OPS: tuple[Op, ...] = ("created", "updated", "deleted")
NO_CALLABLES = "triggers cannot call a callable; name attributes"
# Where something of a row stands: the name of an attribute, or a callable that takes the row (hooks only).
Part = str | Callable[[Any], Any]


class Located(Protocol):
    """What says where a table is: its name, and its schema where it has one."""

    @property
    def bare(self) -> str:
        """The name of the table in its schema."""

    @property
    def schema(self) -> str | None:
        """The schema, if it is named."""


class Ref(Struct, frozen=True):
    """An item that a row points at: its type, and where its id, name and hint stand in the row."""

    type: str
    id: Part
    name: Part | None = None
    hint: Part | None = None


class Tracked(Struct, frozen=True, kw_only=True, eq=False):
    """A tracked table. `columns` maps each attribute to its column; `fields` each attribute that may be named."""

    table: str  # with its schema before it, where it has one
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
    schema: str | None = None
    rest: frozenset[str] = (
        frozenset()
    )  # columns that no attribute names, as a database has them; for triggers only

    @property
    def bare(self) -> str:
        """The name of the table in its schema; a dot may be part of it."""
        return self.table if self.schema is None else self.table.removeprefix(f"{self.schema}.")

    @property
    def identity(self) -> tuple[str, ...]:
        """The attributes whose change makes another item of a row: the old one ends and a new one begins.

        They are those of the id, and of the whole primary key where the id is part of it. Of a callable's item that is
        the primary key.
        """
        return (self.id,) if isinstance(self.id, str) and self.id not in self.key else self.key

    def counts(self, changed: Collection[str]) -> bool:
        """Whether a change of these attributes is an entry, for not all of them are declared to mean nothing."""
        return not changed or not self.ignore.issuperset(changed)

    @property
    def has_callables(self) -> bool:
        """Whether a part of it is a callable, which may ask for any attribute."""
        return any(callable(part) for part in self._parts())

    def _parts(self) -> list[Any]:
        parts: list[Any] = [self.id, self.name, self.hint]
        for ref in self.concerns.values():
            parts += [ref.id, ref.name, ref.hint] if isinstance(ref, Ref) else [ref]
        return parts

    @property
    def needs(self) -> frozenset[str]:
        """The attributes that an entry is made of; all of them where a callable may ask for any."""
        if self.has_callables:
            return frozenset(self.columns)
        return frozenset(part for part in self._parts() if isinstance(part, str))


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

    table: str  # with its schema before it, where it has one
    key: tuple[str, ...]
    columns: Mapping[str, str]
    schema: str | None = None
    binary: frozenset[str] = frozenset()  # attributes that hold bytes, which are no text of an entry


def check_declared(catalogue: Catalogue, columns: Columns, declared: Declared) -> Tracked:
    """The declaration of a table, checked.

    Raises: ConfigurationError naming the table and what is wrong; ActionUnknownError naming the nearest action.
    """
    check = _Check(columns)
    kind = _kind(catalogue, check, declared)
    fields, ignore = _fields(check, declared), _names(check, "ignore", declared.ignore)
    for name in fields.values():
        if name not in kind.fields:
            raise check.fault("fields", f"{name!r} is not a field of the type {kind.name} in the catalogue")
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
        concerns=_concerns(catalogue, check, declared, actions=actions),
        fields=fields,
        ignore=frozenset(ignore),
        columns=dict(columns.columns),
        schema=columns.schema,
    )
    if declared.by == "triggers" and tracked.has_callables:
        raise check.fault("by", NO_CALLABLES)
    return tracked


def kind_of(value: Any) -> str:
    """What kind of thing a value is, in words and without the value: `a str`, `an Item`."""
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


class _Check(Struct, frozen=True):
    columns: Columns

    def fault(self, member: str, why: str) -> ConfigurationError:
        """A fault of the declaration, to be raised."""
        return ConfigurationError(f"track({self.columns.table}): {member}: {why}")

    def require(self, member: str, attribute: str) -> None:
        """Refuse an attribute that no column has."""
        if attribute not in self.columns.columns:
            raise self.fault(member, f"there is no column {attribute!r}")

    def part(self, member: str, part: Any) -> None:
        """Refuse what is neither an attribute's name nor a function that can be called at once."""
        if part is None:
            return
        if isinstance(part, str):
            self.require(member, part)
            if part in self.columns.binary:
                raise self.fault(member, f"{part!r} holds bytes: name one with a text, or give a callable")
        elif not callable(part):
            raise self.fault(member, f"is {kind_of(part)}, where an attribute's name or a callable is due")
        else:
            self.at_once(member, part)

    def at_once(self, member: str, function: Callable[[Any], Any]) -> None:
        """Refuse a function that is awaited: nobody awaits it while a row is written."""
        if iscoroutinefunction(function) or isasyncgenfunction(function):
            raise self.fault(member, "is awaited, and a row's entry is made at once: give a plain function")


def _kind(catalogue: Catalogue, check: _Check, declared: Declared) -> ItemType:
    """The type of a table's items, and that its id, name and hint can be read."""
    kind = _type(catalogue, check, "type", declared.type)
    if declared.by not in get_args(WrittenBy):
        raise check.fault("by", f"{declared.by!r} is not one of {', '.join(get_args(WrittenBy))}")
    if declared.category is not None and declared.category not in catalogue.categories:
        raise check.fault("category", f"{declared.category!r} is not declared in the catalogue")
    for member in ("name", "hint"):
        if getattr(declared, member) is not None and not kind.named:
            raise check.fault(member, f"is given, but the type {declared.type} takes no {member}")
    for member in ("id", "name", "hint"):
        check.part(member, getattr(declared, member))
    if declared.id is None and len(check.columns.key) == 1:
        check.part("id", check.columns.key[0])
    if declared.id is None and len(check.columns.key) != 1:
        raise check.fault(
            "id", f"has to be given: the primary key is {', '.join(check.columns.key) or 'empty'}"
        )
    return kind


def _type(catalogue: Catalogue, check: _Check, member: str, name: Any) -> ItemType:
    kind = catalogue.types.get(name) if isinstance(name, str) else None
    if kind is None:
        raise check.fault(member, f"{name!r} is not declared in the catalogue")
    return kind


def _names(check: _Check, member: str, names: Any) -> list[str]:
    """The attributes in a list of names."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise check.fault(member, f"is {kind_of(names)}, where a list of attributes' names is due")
    listed = list(names)
    for name in listed:
        if not isinstance(name, str):
            raise check.fault(member, f"has {kind_of(name)}, where an attribute's name is due")
        check.require(member, name)
    return listed


def _fields(check: _Check, declared: Declared) -> dict[str, str]:
    """What each attribute that may be named is called."""
    names = declared.fields
    fields = names if isinstance(names, Mapping) else {name: name for name in _names(check, "fields", names)}
    for attribute, name in zip(_names(check, "fields", fields), fields.values(), strict=True):
        if not isinstance(name, str):
            why = f"is called by {kind_of(name)}, where a field's name is due"
            raise check.fault(f"fields.{attribute}", why)
    return dict(fields)


def _actions(catalogue: Catalogue, check: _Check, declared: Declared) -> list[Action]:
    named: Any = {} if declared.actions is None else declared.actions
    if not isinstance(named, Mapping):
        why = f"is {kind_of(named)}, where a mapping is due: of {', '.join(OPS)} to the names of actions"
        raise check.fault("actions", why)
    if unknown := [op for op in named if op not in OPS]:
        raise check.fault("actions", f"{unknown[0]!r} is not one of {', '.join(OPS)}")
    if missing := [op for op in OPS if op not in named]:
        raise check.fault("actions", f"say what {', '.join(missing)} means; None is silence on purpose")
    for op, name in named.items():
        if name is not None and not isinstance(name, str):
            why = f"is {kind_of(name)}, where the name of an action or None is due"
            raise check.fault(f"actions.{op}", why)
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
    catalogue: Catalogue, check: _Check, declared: Declared, *, actions: list[Action]
) -> dict[str, Ref | Callable[[Any], Any]]:
    given: Any = {} if declared.concerns is None else declared.concerns
    if not isinstance(given, Mapping):
        why = f"is {kind_of(given)}, where a mapping is due: of parts to Refs or callables"
        raise check.fault("concerns", why)
    for part, ref in given.items():
        _ref(catalogue, check, f"concerns.{part}", ref)
    concerns = dict(given)
    if declared.owner is not None:
        _ref(catalogue, check, "owner", declared.owner)
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


def _ref(catalogue: Catalogue, check: _Check, member: str, ref: Any) -> None:
    """Refuse what points at no item, or at attributes that are not there."""
    if not isinstance(ref, Ref):
        if not callable(ref):
            due = "a Ref(type, id), or a callable that returns an Item, a list of Items or None, is due"
            raise check.fault(member, f"is {kind_of(ref)}, where {due}")
        check.at_once(member, ref)
        return
    kind = _type(catalogue, check, f"{member}.type", ref.type)
    if ref.id is None:
        raise check.fault(f"{member}.id", "has to be given")
    for name in ("name", "hint"):
        if getattr(ref, name) is not None and not kind.named:
            raise check.fault(f"{member}.{name}", f"is given, but the type {ref.type} takes no {name}")
    for name in ("id", "name", "hint"):
        check.part(f"{member}.{name}", getattr(ref, name))


def _owned(check: _Check, actions: list[Action], concerns: Mapping[str, Any]) -> str:
    """The part that the owner fills: the first that an action requires and nothing else gives."""
    for action in actions:
        for rule in action.concerns:
            if rule.least and rule.part not in concerns and rule.part not in action.filled:
                return rule.part
    raise check.fault("owner", "no action asks for one; give its part in concerns")
