from .log import (
    Keys as Keys,
    Log as Log,
)
