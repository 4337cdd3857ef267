from .database import (
    DjangoDatabase as DjangoDatabase,
)
from .host import (
    register as register,
    registered_item as registered_item,
)
from .meant import (
    record as record,
    record_change as record_change,
)
from .middleware import (
    ActivityMiddleware as ActivityMiddleware,
)
