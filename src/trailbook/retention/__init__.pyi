from .erasure import (
    Command as Command,
)
from .erasure import (
    plan_erasure as plan_erasure,
)
from .removal import (
    Retention as Retention,
)
from .removal import (
    plan_removal as plan_removal,
)
