from .files import (
    MAX_LINE as MAX_LINE,
    ImportLine as ImportLine,
    import_csv as import_csv,
    import_jsonl as import_jsonl,
    strict_json as strict_json,
)
from .mapping import (
    read_plan as read_plan,
)
