from .access import (
    Change as Change,
)
from .access import (
    Member as Member,
)
from .access import (
    Organisation as Organisation,
)
from .access import (
    Role as Role,
)
from .files import (
    Copies as Copies,
)
from .files import (
    Filed as Filed,
)
from .group_commit import (
    Turns as Turns,
)
from .jobs import (
    LIVE as LIVE,
)
from .jobs import (
    Job as Job,
)
from .jobs import (
    JobLimits as JobLimits,
)
from .jobs import (
    Jobs as Jobs,
)
from .memory.registry import (
    MemoryRegistry as MemoryRegistry,
)
from .memory.store import (
    MemoryStore as MemoryStore,
)
from .opening import (
    is_log_file as is_log_file,
)
from .opening import (
    open_store as open_store,
)
from .opening import (
    schema_of as schema_of,
)
from .opening import (
    sqlite_path as sqlite_path,
)
from .protocol import (
    Append as Append,
)
from .protocol import (
    Blob as Blob,
)
from .protocol import (
    ExpectedBlob as ExpectedBlob,
)
from .protocol import (
    Head as Head,
)
from .protocol import (
    Identity as Identity,
)
from .protocol import (
    NewRow as NewRow,
)
from .protocol import (
    Store as Store,
)
from .protocol import (
    StoredEntry as StoredEntry,
)
from .registry import (
    ApiKey as ApiKey,
)
from .registry import (
    Registry as Registry,
)
from .registry import (
    Session as Session,
)
from .views import (
    Choice as Choice,
)
from .views import (
    SavedView as SavedView,
)
from .views import (
    Views as Views,
)
