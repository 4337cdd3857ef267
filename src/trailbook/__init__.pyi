from .access import Viewer as Viewer, operator as operator
from .deployment import (
    Deployment as Deployment,
    open_configured as open_configured,
    open_deployment as open_deployment,
)
from .errors import TrailbookError as TrailbookError
from .finding import Facets as Facets, Histogram as Histogram, Page as Page, Shown as Shown
from .log import Keys as Keys, Log as Log
from .model import (
    Actor as Actor,
    Concern as Concern,
    Item as Item,
    NewEntry as NewEntry,
    Origin as Origin,
    Receipt as Receipt,
)
from .query import Query as Query, Term as Term

__version__: str
