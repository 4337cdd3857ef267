from .steady import (
    KEYS as KEYS,
)
from .steady import (
    FrozenClock as FrozenClock,
)
from .steady import (
    Steady as Steady,
)
from .steady import (
    new_log as new_log,
)
