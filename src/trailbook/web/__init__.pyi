from .app import (
    create_app as create_app,
)
from .http.auth import (
    session as session,
)
from .http.limits import (
    Limits as Limits,
)
from .http.slow_clients import (
    waiting as waiting,
)
