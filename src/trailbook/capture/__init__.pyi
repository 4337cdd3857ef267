from .actor import (
    Acting as Acting,
    acting_as as acting_as,
    current as current,
    resumed as resumed,
    system as system,
)
from .database import (
    HostConnection as HostConnection,
    HostDatabase as HostDatabase,
)
from .declarations import (
    Ref as Ref,
    Tracked as Tracked,
)
from .meaning import (
    recorded_as as recorded_as,
)
from .outbox import (
    Poison as Poison,
    Wait as Wait,
    install_outbox as install_outbox,
)
from .outbox_drain import (
    Draining as Draining,
    Held as Held,
    LogLike as LogLike,
    Ways as Ways,
    discard_quarantined as discard_quarantined,
    drain as drain,
    drain_forever as drain_forever,
    list_quarantined as list_quarantined,
    outbox_health as outbox_health,
    outbox_waits as outbox_waits,
    retry_quarantined as retry_quarantined,
)
from .recorder import (
    Bounds as Bounds,
)
from .sqlalchemy.capture import (
    Capture as Capture,
)
from .sqlalchemy.database import (
    open_host as open_host,
)
from .triggers import (
    check_triggers as check_triggers,
    install_triggers as install_triggers,
    remove_triggers as remove_triggers,
)
