from .access import (
    Change as Change,
    Member as Member,
    Organisation as Organisation,
    Role as Role,
)
from .files import (
    Copies as Copies,
    Filed as Filed,
)
from .group_commit import (
    Turns as Turns,
)
from .jobs import (
    LIVE as LIVE,
    Job as Job,
    JobLimits as JobLimits,
    Jobs as Jobs,
)
from .memory.registry import (
    MemoryRegistry as MemoryRegistry,
)
from .memory.store import (
    MemoryStore as MemoryStore,
)
from .opening import (
    file_of as file_of,
    is_log_file as is_log_file,
    open_store as open_store,
    schema_of as schema_of,
)
from .protocol import (
    Append as Append,
    Blob as Blob,
    ExpectedBlob as ExpectedBlob,
    Head as Head,
    Identity as Identity,
    NewRow as NewRow,
    Store as Store,
    StoredEntry as StoredEntry,
)
from .registry import (
    ApiKey as ApiKey,
    Registry as Registry,
    Session as Session,
)
from .views import (
    Choice as Choice,
    SavedView as SavedView,
    Views as Views,
)
