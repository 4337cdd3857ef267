from .keys import (
    Keys as Keys,
)
from .log import (
    Log as Log,
)
from .rotations import (
    rotations_of as rotations_of,
)
