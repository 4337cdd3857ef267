"""`export` and `import`: entries out to a file and in from one.

Owns that a file stands under its final name only when it is whole, and that every line of an import is accounted
for. Refuses to write over a file unasked.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

import typer
from msgspec import Struct, structs

from trailbook import export as exports
from trailbook.adapters import ImportLine, import_csv, import_jsonl, read_plan
from trailbook.cli.context import JSON, LANG, Opened, language, open_log
from trailbook.cli.exits import CONFLICT, DONE, FINDINGS, problem
from trailbook.cli.filters import Pairs, filtered, query_of
from trailbook.cli.output import as_json, counted, note, progress, put, put_bytes
from trailbook.errors import Fault, InvalidError
from trailbook.export import COLUMNS, FORMATS, Format, Layout, check_format, exactly, file_pieces, whole_file

if TYPE_CHECKING:
    from trailbook.export import BundleRequest

BundleKind = Literal["inclusion", "closed"]
_MOST_SHOWN = 20  # refusals of lines that are shown one by one

imports = typer.Typer(add_completion=False, rich_markup_mode=None, help="Record the entries of a file.")


class Input(Struct, frozen=True):
    """What is read: a stream, and its size where that is known."""

    source: BinaryIO
    size: int | None


@filtered
def export(
    ctx: typer.Context,
    pairs: Pairs,
    format_: str | None = typer.Option(
        None,
        "--format",
        metavar="FORMAT",
        help="csv (as when absent) or xlsx, newest first; jsonl or parquet, as recorded.",
    ),
    output: Path = typer.Option(..., metavar="FILE", help="Where to; - is standard output."),
    columns: str | None = typer.Option(
        None, metavar="NAMES", help="The columns of a table, with commas between them; else all."
    ),
    bundle: str | None = typer.Option(
        None, "--bundle", metavar="KIND", help="A verifiable bundle instead: inclusion or closed."
    ),
    redacted: bool = typer.Option(False, "--redacted", help="A bundle that names nobody."),
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace the file if it is there."),
    lang: str | None = LANG,
    json: bool = JSON,
) -> int:
    """Write exactly what a filter finds to a file.

    The file has its name once it is whole; until then, after a failure and after Ctrl-C there is none of that name.
    """
    if format_ is not None and bundle is not None:
        raise _invalid("format", "and bundle are not given together; a bundle has a form of its own")
    format_ = format_ or "csv"
    _check(format_, columns, bundle=bundle, output=output)
    if output.exists() and not overwrite and str(output) != "-":
        note(f"error: {output} is there already; --overwrite replaces it")
        return CONFLICT
    with open_log(ctx) as opened:
        query, lang = query_of(opened, pairs), language(opened.settings, lang)
        if bundle is not None:
            if query.as_of is None:
                query = structs.replace(query, as_of=opened.log.size(viewer=opened.viewer))
            opened.log.exported(query, viewer=opened.viewer)
            kind = cast(BundleKind, bundle)
            ask = exports.BundleRequest(kind=kind, query=query, redacted=redacted, lang=lang)
            count = _bundle(opened, ask, output)
            answer: dict[str, Any] = {"count": count, "bundle": bundle, "file": str(output)}
            more = "; its VERIFY.md says how to check it"
        else:
            form = cast(Format, format_)
            rows = opened.log.export(query, viewer=opened.viewer, order=FORMATS[form].order, lang=lang)
            opened.log.exported(query, viewer=opened.viewer)  # after `as_of`: it is not in its own file
            layout = Layout(columns=tuple(columns.split(",")) if columns else COLUMNS, tz=query.tz)
            with progress("Exporting") as advance:
                _write(file_pieces(form, exactly(rows, advance), layout), output)
            answer = {"count": rows.count, "as_of": rows.as_of, "format": format_, "file": str(output)}
            more = f", as_of {rows.as_of}"
    _tell(answer, more, json=json)
    return DONE


def _check(format_: str, columns: str | None, *, bundle: str | None, output: Path) -> None:
    """Refuse what cannot be, before anything is opened. Raises: InvalidError."""
    if format_ not in FORMATS:
        raise _invalid("format", f"is not one of {', '.join(FORMATS)}")
    if bundle not in (None, "inclusion", "closed"):
        raise _invalid("bundle", "is not inclusion or closed")
    if str(output) != "-" and not output.parent.is_dir():
        raise _invalid("output", f"the folder {output.parent} does not exist")
    if str(output) == "-" and bundle is not None:
        raise _invalid("output", "is a file for a bundle")
    if columns is not None and (bundle is not None or not FORMATS[format_].table):
        raise _invalid("columns", "are those of a table: csv, xlsx or parquet")
    check_format(format_, None if columns is None else tuple(columns.split(",")))


def _tell(answer: dict[str, Any], more: str, *, json: bool) -> None:
    if answer["file"] == "-":
        note(f"{counted(answer['count'], 'entry', 'entries')}{more}")
        return
    sentence = f"{counted(answer['count'], 'entry is', 'entries are')} in {answer['file']}{more}"
    put(as_json(answer) if json else sentence)


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
    with _input(file) as stream, open_log(ctx) as opened:
        lines = import_jsonl(opened.log, stream.source, dry_run=dry_run)
        return _import(lines, stream, dry_run=dry_run, json=json)


@imports.command("csv")
def csv(
    ctx: typer.Context,
    file: Path = typer.Argument(metavar="FILE", help="A row an entry, under a heading; - is stdin."),
    mapping: Path = typer.Option(..., "--mapping", metavar="MAP.toml", help="Which column is what."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Record nothing; say what would be refused."),
    json: bool = JSON,
) -> int:
    """Record each row of a CSV file that may be recorded; exit 1 when one is refused.

    A row's entry gets its id from what the mapping says tells rows apart, so importing a file again adds nothing.
    """
    plan = read_plan(mapping.read_bytes())
    with _input(file) as stream, open_log(ctx) as opened:
        lines = import_csv(opened.log, stream.source, plan, dry_run=dry_run)
        return _import(lines, stream, dry_run=dry_run, json=json)


def _import(lines: Iterable[ImportLine], stream: Input, *, dry_run: bool, json: bool) -> int:
    """Do an import line by line, say what was refused, and count."""
    refused: list[ImportLine] = []
    counts: Counter[str] = Counter()
    with progress("Importing") as advance:
        for line in lines:
            counts[line.result] += 1
            if line.refused is not None:
                refused.append(line)
                if not json and len(refused) <= _MOST_SHOWN:
                    note(f"line {line.number}: {line.refused.detail}")
            if stream.size is not None:
                advance(stream.source.tell(), stream.size)
    if not json and len(refused) > _MOST_SHOWN:
        note(f"and {len(refused) - _MOST_SHOWN} more; --json has all")
    put(as_json(_members(counts, refused)) if json else _sentence(counts, dry_run))
    return FINDINGS if refused else DONE


def _write(pieces: Iterable[bytes], output: Path) -> None:
    if str(output) == "-":
        for piece in pieces:
            put_bytes(piece)
        return
    with whole_file(output) as out:
        out.writelines(pieces)


def _bundle(opened: Opened, ask: "BundleRequest", output: Path) -> int:
    """Sign what is new, then write a bundle of it; how many entries match."""
    deployment, org = opened.deployment, opened.log.org
    deployment.signer().sign(org)
    verifiers = deployment.verifier_keys(org)
    key = deployment.signing.keyring.signers(verifiers[0].name)[0]
    with progress("Bundling") as advance, whole_file(output) as out:
        return exports.write_bundle(
            opened.log,
            ask,
            out,
            viewer=opened.viewer,
            keys=exports.BundleKeys(key, verifiers),
            progress=advance,
        )


@contextmanager
def _input(file: Path) -> Iterator[Input]:
    if str(file) == "-":
        yield Input(sys.stdin.buffer, None)
        return
    with file.open("rb") as source:
        yield Input(source, file.stat().st_size)


def _members(counts: Counter[str], refused: list[ImportLine]) -> dict[str, Any]:
    lines = [
        {"line": line.number, "id": line.id, **problem(line.refused)} for line in refused if line.refused
    ]
    return {**{name: counts[name] for name in ("recorded", "replayed", "acceptable")}, "refused": lines}


def _sentence(counts: Counter[str], dry_run: bool) -> str:
    done = f"{counts['acceptable']} acceptable" if dry_run else f"{counts['recorded']} recorded"
    before = f", {counts['replayed']} in the log before"
    return f"{done}{before}, {counts['refused']} refused"


def _invalid(name: str, why: str) -> InvalidError:
    return InvalidError(f"{name}: {why}", (Fault(f"/{name}", "invalid", why),))
