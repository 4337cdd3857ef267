from .answers import (
    FacetValue as FacetValue,
    FoundItem as FoundItem,
    Page as Page,
    RememberedItem as RememberedItem,
    Shown as Shown,
    ShownActor as ShownActor,
    ShownConcern as ShownConcern,
    ShownItem as ShownItem,
)
from .binder import (
    Binder as Binder,
)
from .bound import (
    BoundQuery as BoundQuery,
    BoundTerm as BoundTerm,
    BoundWord as BoundWord,
)
from .citing import (
    Citing as Citing,
)
from .embedded.finder import (
    open_embedded as open_embedded,
)
from .embedded.rebuild import (
    IndexMeans as IndexMeans,
    Rebuild as Rebuild,
)
from .embedded.segments import (
    DEFAULT_SIZES as DEFAULT_SIZES,
    SEGMENT as SEGMENT,
    Parts as Parts,
    Sealed as Sealed,
    Sizes as Sizes,
    indexed as indexed,
)
from .figures import (
    BUCKETS as BUCKETS,
    FACET_FIELDS as FACET_FIELDS,
    Bar as Bar,
    Bucket as Bucket,
    FacetField as FacetField,
    Facets as Facets,
    Histogram as Histogram,
    bucket_for as bucket_for,
    count_bars as count_bars,
    list_values as list_values,
    refuse_hours as refuse_hours,
    refuse_persons as refuse_persons,
    refuse_unknown as refuse_unknown,
    without_field as without_field,
)
from .finder import (
    Bars as Bars,
    Finder as Finder,
    FinderMeans as FinderMeans,
    OpenedFinder as OpenedFinder,
    OpenFinder as OpenFinder,
    Upkeep as Upkeep,
    finder_means as finder_means,
    sight as sight,
)
from .identities import (
    Identities as Identities,
)
from .lately import (
    offer_items as offer_items,
)
from .memo import (
    Erasures as Erasures,
    Memo as Memo,
)
from .namesakes import (
    hints_of as hints_of,
)
from .near import (
    NEAR as NEAR,
    Meant as Meant,
    meant_items as meant_items,
)
from .paging import (
    CutPage as CutPage,
    Hits as Hits,
    NextSeqs as NextSeqs,
    Turn as Turn,
    cut_page as cut_page,
    list_page as list_page,
)
from .reader import (
    Reader as Reader,
    new_binder as new_binder,
    new_reader as new_reader,
)
from .rows import (
    BATCH as BATCH,
    ExportLine as ExportLine,
    ExportLines as ExportLines,
    ExportRows as ExportRows,
    Face as Face,
    RowSource as RowSource,
    line_batches as line_batches,
)
from .typeahead import (
    LONGEST as LONGEST,
    MOST as MOST,
    ItemQuery as ItemQuery,
    Part as Part,
    remember_item as remember_item,
)
