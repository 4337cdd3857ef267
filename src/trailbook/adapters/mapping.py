"""A mapping: which column of somebody's CSV file is which member of an entry.

Owns the mapping file (TOML), and how one row becomes one entry. Refuses to guess: a column that is not there, a
member nobody knows and a time that does not read are named; what no column is mapped to is never looked at.
"""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from trailbook.errors import ConfigurationError, EntryInvalidError, Fault, FilterInvalidError
from trailbook.model import NewEntry, entry_from, is_slug, written
from trailbook.query import zone

_ITEMS = ("actor", "target", "on_behalf_of")
_PLAIN = (
    "action",
    "category",
    "outcome",
    "purpose",
    "effective_at",
    "correlation",
    "caused_by",
    "occurred_at",
)
MEMBERS = frozenset(
    [*_PLAIN, "fields", "id", "actor.kind", "origin.interface", "origin.ip", "origin.user_agent"]
    + [f"{item}.{of}" for item in _ITEMS for of in ("type", "id", "name")]
)
_TIMES = ("occurred_at",)


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping file: where rows come from, and member -> column, member -> fixed text, member -> words for words.

    `line_id` is the column that tells rows apart; without one the whole row does. Times without an offset are
    those of `zone`, in `time_format` (as strptime has it) or ISO 8601.
    """

    source: str
    columns: dict[str, str]
    fixed: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    line_id: str | None = None
    delimiter: str = ","
    zone: str | None = None
    time_format: str | None = None
    separator: str = ";"


def read_plan(raw: bytes) -> Plan:
    """The mapping of a TOML file. Raises: ConfigurationError naming the key that is wrong."""
    try:
        plan = msgspec.convert(tomllib.loads(raw.decode("utf-8")), Plan)
    except (
        UnicodeDecodeError,
        tomllib.TOMLDecodeError,
        msgspec.ValidationError,
        FilterInvalidError,
    ) as error:
        raise ConfigurationError(f"the mapping: {error}") from None
    for name in (*plan.columns, *plan.fixed, *plan.values):
        if name not in MEMBERS and not _is_concern(name):
            raise ConfigurationError(
                f"the mapping: {name[:80]!r} is no member of an entry; known are "
                f"{', '.join(sorted(MEMBERS))}, and concerns.PART.type, .id and .name"
            )
    both = sorted(plan.columns.keys() & plan.fixed.keys())
    if both:
        raise ConfigurationError(f"the mapping: {both[0]!r} has a column and a fixed text")
    _check_zone(plan)
    if not plan.source or len(plan.delimiter) != 1:
        raise ConfigurationError("the mapping: source is empty, or delimiter is not one character")
    return plan


def _check_zone(plan: Plan) -> None:
    try:
        zone(plan.zone or "UTC")
    except FilterInvalidError as error:
        raise ConfigurationError(f"the mapping: zone {plan.zone!r} {error.faults[0].detail}") from None


def check_heading(plan: Plan, heading: Sequence[str]) -> None:
    """Refuse a file that lacks a column, or has it twice. Raises: ConfigurationError."""
    for column in [*plan.columns.values(), *([plan.line_id] if plan.line_id else [])]:
        if heading.count(column) != 1:
            how = "is not in the file" if column not in heading else "is in the file twice"
            raise ConfigurationError(f"the mapping: the column {column[:80]!r} {how}")


def entry_of_row(plan: Plan, row: Mapping[str, str]) -> NewEntry:
    """The entry that a row says, without an id unless a column has one. Raises: EntryInvalidError."""
    members: dict[str, Any] = {}
    for name, text in plan.fixed.items():
        _put(members, name, text)
    for name, column in plan.columns.items():
        text = plan.values.get(name, {}).get(row[column], row[column])
        if text:
            _put(members, name, _value(plan, name, text))
    concerns = members.pop("concerns", {})
    if concerns:
        members["concerns"] = [{"part": part, **item} for part, item in concerns.items() if "id" in item]
    return entry_from(members)


def _value(plan: Plan, name: str, text: str) -> Any:
    if name == "fields":
        return [part.strip() for part in text.split(plan.separator) if part.strip()]
    return _time(plan, name, text) if name in _TIMES else text


def _time(plan: Plan, name: str, text: str) -> str:
    try:
        if plan.time_format is None:
            at = datetime.fromisoformat(text)
        else:
            at = datetime.strptime(text, plan.time_format)  # noqa: DTZ007  # its zone is the mapping's
    except ValueError:
        raise _invalid(name, "is not a time that the mapping reads") from None
    if at.tzinfo is None:
        if plan.zone is None:
            raise _invalid(name, "has no offset, and the mapping names no zone")
        at = at.replace(tzinfo=zone(plan.zone))
        if at.utcoffset() != at.replace(fold=1).utcoffset():
            raise _invalid(name, f"is there twice, or not at all, in {plan.zone}: the clocks changed")
    return written(at)


def _put(members: dict[str, Any], name: str, value: Any) -> None:
    *path, last = name.split(".")
    for step in path:
        members = members.setdefault(step, {})
    members[last] = value


def _is_concern(name: str) -> bool:
    parts = name.split(".")
    return (
        len(parts) == 3
        and parts[0] == "concerns"
        and is_slug(parts[1])
        and parts[2] in ("type", "id", "name")
    )


def _invalid(name: str, detail: str) -> EntryInvalidError:
    return EntryInvalidError((Fault(f"/{name.replace('.', '/')}", "entry-invalid", detail),))
