"""How a command ends: its exit code, and one line on stderr that says why.

Owns the table of exit codes and the form of an error, for people and with `--json`. Refuses to
print a stack, unless the log level is `debug`, and any character that would command a terminal.
"""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import typer

from trailbook import errors
from trailbook.cli.output import ReaderLeft, as_json, plain

DONE, FINDINGS, BAD_INPUT, NOT_PERMITTED, NOT_FOUND, CONFLICT, UNAVAILABLE, INTERNAL = range(8)
INTERRUPTED = 130

# The first line that fits says the exit code; the rest are internal errors.
EXITS: tuple[tuple[type[errors.TrailbookError], int], ...] = (
    (errors.NotFoundError, NOT_FOUND),
    (errors.InvalidError, BAD_INPUT),
    (errors.ConfigurationError, BAD_INPUT),
    (errors.CatalogueError, BAD_INPUT),
    (errors.NotPermittedError, NOT_PERMITTED),
    (errors.UnauthenticatedError, NOT_PERMITTED),
    (errors.SuspendedError, NOT_PERMITTED),
    (errors.EntryConflictError, CONFLICT),
    (errors.LastAdministratorError, CONFLICT),
    (errors.PredefinedRoleError, CONFLICT),
    (errors.AccessMovedError, CONFLICT),
    (errors.NameTakenError, CONFLICT),
    (errors.NotYoursError, NOT_PERMITTED),
    (errors.ExportChangedError, CONFLICT),
    (errors.UncapturedWriteError, BAD_INPUT),
    (errors.MisplacedBlockError, BAD_INPUT),
    (errors.ProofInvalidError, FINDINGS),
    (errors.SigningRefusedError, FINDINGS),
    (errors.ExportExpiredError, NOT_FOUND),
    (errors.NotCheckpointedError, UNAVAILABLE),
    (errors.ExportFailedError, UNAVAILABLE),
    (errors.ExportNotReadyError, UNAVAILABLE),
    (errors.TooManyExportsError, UNAVAILABLE),
    (errors.TooManyViewsError, UNAVAILABLE),
    (errors.TooManyTriesError, UNAVAILABLE),
    (errors.OutboxFullError, UNAVAILABLE),
    (errors.AnchorError, UNAVAILABLE),
    (errors.CallFailedError, UNAVAILABLE),
    (errors.StoreError, UNAVAILABLE),
)
# typer has either click or its own copy of it; either way this is its usage error.
_USAGE: Any = typer.BadParameter.__base__
# What servers and clients elsewhere call an option of ours.
_OURS = {
    **dict.fromkeys(
        ("--port", "--host", "--bind", "--address"), "--listen HOST:PORT, such as --listen 127.0.0.1:8751"
    ),
    **dict.fromkeys(("--timezone", "--time-zone", "--zone"), "--tz ZONE, such as --tz Europe/Oslo"),
    **dict.fromkeys(("--language", "--locale"), "--lang LANG, such as --lang nb"),
    **dict.fromkeys(("--since", "--after"), "--from TIME, such as --from 2026-01-01"),
    **dict.fromkeys(("--until", "--before"), "--to TIME, such as --to 2026-12-31"),
}
# A file that was named wrongly is the caller's; a full or broken disk is not.
_NO_SUCH_FILE = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError, FileExistsError)


def ended(command: Any, arguments: Sequence[str]) -> int:
    """Run a command and say how it ended."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")

    def run() -> int:
        code = command.main(args=list(arguments), prog_name="trailbook", standalone_mode=False)
        return code if isinstance(code, int) else DONE

    return outcome(run, wants_json="--json" in arguments)


def outcome(run: Callable[[], int], *, wants_json: bool) -> int:
    """Run something and say how it ended."""
    try:
        code = run()
        sys.stdout.flush()
        return code
    except (KeyboardInterrupt, typer.Abort):
        return _say("interrupted", "interrupted", INTERRUPTED, wants_json)
    except (BrokenPipeError, ReaderLeft):
        return _reader_left()
    except _USAGE as error:
        return _say("usage", _usage(error), BAD_INPUT, wants_json)
    except errors.TrailbookError as error:
        return _refused(error, wants_json)
    except OSError as error:
        code = BAD_INPUT if isinstance(error, _NO_SUCH_FILE) else UNAVAILABLE
        return _say("file", f"{error.filename or 'file'}: {error.strerror}", code, wants_json)
    except Exception as error:  # noqa: BLE001  # the last resort: it says so and fails
        if os.environ.get("TRAILBOOK_LOG_LEVEL") == "debug":
            traceback.print_exc()
        return _say("internal", f"internal error ({type(error).__name__})", INTERNAL, wants_json)


def exit_code(error: errors.TrailbookError) -> int:
    """The exit code of an error."""
    return next((code for kind, code in EXITS if isinstance(error, kind)), INTERNAL)


def problem(error: errors.TrailbookError) -> dict[str, Any]:
    """An error in the words of the wire: code, detail, and the members at fault."""
    faults = error.faults if isinstance(error, errors.InvalidError) else ()
    members: dict[str, Any] = {"code": error.code, "detail": error.detail}
    if faults:
        members["errors"] = [{"pointer": f.pointer, "code": f.code, "detail": f.detail} for f in faults]
    return members


def _usage(error: Any) -> str:
    """What is wrong with the options; where another program's name of one was given, ours."""
    given, context = getattr(error, "option_name", ""), getattr(error, "ctx", None)
    detail = str(error.format_message())
    taken = {flag for parameter in context.command.params for flag in parameter.opts} if context else set()
    ours = _OURS.get(given, "")
    return f"There is no {given}. Write {ours}." if ours.partition(" ")[0] in taken else detail


def _refused(error: errors.TrailbookError, wants_json: bool) -> int:
    code = exit_code(error)
    if wants_json:
        print(as_json(problem(error)), file=sys.stderr)
        return code
    return _say(error.code, error.detail, code, wants_json)


def _say(code: str, detail: str, exit_: int, wants_json: bool) -> int:
    if wants_json:
        print(as_json({"code": code, "detail": detail}), file=sys.stderr)
    else:
        print(f"error: {plain(detail)}", file=sys.stderr)
    return exit_


def _reader_left() -> int:
    # What is still buffered must not fail again at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE
