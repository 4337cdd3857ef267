from .actor import (
    Acting as Acting,
)
from .actor import (
    acting_as as acting_as,
)
from .actor import (
    current as current,
)
from .actor import (
    system as system,
)
from .declarations import (
    Ref as Ref,
)
from .declarations import (
    Tracked as Tracked,
)
from .meaning import (
    recorded_as as recorded_as,
)
from .outbox import (
    Poison as Poison,
)
from .outbox import (
    install_outbox as install_outbox,
)
from .outbox_drain import (
    Draining as Draining,
)
from .outbox_drain import (
    LogLike as LogLike,
)
from .outbox_drain import (
    Ways as Ways,
)
from .outbox_drain import (
    discard_quarantined as discard_quarantined,
)
from .outbox_drain import (
    drain as drain,
)
from .outbox_drain import (
    drain_forever as drain_forever,
)
from .outbox_drain import (
    list_quarantined as list_quarantined,
)
from .outbox_drain import (
    open_host as open_host,
)
from .outbox_drain import (
    outbox_health as outbox_health,
)
from .outbox_drain import (
    retry_quarantined as retry_quarantined,
)
from .sqlalchemy.capture import (
    Bounds as Bounds,
)
from .sqlalchemy.capture import (
    Capture as Capture,
)
from .triggers import (
    check_triggers as check_triggers,
)
from .triggers import (
    install_triggers as install_triggers,
)
from .triggers import (
    remove_triggers as remove_triggers,
)
