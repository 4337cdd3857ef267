from .contract import (
    Answer as Answer,
)
from .contract import (
    Batch as Batch,
)
from .contract import (
    Committed as Committed,
)
from .contract import (
    LogChange as LogChange,
)
from .contract import (
    Means as Means,
)
from .contract import (
    Result as Result,
)
from .contract import (
    Tell as Tell,
)
from .writer import (
    Writer as Writer,
)
