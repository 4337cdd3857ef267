"""JSON lines: one entry a line, exactly as the API answers it, for programs and for import.

Owns nothing but the line; the members are those of `Shown`. Refuses to leave any of them out.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw, structs

from trailbook.finding import Shown, ShownActor, ShownConcern
from trailbook.model import KINDS

if TYPE_CHECKING:  # whoever exports has a log open; naming formats needs none
    from trailbook.finding import ExportLine, Face

_encoder = msgspec.json.Encoder()
# What is written of items is their JSON, made once an item; a Struct takes it where it would have the item.
_shown: Any = Shown
_ACTING = {kind: f"acting/{kind}" for kind in KINDS}  # no part of a concern has a slash


def jsonl_file(batches: Iterable["list[ExportLine]"]) -> Iterator[bytes]:
    """The file in pieces, a line an entry."""
    for batch in batches:
        yield _encoder.encode_lines([_entry(line) for line in batch])


def _entry(line: "ExportLine") -> Any:
    body = line.body
    return _shown(
        id=body.id,
        seq=line.seq,
        occurred_at=body.occurred_at,
        recorded_at=body.recorded_at,
        category=body.category,
        action=body.action,
        outcome=body.outcome,
        actor=line.actor.raw.get(_ACTING[body.actor.kind]) or _acting(line),
        target=line.target.raw.get("") or _raw(line.target),
        on_behalf_of=None if line.behalf is None else line.behalf.raw.get("") or _raw(line.behalf),
        concerns=[face.raw.get(part) or _raw(face, part) for part, face in line.concerns],
        fields=body.fields,
        purpose=body.purpose,
        effective_at=body.effective_at,
        correlation=body.correlation,
        caused_by=body.caused_by,
        origin=line.origin.raw,
        source=line.source.raw.get("") or _raw(line.source),
        self_=line.own,
        sentence=line.sentence,
        link=line.target.link,
        state=line.state,
    )


def _acting(line: "ExportLine") -> Raw:
    kind = line.body.actor.kind
    shown = ShownActor(kind=kind, **structs.asdict(line.actor.shown))
    raw = line.actor.raw[_ACTING[kind]] = Raw(_encoder.encode(shown))
    return raw


def _raw(face: "Face", part: str = "") -> Raw:
    """An item's JSON, as it is or with its part, kept with it."""
    shown = ShownConcern(part=part, **structs.asdict(face.shown)) if part else face.shown
    raw = face.raw[part] = Raw(_encoder.encode(shown))
    return raw
