from .columns import (
    CODED as CODED,
)
from .columns import (
    Codes as Codes,
)
from .columns import (
    Fields as Fields,
)
from .columns import (
    IndexRow as IndexRow,
)
from .columns import (
    Ints as Ints,
)
from .columns import (
    Lives as Lives,
)
from .columns import (
    Tail as Tail,
)
from .columns import (
    new_codes as new_codes,
)
from .counting import (
    bars as bars,
)
from .counting import (
    by_number as by_number,
)
from .counting import (
    count as count,
)
from .counting import (
    extent as extent,
)
from .counting import (
    stacked as stacked,
)
from .plan import (
    Clause as Clause,
)
from .plan import (
    Place as Place,
)
from .plan import (
    Plan as Plan,
)
from .plan import (
    Word as Word,
)
from .search import (
    Piece as Piece,
)
from .search import (
    Places as Places,
)
from .search import (
    by_seq as by_seq,
)
from .search import (
    every_seq as every_seq,
)
from .search import (
    last_with as last_with,
)
from .search import (
    newest as newest,
)
from .search import (
    newest_citing as newest_citing,
)
from .search import (
    oldest as oldest,
)
from .search import (
    present as present,
)
from .segment import (
    Array as Array,
)
from .segment import (
    Segment as Segment,
)
from .segment import (
    SegmentHead as SegmentHead,
)
from .segment import (
    build_segment as build_segment,
)
from .segment import (
    fields_of as fields_of,
)
from .segment import (
    lives_of as lives_of,
)
from .segment import (
    read_head as read_head,
)
from .segment import (
    read_part as read_part,
)
