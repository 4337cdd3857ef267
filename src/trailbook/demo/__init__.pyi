from .capturing import (
    CATALOGUE as CATALOGUE,
)
from .company import (
    HR_FILE as HR_FILE,
)
from .company import (
    ORIGIN as ORIGIN,
)
from .company import (
    OpenLog as OpenLog,
)
from .company import (
    Summary as Summary,
)
from .company import (
    build as build,
)
from .entering import (
    FOUR as FOUR,
)
from .entering import (
    entry_routes as entry_routes,
)
from .entering import (
    item_of as item_of,
)
from .pages import (
    page_routes as page_routes,
)
from .simulation.founding import (
    ORG as ORG,
)
from .system import (
    SOURCE as SOURCE,
)
from .system import (
    HRSystem as HRSystem,
)
