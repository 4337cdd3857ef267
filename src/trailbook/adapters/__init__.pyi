from .files import (
    ImportLine as ImportLine,
    import_csv as import_csv,
    import_jsonl as import_jsonl,
)
from .json_text import (
    MAX_LINE as MAX_LINE,
    strict_json as strict_json,
)
from .mapping import (
    read_plan as read_plan,
)
