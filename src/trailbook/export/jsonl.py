"""JSON lines: one entry a line, exactly as the API answers it, for programs and for import.

Owns nothing but the line; the members are those of `Shown`. Refuses to leave any of them out.
"""

from collections.abc import Iterable, Iterator

import msgspec

from trailbook.shown import Shown


def jsonl_file(rows: Iterable[Shown]) -> Iterator[bytes]:
    """The file in pieces, a line an entry."""
    encoder = msgspec.json.Encoder()
    for row in rows:
        yield encoder.encode(row) + b"\n"
