from .access import (
    delete_member as delete_member,
    delete_role as delete_role,
    get_keys as get_keys,
    get_member as get_member,
    get_members as get_members,
    get_role as get_role,
    get_roles as get_roles,
    get_withheld as get_withheld,
    get_working_hours as get_working_hours,
    post_invitation as post_invitation,
    post_key as post_key,
    post_reset as post_reset,
    post_role as post_role,
    put_role as put_role,
    put_withheld as put_withheld,
    put_working_hours as put_working_hours,
    replace_member as replace_member,
    restrict as restrict,
    revoke as revoke,
    rotate as rotate,
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
    witnesses as witnesses,
)
from .views import (
    delete_view as delete_view,
    get_view as get_view,
    get_views as get_views,
    post_view as post_view,
    put_view as put_view,
)
