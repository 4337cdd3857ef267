"""Which statements may fire a trigger, so that the database has to know before them who acts.

Owns the judgement: on both databases whatever writes anything, for cascades and a host's own triggers go from table to
table; on PostgreSQL also what calls a function that is not known to write nothing. Refuses to look into views and
operators: there nobody is taken for an earlier user either, for what was announced is renewed before every read.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from trailbook.capture.sql_tables import judged
from trailbook.capture.sql_tokens import Token, tokens_of
from trailbook.errors import UncapturedWriteError

# Whether to announce who acts: never; only where somebody was announced in this transaction; always. Or that what was
# announced may be rolled back.
Reach = Literal["none", "renewed", "announced", "lost"]
READS = frozenset(("select", "with", "values", "table", "fetch", "explain", "("))
_CACHED = 10_000  # characters of the longest text of which this is kept
_ROLLBACKS = frozenset(("rollback", "abort"))
_CONTROLS = frozenset(
    "begin checkpoint close comment commit deallocate declare discard end grant listen lock notify prepare"
    " release reset revoke savepoint set show start unlisten".split()
)
# Words before a bracket that call nothing: none of them can be the name of a function.
_WORDS = frozenset(
    "all and any array as between by case cast distinct else end except exists extract from full group grouping having"
    " in inner intersect into is isnull join lateral like ilike limit not notnull offset on only or order returning"
    " right left row select similar some then to union using values when where with"
    " bit char character decimal float interval numeric time timestamp varchar varying".split()
)
_AFTER_A_CALL = frozenset(("over", "filter"))
# Of PostgreSQL itself. None takes SQL as a text.
_PURE = frozenset(
    "abs age array_agg array_length array_to_string avg bool_and bool_or btrim ceil ceiling char_length coalesce concat"
    " concat_ws count current_database current_schema current_setting date_part date_trunc dense_rank every"
    " first_value floor format_type generate_series greatest jsonb_agg jsonb_array_length jsonb_build_array"
    " jsonb_build_object json_agg json_build_array json_build_object lag last_value lead least left length lower lpad"
    " ltrim make_interval max md5 min mod nextval now nullif octet_length position power regexp_replace repeat replace"
    " right round row_number row_to_json rpad rtrim set_config sqrt string_agg strpos substr substring sum to_char"
    " to_date to_json to_jsonb to_number to_timestamp to_tsquery to_tsvector trim trunc unnest upper version"
    " pg_advisory_lock pg_advisory_unlock pg_advisory_xact_lock pg_current_xact_id".split()
)


def reach_of(dialect: str, statement: str) -> Reach:
    """Whether a text may fire a trigger; `dialect` is `sqlite` or `postgresql`."""
    return (_reach if len(statement) < _CACHED else _reach.__wrapped__)(dialect, statement)


@lru_cache(maxsize=4096)
def _reach(dialect: str, statement: str) -> Reach:
    judgement = judged(dialect, statement)
    if not judgement.harmless:
        return "announced"
    if judgement.begins in _ROLLBACKS:
        return "lost"
    if dialect == "sqlite":
        return "none"  # where no function that a SELECT calls can write
    try:
        tokens = tokens_of(dialect, statement)
    except UncapturedWriteError:
        return "announced"
    if judgement.statements <= 1 and judgement.begins in _CONTROLS:
        # SET CONSTRAINTS fires what was deferred.
        return "announced" if any(token.says("constraints") for token in tokens[1:2]) else "none"
    reads = judgement.statements <= 1 and judgement.begins in READS - {"fetch"}
    return "announced" if not reads or any(_calls(tokens, at) for at in range(len(tokens) - 1)) else "renewed"


def _calls(tokens: Sequence[Token], at: int) -> bool:
    """Whether at a place a function is called that is not known."""
    token = tokens[at]
    if token.kind not in ("word", "name") or not tokens[at + 1].is_sign("("):
        return False
    if at and tokens[at - 1].is_sign("."):
        return not (tokens[at - 2].text == "pg_catalog" and token.text in _PURE)
    if token.text in _AFTER_A_CALL and at and tokens[at - 1].is_sign(")"):
        return False
    return token.text not in _PURE and not token.says(*_WORDS)
