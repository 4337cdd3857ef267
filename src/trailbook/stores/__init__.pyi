from .access import (
    Access as Access,
    Change as Change,
    Member as Member,
    Organisation as Organisation,
    Role as Role,
)
from .api_keys import (
    ApiKey as ApiKey,
    ApiKeys as ApiKeys,
)
from .blobs import (
    Blob as Blob,
    Blobs as Blobs,
    ExpectedBlob as ExpectedBlob,
)
from .directory import (
    Directory as Directory,
    Hint as Hint,
    Identity as Identity,
)
from .files import (
    Copies as Copies,
    Filed as Filed,
)
from .group_commit import (
    Turns as Turns,
)
from .inspection import (
    Inspection as Inspection,
)
from .jobs import (
    LIVE as LIVE,
    Job as Job,
    JobLimits as JobLimits,
    Jobs as Jobs,
)
from .ledger import (
    Append as Append,
    Head as Head,
    Ledger as Ledger,
    NewRow as NewRow,
    StoredEntry as StoredEntry,
)
from .memory.registry import (
    MemorySessions as MemorySessions,
    memory_registry as memory_registry,
)
from .memory.store import (
    MemoryStore as MemoryStore,
)
from .opening import (
    is_log_file as is_log_file,
    open_store as open_store,
    schema_of as schema_of,
    store_file as store_file,
)
from .registry import (
    Registry as Registry,
)
from .sessions import (
    Session as Session,
    Sessions as Sessions,
)
from .store import (
    EntryStore as EntryStore,
    LogStore as LogStore,
    Store as Store,
    TreeStore as TreeStore,
)
from .views import (
    Choice as Choice,
    SavedView as SavedView,
    Views as Views,
)
