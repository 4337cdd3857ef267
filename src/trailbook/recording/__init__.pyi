from .contract import (
    Answer as Answer,
    Batch as Batch,
    Committed as Committed,
    LogChange as LogChange,
    Means as Means,
    Result as Result,
    Tell as Tell,
)
from .writer import (
    Writer as Writer,
)
