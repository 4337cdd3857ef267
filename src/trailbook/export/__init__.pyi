from .bundle import (
    BundleKeys as BundleKeys,
)
from .bundle import (
    BundleRequest as BundleRequest,
)
from .bundle import (
    verify_file as verify_file,
)
from .bundle import (
    write_bundle as write_bundle,
)
from .columns import (
    COLUMNS as COLUMNS,
)
from .columns import (
    Layout as Layout,
)
from .csv import (
    csv_file as csv_file,
)
from .csv import (
    guarded as guarded,
)
from .csv import (
    unguarded as unguarded,
)
from .format import (
    FORMATS as FORMATS,
)
from .format import (
    Form as Form,
)
from .format import (
    Format as Format,
)
from .format import (
    check_format as check_format,
)
from .format import (
    exactly as exactly,
)
from .format import (
    file_pieces as file_pieces,
)
from .format import (
    formats as formats,
)
from .format import (
    whole_file as whole_file,
)
from .jsonl import (
    jsonl_file as jsonl_file,
)
from .orders import (
    KEPT_DAYS as KEPT_DAYS,
)
from .orders import (
    Beside as Beside,
)
from .orders import (
    JobState as JobState,
)
from .orders import (
    file_of as file_of,
)
from .orders import (
    order_of as order_of,
)
from .orders import (
    require_few as require_few,
)
from .runner import (
    EVERY_FORMAT as EVERY_FORMAT,
)
from .runner import (
    ExportRequest as ExportRequest,
)
from .runner import (
    Runner as Runner,
)
from .runner import (
    kept_exports as kept_exports,
)
