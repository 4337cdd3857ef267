"""Proofs over HTTP: the hashed bytes of an entry, its proof file, what opens its tokens, and the log as tiles.

Owns paths and headers of the C2SP reading side (tlog-tiles), behind the permission to read proofs. Refuses to
verify: whoever reads this does not take our word.
"""

import hashlib
from typing import Any

import msgspec
from litestar import Response

from trailbook.errors import InvalidError, NotFoundError, ProofInvalidError
from trailbook.tree import format_key, parse_tile_path
from trailbook.web.http.media import JSON
from trailbook.web.http.request import Request

OCTETS, TEXT = "application/octet-stream", "text/plain"  # to a text the framework adds its charset, UTF-8
_NEVER_CHANGES = {"Cache-Control": "private, max-age=31536000, immutable"}


def leaf(request: Request) -> Response[bytes]:
    """GET entries/{id}/leaf: the hashed bytes."""
    request.only()
    return _octets(request.log.leaf(request.entry_id, viewer=request.viewer))


def proof(request: Request) -> Response[bytes]:
    """GET entries/{id}/proof: the entry's place in the last signed tree."""
    request.only()
    note = request.log.proof(request.entry_id, viewer=request.viewer)
    name = f'attachment; filename="{request.params["id"]}.tlog-proof"'
    return Response(note, headers={"Content-Disposition": name}, media_type=TEXT)


def identities(request: Request) -> Response[bytes]:
    """GET items/{type}/{id}/identities: what opens an item's tokens."""
    request.only()
    openings = request.log.identities(request.params["type"], request.params["item"], viewer=request.viewer)
    return Response(msgspec.json.encode(openings), media_type=JSON)


def checkpoint(request: Request) -> Response[bytes]:
    """GET /log/{org}/checkpoint: the last signed head."""
    request.only()
    return Response(request.log.checkpoint(viewer=request.viewer), media_type=TEXT)


def key(request: Request) -> Response[bytes]:
    """GET /log/{org}/key: the keys that verify the heads, oldest first, with the sizes that each signs."""
    request.only()
    request.log.checkpoint(viewer=request.viewer)
    ranges = request.site.deployment.key_ranges(request.org)
    return Response("".join(f"{format_key(range_)}\n" for range_ in ranges).encode(), media_type=TEXT)


def witnesses(request: Request) -> Response[bytes]:
    """GET /log/{org}/witnesses: who is asked to cosign the heads, and which of them each has seen."""
    request.only()
    request.log.checkpoint(viewer=request.viewer)
    seen = request.site.deployment.trust(request.org).witnesses
    return Response(msgspec.json.encode(seen), media_type=JSON)


def tile(request: Request) -> Response[bytes]:
    """GET /log/{org}/tile/...: a tile of hashes, or a bundle of entries."""
    request.only()
    try:
        level, index, width = parse_tile_path(f"tile/{request.params['tile'].strip('/')}")
    except (InvalidError, ProofInvalidError):
        raise NotFoundError("the log has no such tile") from None
    return _octets(request.log.tile(level, index, width, viewer=request.viewer), _NEVER_CHANGES)


def _octets(content: bytes, more: dict[str, Any] | None = None) -> Response[bytes]:
    etag = {"ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"'}
    return Response(content, headers={**etag, **(more or {})}, media_type=OCTETS)
