from .database import (
    DjangoDatabase as DjangoDatabase,
)
from .host import (
    item_of as item_of,
    register as register,
)
from .middleware import (
    ActivityMiddleware as ActivityMiddleware,
)
from .record import (
    record as record,
    record_change as record_change,
)
