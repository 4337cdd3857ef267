from .answers import (
    FoundItem as FoundItem,
)
from .answers import (
    Page as Page,
)
from .answers import (
    RememberedItem as RememberedItem,
)
from .answers import (
    Shown as Shown,
)
from .answers import (
    ShownActor as ShownActor,
)
from .answers import (
    ShownConcern as ShownConcern,
)
from .answers import (
    ShownItem as ShownItem,
)
from .citing import (
    cited_versions as cited_versions,
)
from .embedded.projection import (
    Projection as Projection,
)
from .embedded.segments import (
    DEFAULT_SIZES as DEFAULT_SIZES,
)
from .embedded.segments import (
    SEGMENT as SEGMENT,
)
from .embedded.segments import (
    Parts as Parts,
)
from .embedded.segments import (
    Sealed as Sealed,
)
from .embedded.segments import (
    Sizes as Sizes,
)
from .embedded.segments import (
    indexed as indexed,
)
from .figures import (
    BUCKETS as BUCKETS,
)
from .figures import (
    BYS as BYS,
)
from .figures import (
    Bar as Bar,
)
from .figures import (
    Bucket as Bucket,
)
from .figures import (
    By as By,
)
from .figures import (
    Facets as Facets,
)
from .figures import (
    FacetValue as FacetValue,
)
from .figures import (
    Histogram as Histogram,
)
from .figures import (
    bucket_for as bucket_for,
)
from .figures import (
    count_bars as count_bars,
)
from .figures import (
    list_values as list_values,
)
from .figures import (
    refuse_persons as refuse_persons,
)
from .figures import (
    refuse_unknown as refuse_unknown,
)
from .figures import (
    without_field as without_field,
)
from .memo import (
    Erasures as Erasures,
)
from .memo import (
    Memo as Memo,
)
from .paging import (
    Turn as Turn,
)
from .paging import (
    cut_page as cut_page,
)
from .paging import (
    list_page as list_page,
)
from .paging import (
    next_seqs as next_seqs,
)
from .reader import (
    Reader as Reader,
)
from .reader import (
    new_reader as new_reader,
)
from .rows import (
    BATCH as BATCH,
)
from .rows import (
    ExportLine as ExportLine,
)
from .rows import (
    ExportLines as ExportLines,
)
from .rows import (
    ExportRows as ExportRows,
)
from .rows import (
    Face as Face,
)
from .rows import (
    RowSource as RowSource,
)
from .rows import (
    line_batches as line_batches,
)
from .typeahead import (
    LONGEST as LONGEST,
)
from .typeahead import (
    MOST as MOST,
)
from .typeahead import (
    ItemQuery as ItemQuery,
)
from .typeahead import (
    Part as Part,
)
from .typeahead import (
    find_items as find_items,
)
from .typeahead import (
    remember_item as remember_item,
)
