"""`witness`: cosign the heads of other people's logs, and say what was seen of them.

Owns the witness's socket and its words on the terminal. Needs no log here, and opens none.
"""

import importlib
import secrets
import signal
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import typer

from trailbook import tree, web, witness
from trailbook.cli.context import JSON
from trailbook.cli.exits import DONE, FINDINGS
from trailbook.cli.output import as_json, counted, put
from trailbook.cli.serve import address_of, bound
from trailbook.clock import utc_now
from trailbook.model import instant, written

if TYPE_CHECKING:
    from trailbook.tree import SignerKey
    from trailbook.witness import CosignedHead, Cosigner, RefusedHead, WitnessSettings

group = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="Cosign the heads of other people's logs."
)
FILE = typer.Argument("witness.toml", metavar="FILE", help="The witness's settings.")
_PROVED = "the log's key signed two histories"
_UNPROVED = "whoever sent it gave no proof that it extends that one"


@group.command("keys")
def keys(file: Path = FILE, json: bool = JSON) -> None:
    """Print the witness's public keys, for the logs that ask it; make them where there are none."""
    settings = witness.read_witness_settings(file)
    if not settings.key_file.exists():
        # The keys last: with keys and without the file the witness would seem to have forgotten.
        if not settings.heads_file.exists():
            witness.begin_heads(settings.heads_file)
        witness.write_witness_keys(settings.key_file, settings.name, secrets.token_bytes)
    vkeys = [tree.format_vkey(tree.verifier_of(key)) for key in _keys(settings)]
    put(*([as_json({"keys": vkeys})] if json else vkeys))


@group.command("serve")
def serve(
    file: Path = FILE,
    listen: str | None = typer.Option(
        None, metavar="HOST:PORT", help="Where to listen; else as the file says."
    ),
    json: bool = JSON,
) -> None:
    """Cosign what the logs of the file submit, and refuse whatever is not one history."""
    settings = witness.read_witness_settings(file)
    signers, heads = _keys(settings), witness.Heads(settings.heads_file)
    try:
        with bound(listen or settings.listen) as listening:
            address = address_of(listening)
            put(as_json({"address": address, "name": settings.name}) if json else address)
            sys.stdout.flush()
            _run(witness.Cosigner(keys=signers, logs=settings.logs, heads=heads, clock=utc_now), listening)
    finally:
        heads.close()


@group.command("status")
def status(file: Path = FILE, json: bool = JSON) -> int:
    """Say which head of each log was cosigned last, and every one that was refused; exit 1 when a log forked."""
    settings = witness.read_witness_settings(file)
    heads = witness.Heads(settings.heads_file)
    try:
        cosigned, refused = {head.origin: head for head in heads.cosigned()}, heads.refused()
    finally:
        heads.close()
    origins = sorted({*settings.logs, *cosigned})
    if json:
        logs = [{"origin": origin, "last": _last(cosigned.get(origin))} for origin in origins]
        put(as_json({"name": settings.name, "logs": logs, "refused": [_refused(head) for head in refused]}))
    else:
        put(*(_sentence(origin, cosigned.get(origin)) for origin in origins), *map(_refusal, refused))
    return FINDINGS if any(head.proved for head in refused) else DONE


def _keys(settings: "WitnessSettings") -> "tuple[SignerKey, ...]":
    return witness.read_witness_keys(settings.key_file, settings.name)


def _run(cosigner: "Cosigner", listening: socket.socket) -> None:
    uvicorn = importlib.import_module("uvicorn")
    limits = web.Limits()
    held = SimpleNamespace(state=SimpleNamespace(limits=limits, base_url=""))
    config = uvicorn.Config(
        witness.witness_app(cosigner),
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        lifespan="off",
        http=web.waiting(held),
        limit_concurrency=1000,
        timeout_keep_alive=limits.idle_seconds,
    )
    server = uvicorn.Server(config)
    # Before uvicorn listens for it nobody else would hear it.
    signal.signal(signal.SIGTERM, lambda *_: None if server.started else sys.exit(0))
    server.run(sockets=[listening])


def _when(seconds: int) -> str:
    return written(instant(seconds * 1_000_000))


def _last(head: "CosignedHead | None") -> dict[str, Any] | None:
    if head is None:
        return None
    return {"size": head.size, "root": head.root.hex(), "at": _when(head.time), "note": head.note.decode()}


def _refused(head: "RefusedHead") -> dict[str, Any]:
    return {
        "origin": head.origin,
        "size": head.size,
        "root": head.root.hex(),
        "at": _when(head.time),
        "after": head.held,
        "proved": head.proved,
        "note": head.note.decode(),
        "against": head.against.decode(),
    }


def _sentence(origin: str, head: "CosignedHead | None") -> str:
    if head is None:
        return f"{origin}: nothing cosigned yet."
    return f"{origin}: {counted(head.size, 'entry', 'entries')}, last cosigned {_when(head.time)}."


def _refusal(head: "RefusedHead") -> str:
    what = f"{head.origin}: refused {_when(head.time)}: a head of {counted(head.size, 'entry', 'entries')}"
    return f"{what} after the cosigned one of {head.held}: {_PROVED if head.proved else _UNPROVED}."
