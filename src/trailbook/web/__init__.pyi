from .api.openapi import (
    document as document,
)
from .app import (
    create_app as create_app,
)
from .host import (
    MountedPage as MountedPage,
)
from .http.auth import (
    host_viewer as host_viewer,
    session as session,
)
from .http.limits import (
    Limits as Limits,
)
from .http.problems import (
    STATUS as STATUS,
    code_of as code_of,
)
from .http.site import (
    HostPlace as HostPlace,
    HostUser as HostUser,
)
from .http.slow_clients import (
    waiting as waiting,
)
from .http.texts import (
    Words as Words,
    language as language,
    texts_of as texts_of,
)
from .pages.address import (
    page_of as page_of,
)
