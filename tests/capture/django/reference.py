"""`docs/reference/capture-django.md`, from the matrix: `python -m tests.capture.django.reference` prints it."""

from tests.capture.django.conftest import SERVER  # which sets Django up
from tests.capture.django.ways import WAYS, Way, by_triggers

assert SERVER
MEANING = {
    "recorded": "recorded once, with the commit",
    "refused": "refused before it runs",
    "nothing": "nothing, for nothing was committed",
    "unseen": "not seen: cover the table with triggers",
}
_ENGINES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_BEFORE = """# Write paths of a Django host

What becomes of each way to write to the table of a registered model. Made from the matrix of the test suite
(`python -m tests.capture.django.reference`), which runs every line with Django 5.2 and 6, on SQLite and PostgreSQL, and
compares the host's rows before and after with the outbox: an entry for each row that differs, no other, none twice, and
the right actor. The verdict is the same everywhere, but where a line says which database has it.
"""
_AFTER = """## Not seen by hooks, whatever they do
- What other clients write, and what goes past Django's cursors: the driver's own connection, `cursor.copy()`,
  `cursor.callproc()`.
- What the database does by itself: ON DELETE and ON UPDATE actions, triggers of your own, functions that a SELECT
  calls, generated columns; on SQLite the row that `ON CONFLICT REPLACE` of a table's own removes.
  Other names of the same rows (partitions, tables that inherit, views and rules of PostgreSQL; views of SQLite whose
  triggers write) are known as they were when the process first wrote, or last altered a schema: a write to them, as
  SQL or by an unmanaged model, is refused before it runs.
- DDL: `DROP TABLE` and `ALTER TABLE` are no changes of rows.

An UPDATE is an entry for each row in which something differs, but for what is declared to mean nothing. A row that
somebody else commits while an UPDATE waits for it counts as changed in all that is set."""


def page() -> str:
    """The reference, as it stands in `docs/reference/capture-django.md`."""
    lines = [_BEFORE]
    for group in dict.fromkeys(each.group for each in WAYS.values()):
        lines += [f"## {group}", "| write path | hooks | triggers |", "|---|---|---|"]
        lines += [_line(each) for each in WAYS.values() if each.group == group]
        lines.append("")
    return "\n".join([*lines, _AFTER]) + "\n"


def _line(each: Way) -> str:
    name = each.name if each.engine is None else f"{each.name} ({_ENGINES[each.engine]})"
    triggers = MEANING[by_triggers(each)]
    if each.database and by_triggers(each) == "recorded":
        triggers = "recorded once; the actor is the database's user"
    return f"| {name} | {MEANING[each.verdict]} | {triggers} |"


if __name__ == "__main__":
    print(page(), end="")
