from .files import (
    ImportLine as ImportLine,
)
from .files import (
    import_csv as import_csv,
)
from .files import (
    import_jsonl as import_jsonl,
)
from .json_text import (
    MAX_LINE as MAX_LINE,
)
from .json_text import (
    strict_json as strict_json,
)
from .mapping import (
    read_plan as read_plan,
)
