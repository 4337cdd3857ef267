from .checks import (
    HIDDEN as HIDDEN,
    MAX_LIMIT as MAX_LIMIT,
    Order as Order,
    Vocabulary as Vocabulary,
)
from .cursors import (
    Cursor as Cursor,
    read_cursor as read_cursor,
    write_cursor as write_cursor,
)
from .dates import (
    PRESETS as PRESETS,
    buckets as buckets,
    date_bounds as date_bounds,
    day_end as day_end,
    day_start as day_start,
    local_time as local_time,
    parse_day as parse_day,
    zone as zone,
)
from .fields import (
    FACETS as FACETS,
    FIELDS as FIELDS,
    ONCE as ONCE,
    Field as Field,
    FieldForm as FieldForm,
    is_item as is_item,
)
from .filter import (
    EntryFacts as EntryFacts,
    Query as Query,
    Term as Term,
    frozen as frozen,
    interval as interval,
    is_personal as is_personal,
    matches as matches,
    refuse_personal as refuse_personal,
    self_of as self_of,
    unnamed as unnamed,
    values_of as values_of,
)
from .folding import (
    fold as fold,
    words as words,
)
from .hours import (
    HOURS as HOURS,
    WORKING_HOURS as WORKING_HOURS,
    HoursRule as HoursRule,
    WorkingHours as WorkingHours,
    daily_span as daily_span,
    hours_rule as hours_rule,
    hours_text as hours_text,
    offsets_between as offsets_between,
    week_spans as week_spans,
    working_hours_faults as working_hours_faults,
    zone_data_version as zone_data_version,
)
from .params import (
    Paging as Paging,
    from_line as from_line,
    from_params as from_params,
    line_params as line_params,
    printed as printed,
    split_params as split_params,
    to_params as to_params,
)
from .phrases import (
    PRESET_NAMES as PRESET_NAMES,
    day_in_words as day_in_words,
    hours_in_words as hours_in_words,
    in_words as in_words,
)
