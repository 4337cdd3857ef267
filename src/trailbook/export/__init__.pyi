from .bundle import (
    BundleKeys as BundleKeys,
    verify_file as verify_file,
    write_bundle as write_bundle,
)
from .columns import (
    COLUMN_PRESETS as COLUMN_PRESETS,
    COLUMNS as COLUMNS,
    HR as HR,
    About as About,
    Layout as Layout,
    columns_of as columns_of,
    headings as headings,
)
from .csv import (
    csv_file as csv_file,
    guarded as guarded,
    unguarded as unguarded,
)
from .cut import (
    BundleFigures as BundleFigures,
    BundleRequest as BundleRequest,
    bundle_figures as bundle_figures,
    figures_in_words as figures_in_words,
    require_daily_hours as require_daily_hours,
)
from .format import (
    FORMATS as FORMATS,
    Form as Form,
    Format as Format,
    check_format as check_format,
    exactly as exactly,
    file_pieces as file_pieces,
    formats as formats,
    whole_file as whole_file,
)
from .jsonl import (
    jsonl_file as jsonl_file,
)
from .naming import (
    called as called,
    file_name as file_name,
    question as question,
)
from .orders import (
    KEPT_DAYS as KEPT_DAYS,
    Beside as Beside,
    ExportOrder as ExportOrder,
    JobState as JobState,
    file_of as file_of,
    order_of as order_of,
    require_few as require_few,
)
from .packing import (
    STATEMENT as STATEMENT,
)
from .publication import (
    Published as Published,
    publish as publish,
)
from .runner import (
    EVERY_FORMAT as EVERY_FORMAT,
    ExportRequest as ExportRequest,
    Runner as Runner,
    kept_exports as kept_exports,
)
from .statement import (
    Comparison as Comparison,
    compare as compare,
    is_exported as is_exported,
)
