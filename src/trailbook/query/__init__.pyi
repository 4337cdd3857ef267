from .checks import (
    FIELDS as FIELDS,
)
from .checks import (
    MAX_LIMIT as MAX_LIMIT,
)
from .checks import (
    Order as Order,
)
from .checks import (
    Vocabulary as Vocabulary,
)
from .cursors import (
    Cursor as Cursor,
)
from .cursors import (
    read_cursor as read_cursor,
)
from .cursors import (
    write_cursor as write_cursor,
)
from .dates import (
    PRESETS as PRESETS,
)
from .dates import (
    buckets as buckets,
)
from .dates import (
    date_bounds as date_bounds,
)
from .dates import (
    day_end as day_end,
)
from .dates import (
    day_start as day_start,
)
from .dates import local_time as local_time
from .dates import (
    parse_day as parse_day,
)
from .dates import (
    zone as zone,
)
from .filter import (
    EntryFacts as EntryFacts,
)
from .filter import (
    Query as Query,
)
from .filter import (
    Term as Term,
)
from .filter import (
    interval as interval,
)
from .filter import (
    matches as matches,
)
from .filter import (
    self_of as self_of,
)
from .filter import (
    values_of as values_of,
)
from .folding import (
    fold as fold,
)
from .folding import (
    words as words,
)
from .params import (
    Paging as Paging,
)
from .params import (
    from_line as from_line,
)
from .params import (
    from_params as from_params,
)
from .params import (
    printed as printed,
)
from .params import (
    split_params as split_params,
)
from .params import (
    to_params as to_params,
)
from .phrases import (
    PRESET_NAMES as PRESET_NAMES,
)
from .phrases import (
    in_words as in_words,
)
