from .columns import (
    CODED as CODED,
    Codes as Codes,
    Fields as Fields,
    IndexRow as IndexRow,
    Lives as Lives,
    Tail as Tail,
    new_codes as new_codes,
)
from .comparison import (
    ENTRY as ENTRY,
    Difference as Difference,
    differences as differences,
    require_readable as require_readable,
)
from .counting import (
    bars as bars,
    by_cause as by_cause,
    by_number as by_number,
    count as count,
    stacked as stacked,
)
from .hours import (
    Hours as Hours,
    within as within,
)
from .plan import (
    Clause as Clause,
    Ints as Ints,
    Mask as Mask,
    Place as Place,
    Plan as Plan,
    Word as Word,
)
from .search import (
    Piece as Piece,
    Places as Places,
    by_seq as by_seq,
    newest as newest,
    oldest as oldest,
    present as present,
    rank_of as rank_of,
    seen as seen,
)
from .segment import (
    Array as Array,
    Segment as Segment,
    SegmentHead as SegmentHead,
    build_segment as build_segment,
    entries_of as entries_of,
    fields_of as fields_of,
    joined as joined,
    lives_among as lives_among,
    lives_of as lives_of,
    read_head as read_head,
    read_part as read_part,
)
from .unsealed import (
    Unsealed as Unsealed,
)
