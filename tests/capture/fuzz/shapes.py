"""What a random schema is made of: tables with what the host declares of them, and values that no row has had.

Owns that each table has items of a type of its own, so that an entry tells whose row it is of. Refuses to draw one:
`schemas.py` does.
"""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import Column, MetaData
from sqlalchemy.orm import registry

Ident = tuple[str, ...]
OPS = ("created", "updated", "deleted")


class Items(Struct, frozen=True):
    """The items that rows of a kind are: their type, what their changes are called, and two fields of them."""

    type: str
    actions: tuple[str, str, str]
    fields: tuple[str, str] = ("description", "status")


ITEMS = {
    "asset": Items("asset", ("asset.created", "asset.updated", "asset.deleted"), ("note", "status")),
    "goal": Items("goal", ("goal.created", "goal.updated", "goal.deleted")),
    "task": Items("task", ("task.created", "task.due_date_changed", "task.deleted")),
    "role": Items("role", ("role.created", "role.updated", "role.deleted")),
    "link": Items(
        "clock_entry",
        ("clock_entry.added", "clock_entry.corrected", "clock_entry.deleted"),
        ("note", "status"),
    ),
    "family": Items("team", ("team.created", "team.updated", "team.deleted")),
    "child": Items("location", ("location.created", "location.updated", "location.deleted")),
}
OWNERS = {"asset": "holder", "goal": "owner", "task": "assignee"}
SECONDS = {"task": "subject", "link": "owner"}  # the part that tells the second column of a key
SCHEMA = "Side"


class Shape(Struct, kw_only=True):
    """A table of the host and what it declares: its columns by attribute, its class if it is mapped."""

    kind: str
    table: Any = None  # made once its columns are known
    columns: dict[str, Column[Any]]
    key: tuple[str, ...]
    actions: dict[str, str | None]
    keys: Literal["auto", "given"] = "given"
    identity: Literal["key", "code", "called"] = "key"  # what the declaration makes an item's id of
    fields: dict[str, str] = {}
    model: Any = None
    rest: Any = None  # the table of a class that inherits, where it has its own
    child: Any = None  # the class that inherits
    child_actions: dict[str, str | None] = {}
    base_is_tracked: bool = True
    parent: "Shape | None" = None
    sides: "tuple[Shape, Shape] | None" = None  # what an association joins
    by_itself: bool = (
        False  # whether the database changes rows here when one of a parent's goes or is renamed
    )

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of which kinds its rows may be."""
        return (self.kind, "child") if self.kind == "family" else (self.kind,)

    def actions_of(self, kind: str) -> dict[str, str | None]:
        """What the changes of its rows of a kind are called; None where that is silent."""
        return self.child_actions if kind == "child" else self.actions

    def kind_of(self, row: Mapping[str, Any]) -> str | None:
        """The kind of a row, by its class; None of what is not tracked."""
        if self.kind == "family" and row.get("kind") == "child":
            return "child"
        return self.kind if self.base_is_tracked else None

    def ident(self, row: Mapping[str, Any]) -> Ident:
        """What an entry calls a row: by its key, by another attribute, or by what a callable makes of it."""
        if self.identity == "key":
            return tuple(str(row[name]) for name in self.key)
        return (str(row["code"]),) if self.identity == "code" else (f"{row['k1']}:{row['k2']}",)

    def part(self, attribute: str) -> str:
        """What the declaration calls an attribute: a table's column goes by its key."""
        return attribute if self.model is not None else str(self.columns[attribute].key)

    def is_text(self, attribute: str) -> bool:
        """Whether a column holds text."""
        return self.columns[attribute].type.python_type is str


class Schema(Struct, kw_only=True):
    """The tables of one host, parents first."""

    meta: MetaData
    mappers: registry
    shapes: list[Shape]
    numbers: "Numbers"


class Numbers:
    """Values that no row has had before."""

    def __init__(self) -> None:
        self._last = 1000

    def number(self) -> int:
        """A new number."""
        self._last += 1
        return self._last

    def word(self) -> str:
        """A new text; now and then such as no parser should trip over."""
        number = self.number()
        return f"v{number}" if number % 23 else f'v{number}\'; DELETE FROM "thing" -- ?'
