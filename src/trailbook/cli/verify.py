"""`verify`: a log, a part of one, kept checkpoints, or a bundle, and what is at fault in it.

Owns the exit status: 0 only when everything asked for holds. Refuses to repair, and to be quiet about what it
did not check.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from msgspec import structs

from trailbook import export as exports, tree, verify as verification
from trailbook.cli.context import JSON, Opened, open_log
from trailbook.cli.exits import DONE, FINDINGS
from trailbook.cli.output import as_json, counted, note, progress, put, table
from trailbook.cli.policies import MAX_AGE, NOT_AFTER, POLICY, Asked
from trailbook.errors import (
    ConfigurationError,
    Fault,
    InvalidError,
    NotFoundError,
    ProofInvalidError,
    TrailbookError,
)
from trailbook.model import written

if TYPE_CHECKING:
    from trailbook.export import Comparison
    from trailbook.proofs import Stamp
    from trailbook.tree import KeyRange, Stamped
    from trailbook.verify import Finding, Report

_MOST_SHOWN = 100
_PROOF = b"c2sp.org/tlog-proof@v1\n"
_VKEY = re.compile(r"[^+]+\+[0-9a-f]{8}\+.+")


def verify(
    ctx: typer.Context,
    bundle: Path | None = typer.Argument(
        None,
        metavar="[FILE]",
        help="An exported file with its statement, a bundle, a checkpoint or a proof; else the log itself.",
    ),
    start: int = typer.Option(0, metavar="SEQ", help="Hash bodies anew from here on."),
    stop: int | None = typer.Option(None, metavar="SEQ", help="Up to here, exclusive; else to the end."),
    checkpoint: list[Path] = typer.Option(
        [], metavar="FILE", help="A checkpoint that you kept; the log must extend it. Repeat for several."
    ),
    key: list[str] = typer.Option([], metavar="KEY", help="Of a file: a key of yours, or a file of keys."),
    leaf: Path | None = typer.Option(
        None, metavar="FILE", help="Of a proof: the bytes it is about; else FILE.leaf beside it."
    ),
    statement: Path | None = typer.Option(
        None,
        metavar="FILE",
        help="Of an exported file: its signed statement; else FILE.note, or in the same ZIP.",
    ),
    root: list[Path] = typer.Option(
        [],
        metavar="FILE",
        help="Check the kept timestamps too: the authority's root (PEM). Repeat for several.",
    ),
    policy: Path | None = POLICY,
    max_age: str | None = MAX_AGE,
    not_after: str | None = NOT_AFTER,
    remember: bool = typer.Option(
        False, "--remember", help="Record the outcome in the log, where its page of trust tells it."
    ),
    json: bool = JSON,
) -> int:
    """Check that nothing was changed, and name everything that was.

    Of a CSV, XLSX, JSON lines, Parquet or PDF file it says whether it is the one that was exported, by the signed
    statement beside it, named, or in one ZIP with it. Without a file it reads the whole log, hashes it anew, and
    compares it with every signed head: those beside it, those in the outside file, and those you name. Exit status 1
    when anything is found.
    """
    asked = Asked(policy, max_age, not_after)
    if remember and (bundle is not None or start or stop is not None):
        raise _refused("remember", "is for the whole log: a part of it, or a file, says nothing of the rest")
    if bundle is not None and root:
        raise _refused("root", "is for the log itself: a bundle, a proof and a checkpoint carry no timestamp")
    if bundle is None and statement is not None:
        raise _refused("statement", "is of a file, which is not named")
    if bundle is not None and leaf is None and _is_exported(bundle, statement):
        asked.require_nothing("an exported file")
        return _exported(ctx, bundle, statement, keys=key, json=json)
    if bundle is not None:
        return _file(ctx, bundle, asked, leaf=leaf, keys=key, json=json)
    return _log(ctx, (checkpoint, root), asked, part=(start, stop), remember=remember, json=json)


def _log(
    ctx: typer.Context,
    files: tuple[list[Path], list[Path]],
    asked: Asked,
    *,
    part: tuple[int, int | None],
    remember: bool,
    json: bool,
) -> int:
    """Hash the log anew, or the part of it between two seqs, and compare it with every signed head.

    `files` are the checkpoints that somebody kept, and the roots of authorities.
    """
    (checkpoint, root), (start, stop) = files, part
    if start < 0 or (stop is not None and stop < start):
        raise _refused("stop", "is before start")
    with open_log(ctx) as opened, progress("Verifying") as advance:
        deployment, org = opened.deployment, opened.log.org
        heads = deployment.heads_outside(org) + [file.read_bytes() for file in checkpoint]
        stamps = deployment.stamps(org)
        stamped = [stamp.note for stamp in stamps if root and stamp.note]
        report = deployment.verify(org, outside=[*heads, *stamped], start=start, stop=stop, progress=advance)
        times, faults = _stamped(stamps, root)
        faults += _distrusted(opened, asked, checkpoint) if asked else []
        report = structs.replace(report, findings=(*report.findings, *faults))
        if remember:
            _remember(opened, report)
    if json:
        put(as_json({**_members(report), "heads_outside": len(heads), "timestamps": times}))
    else:
        _say(report, len(heads))
        _say_times(times, len(stamps))
    return FINDINGS if report.findings else DONE


def _distrusted(opened: Opened, asked: Asked, files: list[Path]) -> "list[Finding]":
    """A finding for the last head, and for each that somebody kept, that is not what was asked for."""
    trust, keyring = asked.trust(), opened.deployment.signing.keyring
    heads = {file.name: file.read_bytes() for file in files}
    heads["the last"] = opened.log.evidence(viewer=opened.viewer).note
    faults = []
    for name, head in heads.items():
        try:
            origin = tree.parse_checkpoint(tree.parse_note(head).text).origin
            own = tuple(key for key in trust.logs or keyring.verifiers(origin) if key.name == origin)
            if not own:
                raise ProofInvalidError(f"policy: names no key of {origin}")
            tree.open_trusted(head, tree.Policy(origin, own), trust)
        except ProofInvalidError as error:
            place = f"checkpoint {name}"
            faults.append(verification.Finding(verdict="unsigned", what=error.detail, place=place))
    return faults


def _refused(option: str, why: str) -> InvalidError:
    return InvalidError(f"{option}: {why}", (Fault(f"/{option}", "invalid", why),))


def _say_times(times: list[dict[str, Any]], count: int) -> None:
    for last in times[-1:]:
        saw = f"{last['authority']} saw size {last['size']} at {last['time']}"
        put(f"Of {counted(count, 'timestamp')} {len(times)} hold; the last: {saw}.")


def _remember(opened: Opened, report: "Report") -> None:
    """Record the outcome; what a damaged log does not take is said, and the findings are shown all the same."""
    try:
        opened.log.verified(report, viewer=opened.viewer)
    except TrailbookError as error:
        note(f"The outcome could not be recorded: {error.detail}")


def _file(
    ctx: typer.Context, file: Path, asked: Asked, *, leaf: Path | None, keys: list[str], json: bool
) -> int:
    """Check a file that stands for itself: a proof, a bundle or a checkpoint."""
    _require_file(file)
    if _is_proof(file):
        return _proof(ctx, file, asked, leaf=leaf, keys=keys, json=json)
    for key in keys:
        _lines(key)  # a file that is missing is refused as missing
    asked.trust()  # and what is written wrong by the words that belong to it
    options = [*(word for key in keys for word in ("--key", key)), *asked.options()]
    return exports.verify_file([str(file), *options, *(["--json"] if json else [])])


def _is_proof(file: Path) -> bool:
    with file.open("rb") as content:
        return content.read(len(_PROOF)) == _PROOF


def _is_exported(file: Path, statement: Path | None) -> bool:
    """Whether a file is an export, to be judged by its statement."""
    _require_file(file)
    if statement is not None:
        _require_file(statement)
    return not _is_proof(file) and exports.is_exported(file, statement)


def _exported(ctx: typer.Context, file: Path, statement: Path | None, *, keys: list[str], json: bool) -> int:
    """Say whether a file is the one that was exported, by the keys given or else those of the log that is here."""
    try:
        comparison = exports.compare(file, statement, _keys(ctx, keys))
    except NotFoundError:
        raise _refused(
            "key", "there is no log here whose keys could be taken: bring those of the file's log with --key"
        ) from None
    log, fault = comparison.statement, comparison.fault
    what = f"{counted(log.count, 'entry', 'entries')}: {log.filter_words}"
    when = f"exported at {log.created_at} from the log {log.origin}, signed by the key {comparison.key}"
    if json:
        put(as_json(_comparison(comparison)))
    elif fault is None:
        put(f"Holds: {comparison.name} is the file that was exported, with {what}; {when}.")
        put(f"It has {comparison.size:,} bytes; their SHA-256 is {comparison.digest}.")
    else:
        put(f"Does not hold: {comparison.name} is not the file that was exported: {fault}.")
        put(f"Its statement holds, and is of {next(iter(log.files))}, with {what}; {when}.")
    return DONE if fault is None else FINDINGS


def _comparison(comparison: "Comparison") -> dict[str, Any]:
    log, findings = comparison.statement, []
    if comparison.fault is not None:
        findings.append({"verdict": "changed", "what": comparison.fault, "place": comparison.name})
    return {
        "holds": comparison.fault is None,
        "findings": findings,
        "file": comparison.name,
        "size": comparison.size,
        "digest": comparison.digest,
        "key": comparison.key,
        "count": log.count,
        "filter_words": log.filter_words,
        "exported_at": log.created_at,
        "org": log.org,
        "origin": log.origin,
    }


def _require_file(file: Path) -> None:
    if not file.is_file() or not file.stat().st_size:
        why = "is empty: there is nothing to check" if file.is_file() else "there is no such file"
        raise InvalidError(f"{file}: {why}", (Fault("/file", "invalid", why),))


def _proof(
    ctx: typer.Context, file: Path, asked: Asked, *, leaf: Path | None, keys: list[str], json: bool
) -> int:
    """Check a proof with the bytes it is about, by the keys given or else those of the log that is here."""
    trust = asked.trust()
    if keys and trust.logs:
        raise _refused("key", "the policy names keys of the log: leave this out")
    leaf = leaf or file.with_name(f"{file.name}.leaf")
    _require_file(leaf)
    known = [tree.KeyRange(key) for key in trust.logs] or _keys(ctx, keys)
    seq, head = verification.check_proof(file.read_bytes(), leaf.read_bytes(), known, trust)
    answer = {"holds": True, "seq": seq, "size": head.size, "root": head.root.hex(), "origin": head.origin}
    entry = f"{leaf.name} stands at seq {seq} of the tree of {head.size} entries that {head.origin} signed."
    put(as_json(answer) if json else f"Holds: {entry}")
    return DONE


def _keys(ctx: typer.Context, keys: list[str]) -> "list[KeyRange]":
    """The keys that were named, or else those of the log that is here, with the sizes that they sign."""
    if not keys:
        with open_log(ctx) as opened:
            note("By the keys beside the log here; somebody else brings theirs with --key.")
            return list(opened.deployment.key_ranges(opened.log.org))
    lines = [line for key in keys for line in _lines(key)]
    return [tree.parse_range(line) for line in lines if line.strip()]


def _lines(key: str) -> list[str]:
    """A key as a line, or the lines of a file of keys."""
    if _VKEY.fullmatch(key):
        return [key]
    _require_file(Path(key))
    return Path(key).read_text("utf-8").splitlines()


def _stamped(stamps: "list[Stamp]", roots: list[Path]) -> "tuple[list[dict[str, Any]], list[Finding]]":
    """What the authorities say of the kept notes, and a finding for every token that does not hold."""
    if not roots:
        if stamps:
            count = counted(len(stamps), "timestamp")
            note(f"{count} kept, not checked: only whoever brings the authority's root (--root) can.")
        return [], []
    check = _check_stamp()
    for root in roots:
        _require_file(root)
    trusted = [root.read_bytes() for root in roots]
    times, faults = [], []
    for stamp in stamps:
        try:
            stamped = check(stamp.token, stamp.note, trusted)
            time = written(stamped.time)
            times.append({"size": stamp.size, "time": time, "authority": stamped.authority})
        except ProofInvalidError as error:
            place = f"timestamp of size {stamp.size}"
            faults.append(verification.Finding(verdict="changed", what=error.detail, place=place))
    return times, faults


def _check_stamp() -> "Callable[[bytes, bytes, Sequence[bytes]], Stamped]":
    try:
        return tree.check_stamp
    except ModuleNotFoundError:
        raise ConfigurationError("root: needs the extra: pip install 'trailbook[timestamp]'") from None


def _members(report: "Report") -> dict[str, Any]:
    root = None if report.root is None else report.root.hex()
    return {
        "holds": not report.findings,
        "findings": verification.causes_of(report.findings),
        "notes": report.notes,
        "size": report.size,
        "root": root,
        "checkpoint": report.checkpoint,
        "checked": report.checked,
    }


def _rows(finding: "Finding") -> Iterator[tuple[str, str, str]]:
    """A finding, and below it what follows from it."""
    yield finding.verdict, finding.place, finding.what
    for follows in finding.follows:
        yield f"- {follows.verdict}", follows.place, follows.what


def _say(report: "Report", outside: int) -> None:
    for line in report.notes:
        note(line)
    if report.findings:
        findings = verification.causes_of(report.findings)
        table(row for f in findings[:_MOST_SHOWN] for row in _rows(f))
        rest = len(findings) - _MOST_SHOWN
        put(
            counted(len(findings), "finding")
            + (f", of which {rest} are not shown; --json has all" if rest > 0 else "")
        )
        return
    put(f"Everything holds: {counted(report.size, 'entry', 'entries')}, signed up to {report.checkpoint}.")
    put(
        f"A change after checkpoint {report.checkpoint} is found by anyone who kept checkpoint {report.checkpoint}."
    )
    if not outside:
        note(
            "No checkpoint kept outside was given: whoever has the signing key could have rewritten all of this."
        )
