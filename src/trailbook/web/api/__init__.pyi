from .access import (
    add_role as add_role,
    change_role as change_role,
    invite as invite,
    issue as issue,
    list_keys as list_keys,
    member as member,
    members as members,
    put_member as put_member,
    remove_member as remove_member,
    remove_role as remove_role,
    reset as reset,
    restrict as restrict,
    revoke as revoke,
    role as role,
    roles as roles,
    rotate as rotate,
    withheld as withheld,
    withhold as withhold,
)
from .counts import (
    facets as facets,
    histogram as histogram,
    related as related,
)
from .docs import (
    docs_page as docs_page,
    openapi_document as openapi_document,
)
from .entries import (
    catalogue as catalogue,
    items as items,
    search as search,
    show_entry as show_entry,
)
from .exports import (
    MAX_ORDER as MAX_ORDER,
    at_once_csv as at_once_csv,
    at_once_jsonl as at_once_jsonl,
    cancel_export as cancel_export,
    export_file as export_file,
    export_manifest as export_manifest,
    list_exports as list_exports,
    order_export as order_export,
    show_export as show_export,
)
from .fast_path import (
    Ingest as Ingest,
    ingesting as ingesting,
    record_entries as record_entries,
    record_entry as record_entry,
)
from .health import (
    healthz as healthz,
    readyz as readyz,
    version as version,
)
from .live import (
    Streams as Streams,
    follow as follow,
)
from .proofs import (
    checkpoint as checkpoint,
    identities as identities,
    key as key,
    leaf as leaf,
    proof as proof,
    tile as tile,
)
from .views import (
    add_view as add_view,
    change_view as change_view,
    list_views as list_views,
    remove_view as remove_view,
    show_view as show_view,
)
