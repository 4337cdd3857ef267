from .connection import (
    schema_of_file as schema_of_file,
)
from .opening import (
    open_sqlite as open_sqlite,
)
