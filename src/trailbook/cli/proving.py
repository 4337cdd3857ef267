"""Proofs and keeping: signing keys, checkpoints, proof files, backup, restore, erasure.

Owns what an operator does beside recording and reading. Refuses to restore in silence: a log that lost entries
goes on only as a declared restart.
"""

import importlib
import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import typer

from trailbook.cli.items import ITEM, parse_item
from trailbook.cli.opening import JSON, open_log, opened, settings_of
from trailbook.cli.printing import as_json, note, progress, put
from trailbook.config import Settings
from trailbook.errors import ConfigurationError, InvalidError
from trailbook.model import Actor, Item, Origin

if TYPE_CHECKING:
    from trailbook.deployment import Deployment

keys = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="Make, rotate and list the signing keys."
)
checkpoint = typer.Typer(add_completion=False, rich_markup_mode=None, help="Show or publish the signed head.")
OPERATOR = Actor(kind="system", type="system", id="operator", name="Operator")


@keys.command("new")
def keys_new(ctx: typer.Context, json: bool = JSON) -> None:
    """Make the first signing keys of a log that has none."""
    folder = folder_of(settings_of(ctx))
    importlib.import_module("trailbook.keyring").new_keys(folder, secrets.token_bytes)
    put(
        as_json({"folder": str(folder)})
        if json
        else f"The signing keys are in {folder}; keep them from others."
    )


@keys.command("rotate")
def keys_rotate(ctx: typer.Context, json: bool = JSON) -> None:
    """Make new signing keys beside the old ones, and record it in every log."""
    found = settings_of(ctx)
    with opened(found) as deployment:
        deployment.rotate_keys(folder_of(found))
        logs = deployment.orgs()
    put(as_json({"rotated": logs}) if json else f"New keys sign from now on; recorded in: {', '.join(logs)}.")


@keys.command("list")
def keys_list(ctx: typer.Context, json: bool = JSON) -> None:
    """List the public keys that verify a log's checkpoints, oldest first."""
    with open_log(ctx) as found:
        lines = verifier_lines(found.deployment, found.log.org)
    _lines(as_json(lines) if json else "\n".join(lines))


@keys.command("replace")
def keys_replace(
    ctx: typer.Context,
    declare: bool = typer.Option(False, "--declare-restart", help="Begin a new origin, visibly for ever."),
    json: bool = JSON,
) -> None:
    """Make new keys in place of lost ones.

    The old origin cannot be signed any more, so every log begins a new one; its first entry cites the last head.
    """
    found = settings_of(ctx)
    if not declare:
        raise ConfigurationError(
            "signing_key: lost keys begin a new origin; declare it with --declare-restart"
        )
    _new_keys_in_place(found)
    with opened(found) as deployment:
        done = deployment.restart(_outside(found), keys_lost=True)
        signer = deployment.signer()
        for org in deployment.orgs():
            signer.sign(org)
    told = [_told(one) for one in done]
    _lines(as_json(told) if json else "\n".join(_said(one) for one in told))


@checkpoint.command("show")
def checkpoint_show(ctx: typer.Context, json: bool = JSON) -> None:
    """Print the last signed head, as it is kept."""
    with open_log(ctx) as found:
        text = found.log.checkpoint(viewer=found.viewer).decode()
    _lines(as_json({"note": text}) if json else text)


@checkpoint.command("publish")
def checkpoint_publish(ctx: typer.Context, json: bool = JSON) -> None:
    """Sign what is new, now, and copy it outside; refused when the log does not extend what was signed."""
    with open_log(ctx) as found:
        signed = found.deployment.signer().sign(found.log.org)
    told = {"size": None if signed is None else signed.size, "new": signed is not None}
    put(as_json(told) if json else f"Signed at size {signed.size}." if signed else "Nothing new to sign.")


def prove(
    ctx: typer.Context,
    id_: str = typer.Argument(metavar="ID", help="The entry's id."),
    output: Path | None = typer.Option(None, metavar="FILE", help="Where to write it; else it is printed."),
    json: bool = JSON,
) -> None:
    """Write the proof that an entry is in the signed tree."""
    with open_log(ctx) as found:
        proof = found.log.proof(_id(id_), viewer=found.viewer)
    if output is not None:
        output.write_bytes(proof)
    told = as_json({"proof": proof.decode()}) if json else proof.decode()
    _lines(told if output is None or json else f"The proof is in {output}.")


def backup(
    ctx: typer.Context,
    file: Path = typer.Argument(metavar="FILE", help="A file that does not exist."),
    json: bool = JSON,
) -> None:
    """Copy the store while recording goes on."""
    with opened(settings_of(ctx)) as deployment, progress("Copying") as reach:
        deployment.backup(file, reach)
    put(
        as_json({"file": str(file)})
        if json
        else f"{file} is a whole copy. The secrets and keys are not in it."
    )


def restore(
    ctx: typer.Context,
    file: Path = typer.Argument(metavar="FILE", help="A backup."),
    declare: bool = typer.Option(
        False, "--declare-restart", help="Go on although entries are lost, visibly for ever."
    ),
    json: bool = JSON,
) -> None:
    """Put a backup in place of a log that is gone.

    Refused when the log lost entries, unless the restart is declared; then it stays visible for ever.
    """
    found = settings_of(ctx)
    place = importlib.import_module("trailbook.stores").sqlite_path(found.store)
    if place.exists():
        raise ConfigurationError(f"store: {place.name} is there; move it away first, nothing is overwritten")
    if found.outside_file is None:
        raise ConfigurationError("outside_file: without it nobody can tell what a backup lost")
    part = place.with_name(place.name + ".part")
    shutil.copyfile(file, part)
    os.replace(part, place)
    try:
        told = _restart(found, Path(found.outside_file), declare)
    except BaseException:
        for suffix in ("", "-wal", "-shm"):
            place.with_name(place.name + suffix).unlink(missing_ok=True)
        raise
    _lines(as_json(told) if json else "\n".join(_said(one) for one in told) or "Restored; nothing was lost.")


def erase(
    ctx: typer.Context,
    item: str = typer.Argument(metavar=ITEM, help="The person, type/id."),
    purpose: str | None = typer.Option(None, metavar="SLUG", help="Why, from the declared list."),
    json: bool = JSON,
) -> None:
    """Erase a person; no proof breaks.

    What names them is gone from the log for good; what remains is a pattern of events under a pseudonym.
    """
    with open_log(ctx) as found:
        whom = msgspec.convert(parse_item("item", item), Item)
        receipt = found.log.erase(whom, actor=OPERATOR, purpose=purpose, origin=Origin(interface="cli"))
    put(as_json(receipt) if json else f"Erased, recorded as entry {receipt.seq}.")
    note("Copies that others hold, and backups made by other means, still say what they said.")


def folder_of(found: Settings) -> Path:
    """Where the signing keys of these settings lie. Raises: ConfigurationError."""
    if found.signing_key is not None:
        return Path(found.signing_key)
    folder: Path = importlib.import_module("trailbook.deployment").signing_folder(found.store)
    return folder


def verifier_lines(deployment: "Deployment", org: str) -> list[str]:
    """The public keys of a log as text lines. Source: C2SP signed-note."""
    format_vkey = importlib.import_module("trailbook.checkpoint").format_vkey
    return [format_vkey(key) for key in deployment.verifier_keys(org)]


def _restart(found: Settings, outside: Path, declare: bool) -> list[dict[str, Any]]:
    with opened(found) as deployment:
        behind = deployment.behind(outside)
        if behind and not declare:
            lost = "; ".join(f"{org}: up to seq {one.size - 1} was signed" for org, one in behind.items())
            raise ConfigurationError(f"the backup lost entries ({lost}); declare it with --declare-restart")
        done = deployment.restart(outside)
        signer = deployment.signer()
        for org in deployment.orgs():
            signer.sign(org)
    return [_told(one) for one in done]


def _told(one: Any) -> dict[str, Any]:
    return {"org": one.org, "lost": list(one.lost), "origin": one.origin, "erased_again": one.erased_again}


def _outside(found: Settings) -> Path | None:
    return None if found.outside_file is None else Path(found.outside_file)


def _new_keys_in_place(found: Settings) -> None:
    """New keys in the folder, whose old files must be gone; the origin stays. Raises: ConfigurationError."""
    keyring, folder = importlib.import_module("trailbook.keyring"), folder_of(found)
    kept = keyring.origin_in(folder) or found.origin
    if kept is None:
        raise ConfigurationError("origin: name the one that the lost keys signed for")
    keyring.new_keys(folder, secrets.token_bytes)
    keyring.keep_origin(folder, kept)


def _said(one: dict[str, Any]) -> str:
    first, after = one["lost"]
    lost = (
        f"seq {first} to {after - 1} is lost and may be sent again by id"
        if after > first
        else "nothing is lost"
    )
    return f"{one['org']}: {lost}; goes on as {one['origin']}; {one['erased_again']} persons erased again."


def _lines(text: str) -> None:
    """Print every line as one of its own: a printed line never holds a break."""
    for line in text.splitlines():
        put(line)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidError(f"id: {text[:60]!r} is not an entry's id") from None
