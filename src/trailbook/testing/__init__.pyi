from .steady import (
    KEYS as KEYS,
    FrozenClock as FrozenClock,
    Steady as Steady,
    new_log as new_log,
)
