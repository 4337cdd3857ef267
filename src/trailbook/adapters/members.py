"""Members of an entry from the texts of one row, grouped as a mapping names them.

Owns how a text is read: a time in the mapping's form, several items from a cell where the mapping says what parts them,
an address out of a list. Refuses what does not read; of what an entry can be without, a mapping may say that it is left
out then, which is told.
"""

import ipaddress
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec

from trailbook.adapters.mapping import Plan
from trailbook.adapters.times import ReadTime
from trailbook.catalogue import Catalogue
from trailbook.errors import EntryInvalidError, Fault
from trailbook.model import MAX_ID, MAX_USER_AGENT, NewEntry, ip_fault, shape_faults, text_fault
from trailbook.query import parse_day

# Texts by group and name: of `actor.id` the group is `actor`, of `concerns.member.id` it is `concerns.member`.
Groups = dict[str, dict[str, str]]

_CONCERNS = "concerns."
_BETWEEN = re.compile(r"[,;\s]+")
_PORT = re.compile(r"\[([^\]]+)\](?::\d+)?|([^:]+):\d+")


def entry_of_groups(groups: Groups, plan: Plan, read_time: ReadTime, *, id_: UUID | None) -> NewEntry:
    """The entry that these texts say; `id_` is its id where none of them is. Raises: EntryInvalidError."""
    members: dict[str, Any] = {"id": id_, **groups[""]}
    members |= {group: groups[group] for group in ("actor", "target", "origin")}
    if "occurred_at" in members:
        try:
            members["occurred_at"] = read_time(members["occurred_at"])
        except ValueError as why:
            raise invalid("occurred_at", str(why)) from None
    if "fields" in members:
        members["fields"] = _parted(members["fields"], plan.separator)
    if "id" in groups.get("on_behalf_of", {}):
        members["on_behalf_of"] = groups["on_behalf_of"]
    parts = [group for group in groups if group.startswith(_CONCERNS)]
    members["concerns"] = [concern for part in parts for concern in _concerns(part, groups[part], plan)]
    try:
        return msgspec.convert(members, NewEntry)
    except msgspec.ValidationError:
        raise EntryInvalidError(shape_faults(members, NewEntry)) from None


def leave_out(groups: Groups, plan: Plan, catalogue: Catalogue) -> Iterator[str]:
    """Take out what may be left out and does not read; the members that were.

    That is what the mapping names, and the names of several items that are not as many as their ids.
    """
    for group, separator in plan.lists.items():
        texts = groups[group]
        if separator and _count(texts, "name", separator) not in (0, _count(texts, "id", separator)):
            del texts["name"]
            yield f"{group}.name"
    for member in plan.leave_out:
        group, name = split_member(member)
        if name in groups[group] and not _reads(member, groups, plan, catalogue):
            del groups[group][name]
            yield member


def first_address(text: str) -> str:
    """The first of several addresses, without a port and in its canonical form; the text itself where there is none."""
    first = _BETWEEN.split(text, maxsplit=1)[0]
    port = _PORT.fullmatch(first)
    try:
        return str(ipaddress.ip_address(port[1] or port[2] if port else first))
    except ValueError:
        return text


def split_member(member: str) -> tuple[str, str]:
    """The group of a member, empty where it stands by itself, and its name there."""
    group, _, name = member.rpartition(".")
    return group, name


def invalid(member: str, detail: str) -> EntryInvalidError:
    """The refusal of a member that does not read."""
    return EntryInvalidError((Fault(f"/{member.replace('.', '/')}", "entry-invalid", detail),))


def _reads(member: str, groups: Groups, plan: Plan, catalogue: Catalogue) -> bool:
    """Whether a text may be this member, as far as the record and the catalogue say."""
    group, name = split_member(member)
    text = groups[group][name]
    match member:
        case "origin.ip":
            return ip_fault(text) is None
        case "origin.user_agent":
            return text_fault(text, MAX_USER_AGENT) is None
        case "correlation":
            return text_fault(text, MAX_ID) is None
        case "purpose":
            return text in catalogue.purposes
        case "fields":
            names = _parted(text, plan.separator)
            target = catalogue.types.get(groups["target"].get("type", ""))
            return len(set(names)) == len(names) and (target is None or target.fields.issuperset(names))
    try:
        parse_day(text) if member == "effective_at" else msgspec.convert(text, UUID)
    except (ValueError, msgspec.ValidationError):
        return False
    return True


def _concerns(group: str, texts: dict[str, str], plan: Plan) -> Iterator[dict[str, str]]:
    """The items of a part: none without an id, several where the mapping says what parts them."""
    if "id" not in texts:
        return
    item = {"part": group.removeprefix(_CONCERNS), **texts}
    separator = plan.lists.get(group)
    if not separator:
        yield item
        return
    ids = _cut(texts["id"], separator)
    names = _cut(item.pop("name"), separator) if "name" in item else [""] * len(ids)
    for id_, name in zip(ids, names, strict=True):
        if id_:
            yield {**item, "id": id_, **({"name": name} if name else {})}


def _count(texts: dict[str, str], name: str, separator: str) -> int:
    return len(_cut(texts[name], separator)) if name in texts else 0


def _parted(text: str, separator: str) -> list[str]:
    return [part for part in _cut(text, separator) if part]


def _cut(text: str, separator: str) -> list[str]:
    return [part.strip() for part in text.split(separator)]
