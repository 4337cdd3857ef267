"""A bundle that was just written, checked as its reader will: by the single file that travels inside it.

Owns that no bundle is handed out that does not hold. Refuses to help the verifier: it is given the file and the keys.
"""

import logging
from collections.abc import Iterator, Sequence

from trailbook.errors import ExportFailedError
from trailbook.export import trailbook_verify
from trailbook.model import Progress
from trailbook.tree import KeyRange, format_range

_LOG = logging.getLogger("trailbook")
_BODIES = 1000  # to the next word of progress


class _Watched(trailbook_verify.Bundle):
    """The verifier's bundle, which says how many bodies it has read."""

    progress: Progress

    def ordered(self, expected: list[list[int]]) -> Iterator[tuple[int, bytes]]:
        count = sum(last - first + 1 for first, last in expected)
        for number, line in enumerate(super().ordered(expected)):
            if number % _BODIES == 0:
                self.progress(number, count)
            yield line
        self.progress(count, count)


def require_sound(file: str, ranges: Sequence[KeyRange], progress: Progress) -> None:
    """Check a bundle by these keys. Raises: ExportFailedError with the first finding; whatever `progress` raises."""
    keys = trailbook_verify.keys_of("\n".join(map(format_range, ranges)))
    try:
        bundle = _Watched(file, keys, trailbook_verify.Policy())
        bundle.progress = progress
        bundle.check()
    except OSError as error:
        raise ExportFailedError(f"the bundle was written and cannot be read again: {error}") from error
    if bundle.findings:
        detail = f"the bundle does not verify, and is not handed out: {_in_words(bundle.findings)}"
        _LOG.error("%s", detail)  # whoever ordered it is told the code alone
        raise ExportFailedError(detail)


def _in_words(findings: Sequence[dict[str, object]]) -> str:
    first, more = findings[0], len(findings) - 1
    where = "" if first["seq"] is None else f"entry {first['seq']}: "
    rest = f"; and {more} more" if more else ""
    return f"{first['verdict']}, {where}{first['file']} {first['detail']}{rest}"
