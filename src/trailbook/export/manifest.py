"""The manifest of an export: which filter, how many entries, of which log, and the digest of the file, signed.

Owns its members and its form: a C2SP signed note, as the manifest of a bundle is. Refuses to say a root that was
not signed: where a log has no keys there is no manifest.
"""

from typing import Any, cast

from msgspec import Struct

from trailbook.access import operator
from trailbook.deployment import Deployment
from trailbook.errors import ConfigurationError
from trailbook.export.bundle import filter_label
from trailbook.export.format import FORMATS, Format
from trailbook.export.orders import ExportOrder
from trailbook.model import written
from trailbook.query import from_params, in_words
from trailbook.record import canonical_json
from trailbook.tree import Note, format_note, sign


class Facts(Struct, frozen=True, kw_only=True):
    """What was written: how many entries, between which seqs, the SHA-256 of each file in hex, and its bytes."""

    count: int
    as_of: int
    first_seq: int | None
    last_seq: int | None
    files: dict[str, str]
    sizes: dict[str, int]


def signed_manifest(deployment: Deployment, order: ExportOrder, facts: Facts) -> bytes | None:
    """The signed manifest; None for a log without signing keys. Raises: NotCheckpointedError."""
    org = order.viewer.org
    log = deployment.log(org)
    try:
        keys = deployment.verifier_keys(org)
    except ConfigurationError:
        return None
    checkpoint = log.evidence(viewer=operator(org)).checkpoint
    query = from_params(order.filter)
    members: dict[str, Any] = {
        "as_of": facts.as_of,
        "count": facts.count,
        "created_at": written(log.clock()),
        "files": facts.files,
        "filter": [list(pair) for pair in order.filter],
        "filter_words": in_words(
            query, lambda field, value: filter_label(log, field, value, order.lang), order.lang
        ),
        "format": order.format,
        "kind": "file",
        "lang": order.lang,
        "order": FORMATS[cast(Format, order.format)].order,
        "org": org,
        "origin": checkpoint.origin,
        "root": checkpoint.root.hex(),
        "size": checkpoint.size,
        "sizes": facts.sizes,
        "tz": order.tz,
        "v": 1,
    }
    if order.columns is not None:
        members["columns"] = list(order.columns)
    if order.preset is not None:
        members["preset"] = order.preset
    if facts.first_seq is not None:
        members |= {"first_seq": facts.first_seq, "last_seq": facts.last_seq}
    text = canonical_json(members).decode() + "\n"
    signer = deployment.signing.keyring.signers(keys[0].name)[0]
    return format_note(Note(text, (sign(text, signer),)))
