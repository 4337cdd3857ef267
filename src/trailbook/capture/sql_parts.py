"""One INSERT, UPDATE or DELETE as its parts: what it writes to, sets, asks for and returns, each as it was written.

Owns the few shapes of a write whose rows the database can be asked for by adding to the text. Refuses every other one:
aliases, row values, UPDATE ... FROM, LIMIT, upserts, writes within writes. It reads no value and knows no schema.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal

from msgspec import Struct, structs

from trailbook.capture.sql_tokens import Token, tokens_of
from trailbook.errors import UncapturedWriteError

Verb = Literal["insert", "update", "delete"]
_WRITES = ("insert", "update", "delete", "merge", "truncate", "copy")
_NOW = ("current_timestamp", "current_date", "current_time", "localtime", "localtimestamp")
# What may stand before a parenthesis in an expression that is compared: words of SQL, types, and functions that give
# the same for the same. What any other function sets counts as changed.
_LASTING = frozenset(
    "and as between by case cast else end in is like ilike not or over set then when"
    " char character decimal numeric varbit varchar varying bit time timestamp timestamptz interval array row"
    " abs acos ascii asin atan atan2 ceil ceiling char_length chr coalesce concat concat_ws cos cot date_part"
    " date_trunc degrees exp extract floor format glob greatest hex ifnull iif initcap instr least left length ln log"
    " lower lpad ltrim make_date make_interval max md5 min mod nullif overlay pi position power quote radians"
    " regexp_replace repeat replace reverse right round rpad rtrim sha224 sha256 sha384 sha512 sign sin split_part sqrt"
    " strpos substr substring tan to_char to_date to_number translate trim trunc unicode upper"
    " array_append array_cat array_length array_position array_prepend array_remove array_replace array_to_string"
    " cardinality string_to_array unnest json json_array json_extract json_insert json_object json_patch json_remove"
    " json_replace json_set json_type json_valid jsonb_build_array jsonb_build_object jsonb_extract_path"
    " jsonb_extract_path_text jsonb_insert jsonb_set jsonb_strip_nulls jsonb_typeof to_json to_jsonb".split()
)
_OPEN, _CLOSE = "([", ")]"


class Assignment(Struct, frozen=True, gc=False):
    """What an UPDATE sets: a column, folded to small letters, and the expression; None stands for DEFAULT.

    `lasts` says that the expression is the same when it is worked out again in the transaction, as far as can be seen.
    """

    column: str
    expression: str | None
    lasts: bool = True


class WriteParts(Struct, frozen=True, kw_only=True):
    """The parts of a write. `head` is all of it before RETURNING, `tail` what stands after the whole write."""

    verb: Verb
    target: str
    table: str  # folded to small letters, without a schema
    head: str
    returning: str = ""
    tail: str = ""
    assignments: tuple[Assignment, ...] = ()
    where: str = ""

    def returned(self, columns: Sequence[str]) -> str:
        """The text that returns these columns too, after what it returns already."""
        items = ", ".join([self.returning, *columns] if self.returning else columns)
        return f"{self.head} RETURNING {items}{self.tail}"


def write_parts(dialect: str, statement: str) -> WriteParts:
    """The parts of a statement that writes; `dialect` is `sqlite` or `postgresql`.

    Raises: UncapturedWriteError for what is not exactly one write in a shape that is known.
    """
    tokens, tail = _without_tail(statement, tokens_of(dialect, statement))
    reader = _Reader(statement, tokens, dialect)
    if not tokens or not tokens[0].says("insert", "update", "delete"):
        raise _refused("does not begin with INSERT, UPDATE or DELETE")
    for before, token in pairwise(tokens):
        if token.says(*_WRITES) and not before.says("do", "for", "key"):
            raise _refused(f"has {token.text.upper()} within it")
    parts = {"insert": _insert, "update": _update, "delete": _delete}[tokens[0].text](reader)
    return structs.replace(parts, tail=tail)


class _Reader:
    """The tokens of a write, and which of them stand outside every parenthesis."""

    def __init__(self, statement: str, tokens: Sequence[Token], dialect: str) -> None:
        self.statement = statement
        self.tokens = tokens
        self.dialect = dialect
        self.outer = [at for at, depth in enumerate(_depths(tokens)) if depth == 0]

    def word(self, *words: str, start: int = 0) -> int:
        """The place of the first of these words that stands outside, or the end."""
        places = (at for at in self.outer if at >= start and self.tokens[at].says(*words))
        return next(places, len(self.tokens))

    def slice(self, start: int, end: int) -> str:
        """The text from one token up to another, that one not included."""
        return "" if start >= end else self.statement[self.tokens[start].start : self.tokens[end - 1].end]

    def says(self, at: int, *words: str) -> bool:
        """Whether one of these words stands at a place."""
        return at < len(self.tokens) and self.tokens[at].says(*words)

    def target(self, at: int) -> tuple[int, dict[str, Any]]:
        """The table that is named at a place: the place after it, and the parts that say so."""
        last = at
        while last + 2 < len(self.tokens) and self.tokens[last + 1].is_sign("."):
            last += 2
        kinds = ("name", "word", "string") if self.dialect == "sqlite" else ("name", "word")
        if last >= len(self.tokens) or self.says(at, "only") or self.tokens[last].kind not in kinds:
            raise _refused("names its table in a way that is not known")
        return last + 1, {"target": self.slice(at, last + 1), "table": self.tokens[last].text}

    def returning(self, start: int) -> dict[str, Any]:
        """The parts before RETURNING and after it."""
        at = self.word("returning", start=start)
        return {"head": self.slice(0, at), "returning": self.slice(at + 1, len(self.tokens))}


def _insert(reader: _Reader) -> WriteParts:
    at = 1
    if reader.says(at, "or"):
        if not reader.says(at + 1, "ignore"):
            raise _refused("is INSERT OR something else than IGNORE")
        at += 2
    if not reader.says(at, "into"):
        raise _refused("has no INTO")
    after, named = reader.target(at + 1)
    opens = after < len(reader.tokens) and reader.tokens[after].is_sign("(")
    if not opens and not reader.says(after, "values", "select", "default", "overriding"):
        raise _refused("gives its table another name")
    for place, token in enumerate(reader.tokens):
        if token.says("do") and not reader.says(place + 1, "nothing"):
            raise _refused("is an upsert: whether it creates or changes a row cannot be seen")
    return WriteParts(verb="insert", **named, **reader.returning(after))


def _update(reader: _Reader) -> WriteParts:
    after, named = reader.target(1)
    if not reader.says(after, "set"):
        raise _refused("has no SET after the name of its table")
    ends = reader.returning(after)
    last = reader.word("returning", start=after)
    where = min(reader.word("where", start=after), last)
    _demand_plain(reader, after, where)
    pieces = _pieces(reader, after + 1, where)
    assignments = tuple(_assignment(reader, start, end) for start, end in pieces)
    condition = reader.slice(where, last)
    return WriteParts(verb="update", **named, **ends, assignments=assignments, where=condition)


def _delete(reader: _Reader) -> WriteParts:
    if not reader.says(1, "from"):
        raise _refused("has no FROM")
    after, named = reader.target(2)
    if after < len(reader.tokens) and not reader.says(after, "where", "returning"):
        raise _refused("gives its table another name, or uses another table")
    last = reader.word("returning", start=after)
    _demand_plain(reader, after, after)
    where = reader.slice(after, last)
    return WriteParts(verb="delete", **named, **reader.returning(after), where=where)


def _demand_plain(reader: _Reader, start: int, where: int) -> None:
    """Refuse what stands outside every parenthesis and makes a write of another shape."""
    for at in (place for place in reader.outer if place >= start):
        if reader.says(at, "from") and at < where and not reader.says(at - 1, "distinct"):
            raise _refused("is UPDATE ... FROM")
        if reader.says(at, "order", "limit", "using", "current"):
            raise _refused(f"has {reader.tokens[at].text.upper()}")


def _pieces(reader: _Reader, start: int, end: int) -> Iterator[tuple[int, int]]:
    """What stands between commas that no parenthesis encloses."""
    begin = start
    for at in reader.outer:
        if begin <= at < end and reader.tokens[at].is_sign(","):
            yield begin, at
            begin = at + 1
    yield begin, end


def _assignment(reader: _Reader, start: int, end: int) -> Assignment:
    tokens = reader.tokens[start:end]
    if len(tokens) < 3 or tokens[0].kind not in ("name", "word") or not tokens[1].is_sign("="):
        raise _refused("sets more than plain columns")
    if len(tokens) == 3 and tokens[2].says("default"):
        return Assignment(tokens[0].text, None)
    return Assignment(tokens[0].text, reader.slice(start + 2, end), _lasts(tokens[2:]))


def _lasts(tokens: Sequence[Token]) -> bool:
    """Whether an expression has neither a query nor a function that may answer otherwise the next time."""
    if any(token.says("select", "table", *_NOW) for token in tokens):
        return False
    calls = [
        token for token, after in pairwise(tokens) if after.is_sign("(") and token.kind in ("word", "name")
    ]
    return all(token.text in _LASTING or token.text.startswith("django_") for token in calls)


def _depths(tokens: Sequence[Token]) -> Iterator[int]:
    """How many parentheses enclose each token; they count themselves as enclosed."""
    depth = 0
    for token in tokens:
        opens = token.kind == "sign" and token.text in _OPEN
        closes = token.kind == "sign" and token.text in _CLOSE
        depth += opens
        yield depth
        depth -= closes
        if depth < 0:
            raise _refused("closes a parenthesis that it did not open")
    if depth:
        raise _refused("leaves a parenthesis open")


def _without_tail(statement: str, tokens: list[Token]) -> tuple[list[Token], str]:
    """The tokens of the write, and what may follow it: nothing, or Django's SET CONSTRAINTS after a migration's."""
    ends = [at for at, token in enumerate(tokens) if token.is_sign(";")]
    if not ends:
        return tokens, ""
    rest = tokens[ends[0] + 1 :]
    if not rest:
        return tokens[: ends[0]], ""
    if len(ends) == 1 and rest[0].says("set") and rest[1:] and rest[1].says("constraints"):
        return tokens[: ends[0]], statement[tokens[ends[0]].start :]
    raise _refused("is more than one statement")


def _refused(why: str) -> UncapturedWriteError:
    return UncapturedWriteError(f"the statement {why}")
