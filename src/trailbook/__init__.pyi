from .access import Clearance as Clearance, Viewer as Viewer, operator as operator
from .catalogue import SentencePiece as SentencePiece
from .deployment import (
    Deployment as Deployment,
    open_configured as open_configured,
    open_deployment as open_deployment,
)
from .errors import TrailbookError as TrailbookError
from .finding import (
    Erasures as Erasures,
    ExportRows as ExportRows,
    Facets as Facets,
    FoundItem as FoundItem,
    Histogram as Histogram,
    Meant as Meant,
    Page as Page,
    RememberedItem as RememberedItem,
    Shown as Shown,
    Upkeep as Upkeep,
)
from .log import Keys as Keys, Log as Log
from .model import (
    Actor as Actor,
    Concern as Concern,
    Item as Item,
    NewEntry as NewEntry,
    Origin as Origin,
    Receipt as Receipt,
)
from .proofs import Evidence as Evidence, Holdings as Holdings, Opening as Opening
from .query import EntryFacts as EntryFacts, Query as Query, Term as Term
from .recording import Result as Result

__version__: str
