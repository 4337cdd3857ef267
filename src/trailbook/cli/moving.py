"""`export` and `import`: entries out to a file and in from one.

Owns that a file stands under its final name only when it is whole, and that every line of an import is accounted
for. Refuses to write over a file unasked.
"""

import importlib
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal
from zoneinfo import ZoneInfo

import typer
from msgspec import structs

from trailbook.cli.ending import CONFLICT, DONE, FOUND, problem
from trailbook.cli.filters import Pairs, filtered, query_of
from trailbook.cli.opening import JSON, LANG, Opened, language, open_log
from trailbook.cli.printing import Reach, as_json, note, progress, put, put_bytes
from trailbook.errors import Fault, InvalidError
from trailbook.export import csv_file, jsonl_file
from trailbook.importing import Line, import_jsonl
from trailbook.shown import Shown

# A format and the order of its rows: people read the newest first, an import must repeat the order of recording.
FORMATS: dict[str, Literal["desc", "seq"]] = {"csv": "desc", "jsonl": "seq"}

imports = typer.Typer(add_completion=False, rich_markup_mode=None, help="Record the entries of a file.")


@filtered
def export(
    ctx: typer.Context,
    pairs: Pairs,
    format_: str = typer.Option(
        "csv", "--format", metavar="FORMAT", help="csv, newest first; jsonl, as recorded."
    ),
    output: Path = typer.Option(..., metavar="FILE", help="Where to; - is standard output."),
    bundle: str | None = typer.Option(
        None, "--bundle", metavar="KIND", help="A verifiable bundle instead: inclusion or closed."
    ),
    redacted: bool = typer.Option(False, "--redacted", help="A bundle that names nobody."),
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace the file if it is there."),
    lang: str | None = LANG,
    json: bool = JSON,
) -> int:
    """Write exactly what a filter finds to a file.

    The file has its name once it is whole; until then, and after a failure, there is none of that name.
    """
    if format_ not in FORMATS:
        raise _invalid("format", f"is not one of {', '.join(FORMATS)}")
    if bundle not in (None, "inclusion", "closed"):
        raise _invalid("bundle", "is not inclusion or closed")
    if str(output) == "-" and bundle is not None:
        raise _invalid("output", "is a file for a bundle")
    if output.exists() and not overwrite and str(output) != "-":
        note(f"error: {output} is there already; --overwrite replaces it")
        return CONFLICT
    with open_log(ctx) as opened:
        query, tongue = query_of(opened, pairs), language(opened.settings, lang)
        if bundle is not None:
            ask = importlib.import_module("trailbook.export.bundle").Ask
            count = _bundle(opened, ask(kind=bundle, query=query, redacted=redacted, lang=tongue), output)
            told = {"count": count, "bundle": bundle, "file": str(output)}
            put(
                as_json(told)
                if json
                else f"{count} entries are in {output}; its VERIFY.md says how to check it"
            )
            return DONE
        found, as_of = opened.log.count(query, viewer=opened.viewer, lang=tongue)
        bound = structs.replace(query, as_of=as_of)
        rows = opened.log.rows(bound, viewer=opened.viewer, order=FORMATS[format_], lang=tongue)
        with progress("Exporting") as reach:
            _write(_pieces(format_, _counted(rows, found, reach), ZoneInfo(bound.tz)), output)
    told = {"count": found, "as_of": as_of, "format": format_, "file": str(output)}
    if str(output) == "-":
        note(f"{found} entries, as_of {as_of}")
    else:
        put(as_json(told) if json else f"{found} entries are in {output}, as_of {as_of}")
    return DONE


@imports.callback()
def _group() -> None:
    """Record the entries of a file."""


@imports.command("jsonl")
def jsonl(
    ctx: typer.Context,
    file: Path = typer.Argument(
        metavar="FILE", help="An entry a line, as `export --format jsonl` writes; - is stdin."
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Record nothing; say what would be refused."),
    json: bool = JSON,
) -> int:
    """Record each line of a file that may be recorded; exit 1 when one is refused.

    An entry keeps its id, so importing a file again adds nothing.
    """
    refused: list[Line] = []
    counts: Counter[str] = Counter()
    with _input(file) as (source, size), open_log(ctx) as opened, progress("Importing") as reach:
        for line in import_jsonl(opened.log, source, dry_run=dry_run):
            counts[line.result] += 1
            if line.refused is not None:
                refused.append(line)
                if not json:
                    note(f"line {line.number}: {line.refused.detail}")
            if size is not None:
                reach(source.tell(), size)
    put(as_json(_told(counts, refused)) if json else _said(counts, dry_run))
    return FOUND if refused else DONE


def _pieces(format_: str, rows: Iterable[Shown], place: ZoneInfo) -> Iterator[bytes]:
    return csv_file(rows, place) if format_ == "csv" else jsonl_file(rows)


def _counted(rows: Iterable[Shown], of: int, reach: Reach) -> Iterator[Shown]:
    for done, row in enumerate(rows, 1):
        yield row
        reach(done, of)


def _write(pieces: Iterable[bytes], output: Path) -> None:
    if str(output) == "-":
        for piece in pieces:
            put_bytes(piece)
        return
    with _whole(output) as out:
        out.writelines(pieces)


@contextmanager
def _whole(output: Path) -> Iterator[BinaryIO]:
    # Beside the final name, so that the renaming is one step of the file system.
    handle, name = tempfile.mkstemp(prefix=f".{output.name}.", suffix=".part", dir=output.parent)
    try:
        with os.fdopen(handle, "w+b") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.replace(name, output)
    except BaseException:
        os.unlink(name)
        raise


def _bundle(found: Opened, ask: Any, output: Path) -> int:
    """Sign what is new, then write a bundle of it; how many entries match."""
    bundle = importlib.import_module("trailbook.export.bundle")
    deployment, org = found.deployment, found.log.org
    deployment.signer().sign(org)
    verifiers = deployment.verifier_keys(org)
    key = deployment.signing.keyring.signers(verifiers[0].name)[0]
    with progress("Bundling") as reach, _whole(output) as out:
        count: int = bundle.write_bundle(
            found.log, ask, out, viewer=found.viewer, signs=bundle.Signs(key, verifiers), progress=reach
        )
    return count


@contextmanager
def _input(file: Path) -> Iterator[tuple[BinaryIO, int | None]]:
    if str(file) == "-":
        yield sys.stdin.buffer, None
        return
    with file.open("rb") as source:
        yield source, file.stat().st_size


def _told(counts: Counter[str], refused: list[Line]) -> dict[str, Any]:
    lines = [
        {"line": line.number, "id": line.id, **problem(line.refused)} for line in refused if line.refused
    ]
    return {**{name: counts[name] for name in ("recorded", "replayed", "acceptable")}, "refused": lines}


def _said(counts: Counter[str], dry_run: bool) -> str:
    done = f"{counts['acceptable']} acceptable" if dry_run else f"{counts['recorded']} recorded"
    before = "" if dry_run else f", {counts['replayed']} in the log before"
    return f"{done}{before}, {counts['refused']} refused"


def _invalid(name: str, why: str) -> InvalidError:
    return InvalidError(f"{name}: {why}", (Fault(f"/{name}", "invalid", why),))
