"""Proofs over HTTP: the hashed bytes of an entry, its proof file, what opens its tokens, and the log as tiles.

Owns paths and headers of the C2SP reading side (tlog-tiles), behind the permission to read proofs. Refuses to
verify: whoever reads this does not take our word.
"""

import hashlib
from typing import Any

import msgspec
from litestar import Response

from trailbook.errors import InvalidError, NotFoundError, ProofInvalidError
from trailbook.tree.checkpoint import format_vkey
from trailbook.tree.merkle import parse_tile_path
from trailbook.web.api.recording import JSON
from trailbook.web.http.request import Asked

OCTETS, TEXT = "application/octet-stream", "text/plain; charset=utf-8"
_NEVER_CHANGES = {"Cache-Control": "private, max-age=31536000, immutable"}


def leaf(asked: Asked) -> Response[bytes]:
    """GET entries/{id}/leaf: the hashed bytes."""
    asked.only()
    return _octets(asked.log.leaf(asked.entry_id(asked.params["id"]), viewer=asked.viewer))


def proof(asked: Asked) -> Response[bytes]:
    """GET entries/{id}/proof: the entry's place in the last signed tree."""
    asked.only()
    found = asked.log.proof(asked.entry_id(asked.params["id"]), viewer=asked.viewer)
    name = f'attachment; filename="{asked.params["id"]}.tlog-proof"'
    return Response(found, headers={"Content-Disposition": name}, media_type=TEXT)


def identities(asked: Asked) -> Response[bytes]:
    """GET items/{type}/{id}/identities: what opens an item's tokens."""
    asked.only()
    found = asked.log.identities(asked.params["type"], asked.params["item"], viewer=asked.viewer)
    return Response(msgspec.json.encode(found), media_type=JSON)


def checkpoint(asked: Asked) -> Response[bytes]:
    """GET /log/{org}/checkpoint: the last signed head."""
    asked.only()
    return Response(asked.log.checkpoint(viewer=asked.viewer), media_type=TEXT)


def key(asked: Asked) -> Response[bytes]:
    """GET /log/{org}/key: the keys that verify the heads, oldest first."""
    asked.only()
    asked.log.checkpoint(viewer=asked.viewer)
    keys = asked.site.deployment.verifier_keys(asked.org)
    return Response("".join(f"{format_vkey(one)}\n" for one in keys).encode(), media_type=TEXT)


def tile(asked: Asked) -> Response[bytes]:
    """GET /log/{org}/tile/...: a tile of hashes, or a bundle of entries."""
    asked.only()
    try:
        level, index, width = parse_tile_path(f"tile/{asked.params['tile'].strip('/')}")
    except (InvalidError, ProofInvalidError):
        raise NotFoundError("the log has no such tile") from None
    return _octets(asked.log.tile(level, index, width, viewer=asked.viewer), _NEVER_CHANGES)


def _octets(content: bytes, more: dict[str, Any] | None = None) -> Response[bytes]:
    etag = {"ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"'}
    return Response(content, headers={**etag, **(more or {})}, media_type=OCTETS)
