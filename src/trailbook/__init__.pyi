from .access import Viewer as Viewer
from .access import operator as operator
from .deployment import Deployment as Deployment
from .deployment import open_deployment as open_deployment
from .errors import TrailbookError as TrailbookError
from .finding import Facets as Facets
from .finding import Histogram as Histogram
from .finding import Page as Page
from .finding import Shown as Shown
from .log import Keys as Keys
from .log import Log as Log
from .model import (
    Actor as Actor,
)
from .model import (
    Concern as Concern,
)
from .model import (
    Item as Item,
)
from .model import (
    NewEntry as NewEntry,
)
from .model import (
    Origin as Origin,
)
from .model import (
    Receipt as Receipt,
)
from .query import Query as Query
from .query import Term as Term

__version__: str
