from .capturing import (
    CATALOGUE as CATALOGUE,
)
from .company import (
    HR_FILE as HR_FILE,
    ORIGIN as ORIGIN,
    OpenLog as OpenLog,
    Summary as Summary,
    build as build,
)
from .entering import (
    FOUR as FOUR,
    entry_routes as entry_routes,
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
    HRSystem as HRSystem,
)
