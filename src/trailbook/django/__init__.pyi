from .admin_pages import (
    add_activity as add_activity,
)
from .host import (
    host_log as host_log,
    host_user as host_user,
)
