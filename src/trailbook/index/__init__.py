"""The index: entries as numbers, sealed in segments, and search and counts over them. Pure; whoever uses it
brings the bytes.
"""

from trailbook.index.columns import CODED, Codes, IndexRow, Ints, Tail, new_codes
from trailbook.index.counting import bars, by_number, count, extent, stacked
from trailbook.index.plan import Clause, Place, Plan, Word
from trailbook.index.search import (
    Piece,
    Places,
    by_seq,
    every_seq,
    last_with,
    newest,
    newest_citing,
    oldest,
    present,
)
from trailbook.index.segment import (
    Array,
    Fields,
    Lives,
    Segment,
    SegmentHead,
    build,
    fields_of,
    lives_of,
    read_head,
    read_part,
)

__all__ = [
    "Array",
    "CODED",
    "Clause",
    "Codes",
    "Fields",
    "IndexRow",
    "Ints",
    "Lives",
    "Piece",
    "Place",
    "Places",
    "Plan",
    "Segment",
    "SegmentHead",
    "Tail",
    "Word",
    "bars",
    "build",
    "by_number",
    "by_seq",
    "count",
    "every_seq",
    "extent",
    "fields_of",
    "last_with",
    "lives_of",
    "new_codes",
    "newest",
    "newest_citing",
    "oldest",
    "present",
    "read_head",
    "read_part",
    "stacked",
]
