"""Cells into entries: what the rows of one file say, under a mapping.

Owns which cell is which member, what tells a row from all others, and which rows are passed over on purpose. Space
around a cell goes, and words stand for words. Refuses to look at a cell that no member names, and to make one item of a
cell that looks like several.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from trailbook.adapters.json_text import malformed
from trailbook.adapters.mapping import SURROGATE, Plan
from trailbook.adapters.members import entry_of_groups, first_address, invalid, leave_out, split_member
from trailbook.catalogue import Catalogue
from trailbook.model import NewEntry

IdFrom = Callable[[str], UUID]

_SEVERAL = re.compile("[;,]")
_SEVERAL_IDS = "looks like several ids: [lists] of the mapping says what parts them, or that it is one"
_quoted = json.encoder.encode_basestring_ascii


class RowEntry(Struct, frozen=True, gc=False):
    """What a row says: its entry, and the members left out because their cells do not read."""

    entry: NewEntry
    left_out: tuple[str, ...] = ()


class _Slot(Struct, frozen=True):
    """A member that a column gives: its group and name, words for words, and whether it is one id."""

    member: str
    group: str
    name: str
    words: Mapping[str, str]
    single: bool


class RowReader:
    """Reads the rows of one file."""

    def __init__(self, plan: Plan, columns: Sequence[str], catalogue: Catalogue) -> None:
        self._plan = plan
        self._catalogue = catalogue
        self._time = plan.time_reader()
        self._places = [columns.index(column) for column in plan.columns.values()]
        self._slots = [_slot(plan, member) for member in plan.columns]
        self._fixed: dict[str, dict[str, str]] = {"": {}, "actor": {}, "target": {}, "origin": {}}
        for member in (*plan.columns, *plan.fixed):
            group, name = split_member(member)
            texts = self._fixed.setdefault(group, {})
            if member in plan.fixed:
                texts[name] = plan.fixed[member]
        self._skip = [(columns.index(column), frozenset(texts)) for column, texts in plan.skip.items()]
        self._may_leave_out = bool(plan.leave_out or plan.lists)
        self._foreign_id = _foreign_id(plan, columns)

    def passes_over(self, cells: Sequence[str]) -> bool:
        """Whether a row is skipped on purpose: there is nothing in it, or the mapping says so."""
        return not any(map(str.strip, cells)) or any(cells[at].strip() in texts for at, texts in self._skip)

    def read(self, cells: Sequence[str], id_from: IdFrom) -> RowEntry:
        """The entry of a row, its id made of what tells it apart unless a column has one. Raises: EntryInvalidError."""
        groups = {group: texts.copy() for group, texts in self._fixed.items()}
        texts = [cells[at].strip() for at in self._places]
        for slot, text in zip(self._slots, texts, strict=True):
            meant = slot.words.get(text, text) if slot.words else text
            if not meant:
                continue
            if slot.single and _SEVERAL.search(meant):
                raise invalid(slot.member, _SEVERAL_IDS)
            groups[slot.group][slot.name] = meant
        if not "".join(texts).isascii():
            self._refuse_other_than_utf8(texts)
        if self._plan.first_address and "ip" in groups["origin"]:
            groups["origin"]["ip"] = first_address(groups["origin"]["ip"])
        left_out = tuple(leave_out(groups, self._plan, self._catalogue)) if self._may_leave_out else ()
        id_ = None if "id" in groups[""] else id_from(self._foreign_id(cells))
        return RowEntry(entry_of_groups(groups, self._plan, self._time, id_=id_), left_out)

    def _refuse_other_than_utf8(self, texts: Sequence[str]) -> None:
        for slot, text in zip(self._slots, texts, strict=True):
            if SURROGATE.search(text):
                raise invalid(slot.member, "is not UTF-8")


def _slot(plan: Plan, member: str) -> _Slot:
    group, name = split_member(member)
    return _Slot(
        member=member,
        group=group,
        name=name,
        words=plan.values.get(member, {}),
        single=name == "id" and group != "" and group not in plan.lists,
    )


def _foreign_id(plan: Plan, columns: Sequence[str]) -> Callable[[Sequence[str]], str]:
    """What tells a row from all others, as JSON: its own id, or all of it. It raises EntryInvalidError."""
    head = f'["csv",{_quoted(plan.source)},['
    if plan.line_id is None:
        # What the host says of somebody today may change, and the row is the same.
        hints = {column for member, column in plan.columns.items() if member.endswith(".hint")}
        hints -= {column for member, column in plan.columns.items() if not member.endswith(".hint")}
        order = sorted((column, at) for at, column in enumerate(columns) if column not in hints)
        pairs = [(f"[{_quoted(column)},", at) for column, at in order]
        # Written by hand, for speed: a test holds it against the writing of JSON.
        return lambda cells: f"{head}{','.join([f'{column}{_quoted(cells[at])}]' for column, at in pairs])}]]"
    at = columns.index(plan.line_id)

    def own_id(cells: Sequence[str]) -> str:
        text = cells[at].strip()
        if not text:
            raise malformed(f"has nothing in the column {plan.line_id!r} that tells it apart")
        return f"{head}{_quoted(text)}]]"

    return own_id
