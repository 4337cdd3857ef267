from .database import (
    DjangoDatabase as DjangoDatabase,
)
from .host import (
    item_of as item_of,
    register as register,
    the_host as the_host,
)
from .middleware import (
    ActivityMiddleware as ActivityMiddleware,
    signed_in as signed_in,
)
from .record import (
    record as record,
    record_change as record_change,
)
