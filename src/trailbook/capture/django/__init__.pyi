from .database import (
    DjangoDatabase as DjangoDatabase,
)
from .host import (
    registered_item as registered_item,
    register as register,
    the_host as the_host,
)
from .middleware import (
    ActivityMiddleware as ActivityMiddleware,
    signed_in as signed_in,
)
from .meant import (
    record as record,
    record_change as record_change,
)
