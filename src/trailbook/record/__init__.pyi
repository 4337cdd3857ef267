from .canonical import (
    Body as Body,
)
from .canonical import (
    Cited as Cited,
)
from .canonical import (
    EntryStamp as EntryStamp,
)
from .canonical import (
    canonical_json as canonical_json,
)
from .canonical import (
    correlation_digits as correlation_digits,
)
from .canonical import (
    decode_body as decode_body,
)
from .canonical import (
    encode_body as encode_body,
)
from .canonical import (
    has_place as has_place,
)
from .canonical import (
    item_preimage as item_preimage,
)
from .canonical import (
    origin_preimage as origin_preimage,
)
from .canonical import (
    token_of as token_of,
)
from .replay import (
    same_content as same_content,
)
from .row import (
    RowItems as RowItems,
)
from .row import (
    body_row as body_row,
)
from .row import (
    index_row as index_row,
)
from .row import (
    sixty_bits as sixty_bits,
)
from .row import (
    unread_row as unread_row,
)
from .rules import (
    Complete as Complete,
)
from .rules import (
    complete_entry as complete_entry,
)
from .rules_cache import (
    RulesCache as RulesCache,
)
