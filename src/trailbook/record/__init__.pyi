from .canonical import (
    Body as Body,
    Cited as Cited,
    EntryStamp as EntryStamp,
    canonical_json as canonical_json,
    correlation_digits as correlation_digits,
    decode_body as decode_body,
    encode_body as encode_body,
    has_place as has_place,
    item_preimage as item_preimage,
    origin_preimage as origin_preimage,
    token_of as token_of,
)
from .columns import (
    KnownItem as KnownItem,
    NumberedBody as NumberedBody,
    body_fields as body_fields,
    body_lives as body_lives,
    endings_of as endings_of,
)
from .form import (
    body_fault as body_fault,
    read_body as read_body,
)
from .grants import (
    ACCESS as ACCESS,
    GRANTING as GRANTING,
    NOTHING as NOTHING,
    Grant as Grant,
    Holder as Holder,
    Standing as Standing,
    digest_of as digest_of,
    grant_of as grant_of,
    standing as standing,
)
from .owners import (
    Belonging as Belonging,
    OwnerRules as OwnerRules,
    owner_rules as owner_rules,
)
from .replay import (
    same_content as same_content,
)
from .row import (
    RowItems as RowItems,
    body_row as body_row,
    index_row as index_row,
    sixty_bits as sixty_bits,
    unread_row as unread_row,
)
from .rules import (
    Complete as Complete,
    complete_entry as complete_entry,
)
from .rules_cache import (
    RulesCache as RulesCache,
)
from .stubs import (
    Stub as Stub,
    read_stubs as read_stubs,
    stub_list as stub_list,
    stubs_digest as stubs_digest,
)
