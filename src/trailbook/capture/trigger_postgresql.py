"""A table's declaration as triggers of PostgreSQL: a function for each kind of change, and one that refuses TRUNCATE.

Owns the SQL. Whether a value changed PostgreSQL says by its bytes, for some types have no equality and some collations
an equality of their own. Refuses to go on where there is no outbox, and to write to any but that of its own schema.
"""

from collections.abc import Iterator, Sequence

from trailbook.capture.declarations import OPS, Op, Tracked
from trailbook.capture.relatives import Relative
from trailbook.capture.trigger_sql import (
    EVENTS,
    Trigger,
    column,
    counted_columns,
    fields_of,
    identity_columns,
    item,
    json_object,
    name_of,
    place_of,
    quoted,
    reference,
    references,
    text,
    without_id,
)

_ID = (
    "encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing"
    " substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)"
    " from 1 for 6), 52, 1), 53, 1), 'hex')::uuid"
)
_STAMP = "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
_ACTING = (
    "coalesce(nullif(current_setting('trailbook.acting', true), '')::jsonb, jsonb_build_object('actor',"
    " jsonb_build_object('kind', 'system', 'type', 'system', 'id', 'database/' || session_user, 'name',"
    " 'Database user ' || session_user), 'origin', jsonb_build_object('interface', 'database')))"
)
_BY_STATEMENT = " FOR EACH STATEMENT EXECUTE FUNCTION "
_OBJECT = json_object("jsonb_build_object")


def triggers_of(tracked: Tracked, org: str, schema: str) -> list[Trigger]:
    """The triggers of a table; `schema` is where the outbox is."""
    outbox = f"{quoted(schema)}.trailbook_outbox"
    triggers = [
        _trigger(tracked, op, _program(tracked, op, org, outbox=outbox), outbox) for op in _written(tracked)
    ]
    return [*triggers, _truncated(tracked)] if tracked.actions["deleted"] is not None else triggers


def due(triggers: Sequence[Trigger], relative: Relative) -> list[Trigger]:
    """The triggers of a table that another which holds its rows needs too: a partition has those of rows by itself."""
    return [each for each in triggers if relative.kin == "child" or _BY_STATEMENT in each.statements[1]]


def further(triggers: Sequence[Trigger], tracked: Tracked, relative: Relative) -> Iterator[str]:
    """The statements that make them there."""
    for trigger in due(triggers, relative):
        yield trigger.statements[1].replace(f" ON {place_of(tracked)} FOR", f" ON {relative.place} FOR", 1)


def _written(tracked: Tracked) -> list[Op]:
    """The kinds of change that need a trigger; an update may be a deletion and a creation."""
    return [op for op in OPS if op == "updated" or tracked.actions[op] is not None]


def _trigger(tracked: Tracked, op: Op, program: str, outbox: str) -> Trigger:
    name = name_of(tracked, op)
    missing = "the outbox is not there, so that no tracked table is written: install capture again"
    body = (
        f"BEGIN IF to_regclass({text(outbox)}) IS NULL THEN RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE ="
        f" {text(missing)}; END IF; {program} RETURN NULL; END"
    )
    when = f" WHEN ({_differs(counted_columns(tracked))})" if op == "updated" else ""
    trigger = (
        f"CREATE TRIGGER {quoted(name)} AFTER {EVENTS[op]} ON {place_of(tracked)} FOR EACH ROW{when}"
        f" EXECUTE FUNCTION {quoted(name)}()"
    )
    return Trigger(name, (_function(name, body), trigger))


def _truncated(tracked: Tracked) -> Trigger:
    name = name_of(tracked, "truncated")
    why = f"TRUNCATE of {tracked.table} would go unrecorded and is refused: use DELETE"
    body = f"BEGIN RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = {text(why)}; END"
    trigger = (
        f"CREATE TRIGGER {quoted(name)} BEFORE TRUNCATE ON {place_of(tracked)} FOR EACH STATEMENT"
        f" EXECUTE FUNCTION {quoted(name)}()"
    )
    return Trigger(name, (_function(name, body), trigger))


def _function(name: str, body: str) -> str:
    quote = "$trailbook$"
    while quote in body:  # in a name of the host's
        quote = f"{quote[:-1]}_$"
    returns = "RETURNS trigger LANGUAGE plpgsql"
    return f"CREATE OR REPLACE FUNCTION {quoted(name)}() {returns} AS {quote} {body} {quote}"


def _program(tracked: Tracked, op: Op, org: str, *, outbox: str) -> str:
    if op == "created":
        return _entry(tracked, op, org, outbox=outbox)
    if op == "deleted":
        return _entry(tracked, op, org, outbox=outbox)
    both = _entry(tracked, "deleted", org, outbox=outbox) + _entry(tracked, "created", org, outbox=outbox)
    updated = _entry(tracked, "updated", org, outbox=outbox)
    return (
        f"IF {_differs(identity_columns(tracked))} THEN {both or 'NULL;'}"
        f" ELSIF {_differs(counted_columns(tracked))} THEN {updated or 'NULL;'} END IF;"
    )


def _entry(tracked: Tracked, op: Op, org: str, *, outbox: str) -> str:
    """The statement that writes an entry, or nothing where the change has none."""
    action, row = tracked.actions[op], "OLD" if op == "deleted" else "NEW"
    if action is None:
        return ""
    fields = ""
    if op == "updated" and tracked.fields:
        some = ", ".join(
            f"CASE WHEN {_differs([c])} THEN {text(field)} END" for field, c in fields_of(tracked)
        )
        fields = f", 'fields', to_jsonb(array_remove(ARRAY[{some}]::text[], NULL))"
    return (
        f"IF {row}.{column(tracked, tracked.id)} IS NULL THEN RAISE EXCEPTION USING ERRCODE = '23502',"
        f" MESSAGE = {text(without_id(tracked))}; END IF;"
        f" INSERT INTO {outbox} (org, op, captured_at, entry) VALUES"
        f" ({text(org)}, '{op}', floor(extract(epoch from clock_timestamp()) * 1000000)::bigint,"
        f" (jsonb_build_object('id', {_ID}, 'action', {text(action)}, 'occurred_at', {_STAMP},"
        f" 'target', {item(tracked, row, _OBJECT)}{_concerns(tracked, row)}{fields}) || {_ACTING})::text);"
    )


def _concerns(tracked: Tracked, row: str) -> str:
    some = [
        f"CASE WHEN {row}.{column(tracked, ref.id)} IS NULL THEN '[]'::jsonb ELSE jsonb_build_array("
        f"{reference(tracked, row, ref, as_object=_OBJECT)} || jsonb_build_object('part', {text(part)})) END"
        for part, ref in references(tracked)
    ]
    return f", 'concerns', {' || '.join(some)}" if some else ""


def _differs(columns: list[str]) -> str:
    """Whether any of these columns is another than before, to the byte."""
    old, new = (", ".join(f"{row}.{name}" for name in columns) for row in ("OLD", "NEW"))
    return f"ROW({old})::record *<> ROW({new})::record"  # a bare ROW would be compared column by column
