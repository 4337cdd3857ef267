from .keys import (
    Keys as Keys,
)
from .log import (
    Log as Log,
)
from .recorder import (
    LIBRARY as LIBRARY,
)
from .rotations import (
    rotations_of as rotations_of,
)
