from .database import (
    DjangoDatabase as DjangoDatabase,
)
from .host import (
    registered_item as registered_item,
    register as register,
)
from .middleware import (
    ActivityMiddleware as ActivityMiddleware,
)
from .meant import (
    record as record,
    record_change as record_change,
)
