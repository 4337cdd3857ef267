"""Entry -> tokens -> body bytes -> leaf: the only serialiser whose bytes are hashed.

Owns the token commitment, the canonical JSON body and how a correlation is written in it
(docs/reference/format-record.md).
Refuses to touch a directory or a store, and never re-serialises a stored body. The formats are frozen:
golden files pin every byte, and a change is a new version `v` beside this one.
"""

import base64
import hashlib
import hmac
import re
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from trailbook.errors import DamagedError, EntryInvalidError, Fault
from trailbook.model import MAX_BODY, Item, Kind, NewEntry, Origin, written

_ITEM = b"trailbook/item/v1\x00"
_HEX32 = re.compile(r"[0-9a-f]{32}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class BodyActor(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The actor in a body: token and kind."""

    item: str
    kind: Kind


class BodyConcern(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A concerned item in a body: token and part."""

    item: str
    part: str


class BodyOrigin(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The origin in a body: interface and, where an address or agent was given, its token."""

    interface: str
    item: str | None = None


class Body(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The hashed members; declared in sorted order, so that msgspec writes them canonically.

    Source: RFC 8785, restricted to ASCII keys, strings, arrays, objects and one integer.
    """

    action: str
    actor: BodyActor
    category: str
    caused_by: str | None = None
    concerns: tuple[BodyConcern, ...] = ()
    correlation: str | None = None
    effective_at: str | None = None
    fields: tuple[str, ...] = ()
    id: str
    occurred_at: str
    on_behalf_of: str | None = None
    origin: BodyOrigin
    outcome: str
    purpose: str | None = None
    recorded_at: str
    source: str
    target: str
    v: int

    def tokens(self) -> tuple[str, ...]:
        """Every token the body cites, repeats included: actor, target, source, the rest."""
        rest = tuple(t for t in (self.on_behalf_of, self.origin.item) if t is not None)
        concerned = tuple(c.item for c in self.concerns)
        return (self.actor.item, self.target, self.source, *rest, *concerned)


class Cited(Struct, frozen=True, kw_only=True, gc=False):
    """The tokens under which one entry's items stand in its body; `concerns` in the entry's order."""

    actor: str
    target: str
    source: str
    on_behalf_of: str | None = None
    origin: str | None = None
    concerns: tuple[str, ...] = ()


_decoder = msgspec.json.Decoder(Body)


def token_of(preimage: bytes, salt: bytes) -> str:
    """The 32-character commitment to an item version's canonical JSON under its 16-byte salt."""
    digest = hashlib.sha256(_ITEM + salt + preimage).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode()


def canonical_json(value: Any) -> bytes:
    """Canonical JSON of dicts and strings. Source: RFC 8785 (keys here are ASCII)."""
    return msgspec.json.encode(value, order="sorted")


def item_preimage(item: Item) -> bytes:
    """Canonical JSON of {id, name?, type}: what an item's token commits to."""
    named = {} if item.name is None else {"name": item.name}
    return canonical_json({"type": item.type, "id": item.id, **named})


def origin_preimage(ip: str | None, user_agent: str | None) -> bytes:
    """Canonical JSON of {ip?, type: "origin", user_agent?}: what an origin's token commits to."""
    members = {"type": "origin", "ip": ip, "user_agent": user_agent}
    return canonical_json({name: text for name, text in members.items() if text is not None})


def has_place(origin: Origin) -> bool:
    """Whether the origin says more than its interface, and so needs a token."""
    return origin.ip is not None or origin.user_agent is not None


def correlation_digits(correlation: str, key: bytes) -> str:
    """32 hex digits: a UUID or trace id as it is, anything else as HMAC-SHA256 under the organisation's key."""
    if _HEX32.fullmatch(correlation):
        return correlation
    if _UUID.fullmatch(correlation):
        return correlation.replace("-", "").lower()
    return hmac.digest(key, correlation.encode(), "sha256")[:16].hex()


class EntryStamp(Struct, frozen=True, kw_only=True, gc=False):
    """What the log itself adds to an entry: id, time of recording (microseconds) and the organisation's key."""

    id: UUID
    recorded_at: str
    key: bytes


def encode_body(entry: NewEntry, cited: Cited, stamp: EntryStamp) -> bytes:
    """The canonical body of a completed entry (category and concerns filled in).

    Raises: EntryInvalidError when the body would be longer than 65,535 bytes.
    """
    # Written by hand, for speed: every part is ASCII without a quote or a backslash (slugs of the catalogue, tokens,
    # hex, times), so nothing needs escaping. A test holds it against msgspec's writing of `Body`.
    origin, fields, correlation = entry.origin, entry.fields, entry.correlation
    body = (
        f'{{"action":"{entry.action}","actor":{{"item":"{cited.actor}","kind":"{entry.actor.kind}"}},'
        f'"category":"{entry.category or ""}"'
        f"{_member('caused_by', entry.caused_by)}{_concerns(entry, cited) if entry.concerns else ''}"
        f"{_member('correlation', correlation_digits(correlation, stamp.key)) if correlation else ''}"
        f"{_member('effective_at', entry.effective_at)}"
        f"{_fields(fields) if fields else ''}"
        f',"id":"{stamp.id}","occurred_at":"{written(entry.occurred_at)}"'
        f"{_member('on_behalf_of', cited.on_behalf_of)}"
        f',"origin":{{"interface":"{origin.interface}"{_member("item", cited.origin)}}}'
        f',"outcome":"{entry.outcome}"{_member("purpose", entry.purpose)}'
        f',"recorded_at":"{stamp.recorded_at}","source":"{cited.source}","target":"{cited.target}","v":1}}'
    ).encode("ascii")
    if len(body) > MAX_BODY:
        raise EntryInvalidError((Fault("", "entry-invalid", f"its body is longer than {MAX_BODY} bytes"),))
    return body


def _member(name: str, value: object) -> str:
    return "" if value is None else f',"{name}":"{value}"'


def _concerns(entry: NewEntry, cited: Cited) -> str:
    if len(entry.concerns) == 1:  # the common case, and the set below is half of what a body costs
        return f',"concerns":[{{"item":"{cited.concerns[0]}","part":"{entry.concerns[0].part}"}}]'
    pairs = {(c.part, item) for c, item in zip(entry.concerns, cited.concerns, strict=True)}
    members = ",".join(f'{{"item":"{item}","part":"{part}"}}' for part, item in sorted(pairs))
    return f',"concerns":[{members}]'


def _fields(names: tuple[str, ...]) -> str:
    joined = '","'.join(sorted(set(names)))
    return f',"fields":["{joined}"]'


def decode_body(body: bytes) -> Body:
    """Read a stored body. Raises: DamagedError when it is not one."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedError(f"a stored body cannot be read: {error}") from error
