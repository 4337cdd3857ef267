from .bundle import (
    BundleAsk as BundleAsk,
)
from .bundle import (
    BundleSigns as BundleSigns,
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
    made_of as made_of,
)
from .orders import (
    require_few as require_few,
)
from .orders import (
    wanted_of as wanted_of,
)
from .runner import (
    EVERY_FORMAT as EVERY_FORMAT,
)
from .runner import (
    ExportAsk as ExportAsk,
)
from .runner import (
    Runner as Runner,
)
from .runner import (
    kept_exports as kept_exports,
)
