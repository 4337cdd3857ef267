"""`export` and `import`: entries out to a file and in from one.

Owns that a file stands under its final name only when it is whole, and that every line of an import is accounted
for. Refuses to write over a file unasked.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast, get_args

import typer
from msgspec import Struct, structs

from trailbook import export as exports
from trailbook.adapters import ImportLine, import_csv, import_jsonl, read_plan
from trailbook.cli.context import JSON, LANG, Opened, language, open_log
from trailbook.cli.exits import CONFLICT, DONE, FINDINGS, problem
from trailbook.cli.filters import Pairs, filtered, query_of
from trailbook.cli.output import as_json, counted, note, progress, put, put_bytes
from trailbook.errors import Fault, InvalidError
from trailbook.export import (
    COLUMNS,
    FORMATS,
    HR,
    About,
    Format,
    Layout,
    check_format,
    columns_of,
    exactly,
    file_pieces,
    whole_file,
)
from trailbook.model import NameMend, written
from trailbook.query import Query

if TYPE_CHECKING:
    from trailbook.export import BundleFigures, BundleRequest
    from trailbook.finding import ExportRows

BundleKind = Literal["inclusion", "closed"]
_MOST_SHOWN = 20  # refusals of lines that are shown one by one
_RESULTS = ("recorded", "replayed", "repeated", "acceptable", "skipped")
_MENDS: tuple[NameMend, ...] = get_args(NameMend)

DRY_RUN = typer.Option(False, "--dry-run", help="Record nothing; say what would be refused.")
REFUSED = typer.Option(
    None, "--refused", metavar="FILE", help="Write refused lines there with their reasons, to be mended."
)

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
        help="csv (as when absent), xlsx or pdf, newest first; jsonl or parquet, as recorded; bundle (of inclusion).",
    ),
    output: Path = typer.Option(..., metavar="FILE", help="Where to; - is standard output."),
    columns: str | None = typer.Option(
        None, metavar="NAMES", help="The columns of a table, with commas between them; else all."
    ),
    preset: str | None = typer.Option(
        None,
        metavar="NAME",
        help="Instead of columns: hr, six of them with headings in words, or everything.",
    ),
    bundle: str | None = typer.Option(
        None, "--bundle", metavar="KIND", help="A verifiable bundle instead: inclusion or closed."
    ),
    redacted: bool = typer.Option(False, "--redacted", help="A bundle that names nobody."),
    yes: bool = typer.Option(
        False, "--yes", help="Make a closed bundle without asking; only a terminal is asked otherwise."
    ),
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace the file if it is there."),
    lang: str | None = LANG,
    json: bool = JSON,
) -> int:
    """Write exactly what a filter finds to a file.

    The file has its name once it is whole; until then, after a failure and after Ctrl-C there is none of that name.
    A closed bundle holds every entry of its range: what it would hold is said first, and --yes goes on.
    """
    if format_ is not None and bundle is not None:
        raise _invalid("format", "and bundle are not given together; a bundle has a form of its own")
    bundle, format_ = ("inclusion", "csv") if format_ == "bundle" else (bundle, format_ or "csv")
    chosen = columns_of(preset, columns.split(",") if columns is not None else None)
    _check(format_, chosen, bundle=bundle, output=output)
    if output.exists() and not overwrite and str(output) != "-":
        note(f"error: {output} is there already; --overwrite replaces it")
        return CONFLICT
    with open_log(ctx) as opened:
        query, lang = query_of(opened, pairs), language(opened.settings, lang)
        if bundle is not None:
            if query.as_of is None:
                query = structs.replace(query, as_of=opened.log.size(viewer=opened.viewer))
            kind = cast(BundleKind, bundle)
            ask = exports.BundleRequest(kind=kind, query=query, redacted=redacted, lang=lang)
            answer, more = _bundle(opened, ask, output, yes=yes)
        else:
            wish = _Wish(cast(Format, format_), chosen, words=preset == HR, lang=lang)
            answer, more = _table(opened, query, wish, output)
    _tell(answer, more, json=json)
    return DONE


class _Wish(Struct, frozen=True):
    """The form of a file: which columns a table has, and whether under headings in words of the language."""

    form: Format
    columns: tuple[str, ...] | None
    words: bool
    lang: str


def _table(opened: Opened, query: Query, wish: _Wish, output: Path) -> tuple[dict[str, Any], str]:
    """Write what a filter finds; how much it is, for programs and to end a sentence."""
    log, viewer = opened.log, opened.viewer
    rows = log.export(query, viewer=viewer, order=FORMATS[wish.form].order, lang=wish.lang)
    log.exported(query, viewer=viewer)  # after `as_of`: it is not in its own file
    layout = Layout(
        columns=wish.columns or COLUMNS,
        tz=query.tz,
        lang=wish.lang,
        words=wish.words,
        base=opened.settings.base_url,
        catalogue=log.catalogue,
        about=_about(opened, query, rows, wish),
    )
    with progress("Exporting") as advance:
        _write(file_pieces(wish.form, exactly(rows, advance), layout), output)
    answer = {"count": rows.count, "as_of": rows.as_of, "format": wish.form, "file": str(output)}
    return answer, f", as_of {rows.as_of}"


def _about(opened: Opened, query: Query, rows: "ExportRows", wish: _Wish) -> About:
    """What the first sheet of a workbook says of it."""
    log, viewer = opened.log, opened.viewer
    return About(
        question=exports.question(log, query, viewer=viewer, lang=wish.lang),
        org=log.org,
        count=rows.count,
        as_of=rows.as_of,
        order=FORMATS[wish.form].order,
        who=viewer.item.name or viewer.item.id,
        at=written(log.clock()),
        file=None,
    )


def _check(format_: str, columns: tuple[str, ...] | None, *, bundle: str | None, output: Path) -> None:
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
    check_format(format_, columns)


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
    dry_run: bool = DRY_RUN,
    refused: Path | None = REFUSED,
    json: bool = JSON,
) -> int:
    """Record each line of a file that may be recorded; exit 1 when one is refused.

    An entry keeps its id, so importing a file again adds nothing.
    """
    with _input(file) as given, open_log(ctx) as opened, _refused_file(refused) as out:
        lines = import_jsonl(opened.log, given.source, dry_run=dry_run, refused=out)
        return _import(lines, given, dry_run=dry_run, json=json)


@imports.command("csv")
def csv(
    ctx: typer.Context,
    file: Path = typer.Argument(metavar="FILE", help="A row an entry, under a heading; - is stdin."),
    mapping: Path = typer.Option(..., "--mapping", metavar="MAP.toml", help="Which column is what."),
    dry_run: bool = DRY_RUN,
    refused: Path | None = REFUSED,
    json: bool = JSON,
) -> int:
    """Record each row of a CSV file that may be recorded; exit 1 when one is refused.

    A row's entry gets its id from what the mapping says tells rows apart, so importing a file again adds nothing.
    """
    plan = read_plan(mapping.read_bytes())
    with _input(file) as given, open_log(ctx) as opened, _refused_file(refused) as out:
        lines = import_csv(opened.log, given.source, plan, dry_run=dry_run, refused=out)
        return _import(lines, given, dry_run=dry_run, json=json)


def _import(lines: Iterable[ImportLine], given: Input, *, dry_run: bool, json: bool) -> int:
    """Do an import line by line, say what was refused, and count."""
    tally = _Tally()
    with progress("Importing") as reach:
        for line in lines:
            tally.take(line)
            if line.refused is not None and json:
                tally.refused.append({"line": line.number, "id": line.id, **problem(line.refused)})
            elif line.refused is not None and tally.results["refused"] <= _MOST_SHOWN:
                note(f"line {line.number}: {line.refused.detail}")
            if given.size is not None:
                reach(given.source.tell(), given.size)
    count = tally.results["refused"]
    if not json and count > _MOST_SHOWN:
        note(f"and {count - _MOST_SHOWN} more; --refused writes all of them to a file")
    put(*([as_json(tally.members())] if json else tally.words(dry_run=dry_run)))
    return FINDINGS if count else DONE


class _Tally:
    """What became of the lines of an import, counted; `refused` has those that a program is told of."""

    def __init__(self) -> None:
        self.refused: list[dict[str, Any]] = []
        self.results: Counter[str] = Counter()
        self._names: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()

    def take(self, line: ImportLine) -> None:
        """Count one line."""
        self.results[line.result] += 1
        self._names.update(line.names)
        self._left_out.update(line.left_out)

    def members(self) -> dict[str, Any]:
        """The counts, and every refusal, for programs."""
        results = {name: self.results[name] for name in _RESULTS}
        names = {mend.replace(" ", "_"): self._names[mend] for mend in _MENDS}
        left_out = dict(sorted(self._left_out.items()))
        return {**results, "refused": self.refused, "names": names, "left_out": left_out}

    def words(self, *, dry_run: bool) -> Iterator[str]:
        """The counts for people; what was mended or left out only where something was."""
        count = self.results
        done = f"{count['acceptable']} acceptable" if dry_run else f"{count['recorded']} recorded"
        again = f"{count['replayed']} in the log already, {count['repeated']} twice in this file"
        rest = f"{count['refused']} refused, {count['skipped']} skipped"
        yield f"{done}, {again}, {rest}; {count.total()} in all"
        if self._names:
            yield "names: " + ", ".join(f"{self._names[mend]} {mend}" for mend in _MENDS)
        if self._left_out:
            counts = sorted(self._left_out.items())
            yield "left out, because it does not read: " + ", ".join(f"{n} {member}" for member, n in counts)


def _write(pieces: Iterable[bytes], output: Path) -> None:
    if str(output) == "-":
        for piece in pieces:
            put_bytes(piece)
        return
    with whole_file(output) as out:
        out.writelines(pieces)


def _agreed(figures: "BundleFigures", *, yes: bool) -> None:
    """Say what a closed bundle will hold, and go on only when that is wanted. Raises: InvalidError; Abort."""
    words = f"The closed bundle {exports.figures_in_words(figures)}."
    if yes:
        note(words)
    elif sys.stdin.isatty():
        note(words)
        typer.confirm("Make it", abort=True, err=True)
    else:
        raise _invalid(
            "bundle", f"is not made unasked. {words} --yes makes it; --bundle inclusion holds less"
        )


def _bundle(opened: Opened, ask: "BundleRequest", output: Path, *, yes: bool) -> tuple[dict[str, Any], str]:
    """Write a bundle, of a closed one once that is agreed; what it holds, for programs and to end a sentence."""
    if ask.kind == "closed":
        _agreed(exports.bundle_figures(opened.log, ask, viewer=opened.viewer), yes=yes)
    exports.require_daily_hours(opened.log.frozen(ask.query, viewer=opened.viewer))  # before it is told
    opened.log.exported(ask.query, viewer=opened.viewer)
    held = _write_bundle(opened, ask, output)
    figures = {"count": held.count, "held": held.held, "named_outside": held.named_outside}
    more = f", which {exports.figures_in_words(held)}; its VERIFY.md says how to check it"
    return {**figures, "bundle": ask.kind, "file": str(output)}, more


def _write_bundle(opened: Opened, ask: "BundleRequest", output: Path) -> "BundleFigures":
    """Sign what is new, then write a bundle of it; what it holds."""
    deployment, org = opened.deployment, opened.log.org
    deployment.signer().sign(org)
    ranges = deployment.key_ranges(org)
    key = deployment.signing.keyring.signers(ranges[0].key.name)[0]
    with progress("Bundling") as advance, whole_file(output) as out:
        return exports.write_bundle(
            opened.log,
            ask,
            out,
            viewer=opened.viewer,
            keys=exports.BundleKeys(key, ranges),
            progress=advance,
        )


@contextmanager
def _input(file: Path) -> Iterator[Input]:
    if str(file) == "-":
        yield Input(sys.stdin.buffer, None)
        return
    with file.open("rb") as source:
        yield Input(source, file.stat().st_size)


@contextmanager
def _refused_file(file: Path | None) -> Iterator[BinaryIO | None]:
    """Where refused lines go; for the owner's eyes, and gone again if nothing was refused."""
    if file is None:
        yield None
        return
    if not file.parent.is_dir():
        raise _invalid("refused", f"the folder {file.parent} does not exist")
    if file.exists():
        raise _invalid("refused", f"{file} is there already")
    with whole_file(file) as out:
        yield out
    if file.stat().st_size == 0:
        file.unlink()


def _invalid(name: str, why: str) -> InvalidError:
    return InvalidError(f"{name}: {why}", (Fault(f"/{name}", "invalid", why),))
