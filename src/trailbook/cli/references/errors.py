"""The codes of errors as a page of the reference, made from the code so that it cannot drift from it.

Owns the page's form, and what to do about an error that no page and no answer over HTTP tells of. Refuses to say of a
code anything but what people are told who meet it. `python -m trailbook.cli.references.errors` prints it; a test holds
docs/reference/errors.md in step.
"""

import sys
from collections.abc import Iterator

from trailbook import errors, web
from trailbook.cli.exits import exit_code
from trailbook.errors import TrailbookError

Kind = type[TrailbookError]

INTRODUCTION = """\
# Errors

Each refusal and each failure has a code, which never changes its meaning. This page is made from the code
(`python -m trailbook.cli.references.errors > docs/reference/errors.md`); a test holds it in step.

- **Over HTTP** an error is `application/problem+json` (RFC 9457): `type`, `title`, `status`, `code`, `detail`,
  `request_id`, and in `errors` each member at fault with a `pointer` (RFC 6901), a `code` of its own and a `detail`.
  Whoever asks for a page gets a page that says the same. `Retry-After` stands in each 429 and 503.
- **On the command line** it is one line on stderr, `error: ...`, or one line of JSON with `--json`. The exit code says
  what kind it was ([cli.md](cli.md)). Three codes exist only there: `usage` (2), `file` (2 for one that was named
  wrongly, 6 for a disk that fails) and `interrupted` (130).
- **In Python** it is an exception of `trailbook.errors` with `code` and `detail`; one about what was given has
  `faults`, each with `pointer`, `code` and `detail`.
- **Whether to try again**: after 429 and 503, when `Retry-After` has passed; after 500, once. After any other code
  only where its text says so: the same would be refused again.
"""
REFUSED = """\
## What is refused

What was sent, or who sent it, is not what the rule asks for. The text is what an answer says of itself.
"""
FAILED = """\
## What fails

Nothing is wrong with what was sent.
"""
APART = """\
## In the library and on the command line

These reach nobody over HTTP under their own code; the column says under which they do, if they do.
"""

# The codes that faults of these errors have, and the error takes from the first.
_OF_FAULTS: dict[Kind, str] = {
    errors.EntryInvalidError: "field-undeclared name-refused concern-missing concern-unknown time-ahead time-early"
    " category-refused actor-refused",
    errors.FilterInvalidError: "parameter-unknown parameter-invalid",
}
# What to do where nobody but the caller is told.
_DO = {
    "uncaptured-write": "Write through the session, or say what the statement means with `recorded_as`.",
    "block-misplaced": "Leave the block in the thread or task that entered it; write generators as `async def`.",
    "outbox-full": "Start `trailbook drain --follow`; `trailbook doctor --from URL` says since when nobody drains.",
    "proof-invalid": "Do not trust what was to be proved. Ask for the proof again, from whoever runs the log.",
    "export-changed": "Export again.",
    "export-failed": "Export again, with a narrower filter if it took too long. Of a bundle that does not verify the "
    "server's log says which entry is at fault: run `trailbook verify`.",
    "signing-refused": "Run `trailbook verify`, and follow [drill 3](../operate.md).",
    "anchor-unavailable": "Nothing at once: it is asked about the next checkpoint. If it stays, look at the address.",
    "call-failed": "Look at the address, and whether `outgoing_private` has to name it; it is tried again by itself.",
    "catalogue": "Mend the file; `trailbook catalogue check` says all that is wrong at once.",
    "configuration": "Mend the setting that it names; [configuration.md](configuration.md) has them all.",
    "head-moved": "Nothing: the writer reads again and appends again. It is met only by whoever writes a store.",
    "schema-newer": "Run the newer version of Trailbook; an older one never touches the file.",
    "store-unwritable": "Make the disk take something again, then start the server again. Reading goes on meanwhile.",
    "damaged": "Copy the file aside and follow [drill 3](../operate.md).",
}


def reference() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_page()) + "\n"


def kinds(kind: Kind = TrailbookError) -> Iterator[Kind]:
    """Every exception of `trailbook.errors`, the root first."""
    yield kind
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from kinds(below)


def kinds_of(code: str) -> list[Kind]:
    """The exceptions that have a code."""
    of_faults = [kind for kind, codes in _OF_FAULTS.items() if code in codes.split()]
    return of_faults or [kind for kind in kinds() if kind.code == code]


def _page() -> Iterator[str]:
    yield INTRODUCTION
    by_status = sorted(web.STATUS.items(), key=lambda pair: pair[1])
    for heading, statuses in ((REFUSED, range(400, 500)), (FAILED, range(500, 600))):
        yield heading
        yield "| code | HTTP | exit | in Python | what it means and what to do |\n|---|---|---|---|---|"
        yield from (_row(code, status) for code, status in by_status if status in statuses)
        yield ""
    yield APART
    yield "| code | over HTTP | exit | in Python | what it means and what to do |\n|---|---|---|---|---|"
    yield from (
        _row_apart(code) for code in dict.fromkeys(kind.code for kind in kinds()) if code not in web.STATUS
    )


def _row(code: str, status: int) -> str:
    """A code of the wire, in the words in which the wire tells it."""
    title, words = (web.texts_of("en")(f"problems.{code}.{part}") for part in ("title", "words"))
    return f"| `{code}` | {status} | {_kinds(code)} | **{title}.** {words} |"


def _row_apart(code: str) -> str:
    """A code that the wire does not have, in the words of its exception."""
    kind = kinds_of(code)[0]
    on_wire = web.code_of(kind.__new__(kind))
    return f"| `{code}` | `{on_wire}` | {_kinds(code)} | {kind.__doc__} {_DO[code]} |"


def _kinds(code: str) -> str:
    """The exit code and the names of the exceptions that have a code; nothing where only the server has it."""
    own = kinds_of(code)
    exits = sorted({exit_code(kind.__new__(kind)) for kind in own})
    return f"{', '.join(map(str, exits))} | {', '.join(f'`{kind.__name__}`' for kind in own)}"


if __name__ == "__main__":
    sys.stdout.write(reference())
