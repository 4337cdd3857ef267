from .belonging import (
    mend_owners as mend_owners,
)
from .erasure import (
    Command as Command,
    erasure_entry as erasure_entry,
    known_person as known_person,
    plan_erasure as plan_erasure,
)
from .removal import (
    Retention as Retention,
    plan_removal as plan_removal,
)
