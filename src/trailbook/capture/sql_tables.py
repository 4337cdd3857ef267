"""The judge: which tables a text of SQL writes to, or that it cannot be told.

Owns the list of writes in a text, wherever they stand in it. Fails closed: a text whose statements do not all begin
with a word that is known to write nothing by itself, or in which SQL is run that cannot be seen, is unclear, which
counts as writing anywhere. Refuses to judge what lies in a database: functions that a SELECT calls, rules, views.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from trailbook.capture.sql_tokens import Token, readings_of, tokens_of
from trailbook.errors import UncapturedWriteError

Verb = Literal["insert", "update", "delete", "merge", "truncate", "copy", "replace"]
_CACHED, _CACHED_LONG = 10_000, 1_000_000  # characters below which many judgements are kept, and a few
# What a statement may begin with: it writes to no table, but for what the rest of it says.
_BEGINNINGS = frozenset(
    "abort alter analyse analyze attach begin checkpoint close cluster comment commit copy create deallocate declare"
    " delete detach discard drop end explain fetch grant import insert listen lock merge move notify pragma prepare"
    " reassign refresh reindex release replace reset revoke rollback savepoint security select set show start"
    " table truncate unlisten update vacuum values with".split()
)
_NO_NAMES = frozenset(
    "and as case from group having in into is limit not on or order select then to union using when where".split()
)
_CONFLICTS = frozenset(("rollback", "abort", "replace", "fail", "ignore"))
_AFTER_A_LOCK = frozenset(("of", "nowait", "skip", "limit", "offset", "fetch", "for", "using", "to", "with"))
_BEFORE_A_COLUMN = frozenset(("select", "distinct", "by", "where", "and", "or", "not", "having", "returning"))
_SIGNS_BEFORE_A_COLUMN = frozenset(".,=+-*/%|&<!~^")
_REMOTE = frozenset(("dblink", "dblink_exec", "dblink_open", "dblink_send_query", "load_extension"))
_READ_LANGUAGES = frozenset(("sql", "plpgsql"))


class Write(Struct, frozen=True, gc=False):
    """One write: what it does and to which table, folded to small letters; its schema where the text has one.

    `conflict` is the word after OR (INSERT OR IGNORE); `upserts` says that DO UPDATE follows, `cascades` that TRUNCATE
    empties the tables that refer to this one too.
    """

    verb: Verb
    table: str
    schema: str | None = None
    conflict: str = ""
    upserts: bool = False
    cascades: bool = False

    @property
    def plain(self) -> bool:
        """Whether it only does what its verb says."""
        return not self.conflict and not self.upserts


class Judgement(Struct, frozen=True):
    """What a text writes, in order; `unclear` says why it cannot be told what else, and is empty where it can.

    Where it is unclear for a TRUNCATE that cascades, all its own writes are known nonetheless; else none is.

    `statements` counts those that are divided by semicolons; `begins` is the first word of the first.
    """

    writes: tuple[Write, ...] = ()
    unclear: str = ""
    statements: int = 0
    begins: str = ""
    tables: frozenset[str] = frozenset()  # those of the writes, without schema

    @property
    def harmless(self) -> bool:
        """Whether it certainly writes to no table."""
        return not self.writes and not self.unclear


class TableName(Struct, frozen=True):
    """The name of a table as the judge compares it: folded, its schema where one was declared."""

    table: str
    schema: str | None = None

    def is_written(self, write: Write) -> bool:
        """Whether a write may be to this table: the same name, unless both say another schema."""
        schemas = {self.schema, write.schema} - {None}
        return self.table == write.table and len(schemas) < 2

    def covers(self, name: "TableName") -> bool:
        """Whether a name with a schema may be this table's."""
        return self.table == name.table and self.schema in (None, name.schema)


def table_name(table: str, schema: str | None = None) -> TableName:
    """The name of a table, as a database knows it, in the form of the judge."""
    return TableName(_cut(table.casefold()), None if schema is None else _cut(schema.casefold()))


def judged(dialect: str, statement: str) -> Judgement:
    """What a text of SQL writes to; `dialect` is `sqlite` or `postgresql`."""
    if len(statement) < _CACHED:
        return _judged(dialect, statement)
    reads = _READS.match(statement)
    folded = statement.casefold() if reads is not None else ""
    if reads is not None and not any(word in folded for word in _MAY_WRITE):
        return Judgement(statements=1, begins=reads[1].casefold())  # no word in it can write
    return (_judged_long if len(statement) < _CACHED_LONG else _judged.__wrapped__)(dialect, statement)


@lru_cache(maxsize=4096)
def _judged(dialect: str, statement: str) -> Judgement:
    try:
        judgements = {_judgement(dialect, statement, each) for each in readings_of(dialect, statement)}
    except UncapturedWriteError as error:
        return Judgement(unclear=str(error), statements=1)
    if len(judgements) > 1:
        why = str(_unclear("has a backslash before a quote"))
        return Judgement(unclear=why, statements=1)
    return judgements.pop()


_judged_long = lru_cache(maxsize=16)(_judged.__wrapped__)  # few of them, for they are long


def _judgement(dialect: str, statement: str, tokens: list[Token]) -> Judgement:
    """What one reading of a text writes. Raises: UncapturedWriteError."""
    pieces = [_Piece(dialect, statement, piece) for piece in _pieces(tokens)]
    writes = tuple(write for piece in pieces for write in piece.writes())
    begins = pieces[0].tokens[0].text if pieces else ""
    unclear = ""
    if any(write.cascades for write in writes):
        unclear = str(_unclear("truncates what depends on its tables (CASCADE)"))
    return Judgement(writes, unclear, len(pieces), begins, frozenset(write.table for write in writes))


def _pieces(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The statements of a text. Those in a body between BEGIN and END are statements as well."""
    piece: list[Token] = []
    for token in tokens:
        if token.is_sign(";"):
            if piece:
                yield piece
            piece = []
        else:
            piece.append(token)
    if piece:
        yield piece


class _Piece:
    """One statement, or a part of a body, and the walk along its tokens."""

    def __init__(self, dialect: str, statement: str, tokens: list[Token], *, body: bool = False) -> None:
        self.dialect = dialect
        self.statement = statement
        self.tokens = tokens
        self.body = body

    def writes(self) -> Iterator[Write]:
        """Every write in it. Raises: UncapturedWriteError where it cannot be told."""
        head = self.tokens[0]
        if not (self.body or head.is_sign("(") or head.says(*_BEGINNINGS)):
            raise _unclear(f"begins with {head.text!r}")
        if head.says("create", "alter") and any(
            each.says("function", "procedure") for each in self.tokens[:4]
        ):
            yield from self._of_bodies()
        if head.says("explain") and not any(each.says("analyze", "analyse") for each in self.tokens):
            return  # which runs nothing
        for at, token in enumerate(self.tokens):
            if token.kind == "word" and token.text in _STEPS:
                yield from _STEPS[token.text](self, at)
            elif token.kind == "name" and token.text in _REMOTE:
                yield from _remote(self, at)

    def _of_bodies(self) -> Iterator[Write]:
        """What the bodies of a function write that stand in it as strings."""
        languages = [
            self.tokens[at + 1].text for at, token in enumerate(self.tokens[:-1]) if token.says("language")
        ]
        if any(language not in _READ_LANGUAGES for language in languages):
            raise _unclear(f"makes a function in {languages[0]}")
        for token in self.tokens:
            if token.kind == "string" and token.end - token.start > 2:
                text = self._unquoted(token)
                tokens = tokens_of(self.dialect, text)
                for piece in _pieces(tokens):
                    yield from _Piece(self.dialect, text, piece, body=True).writes()

    def _unquoted(self, token: Token) -> str:
        text = self.statement[token.start : token.end]
        if text[0] == "$":
            mark = text.index("$", 1) + 1
            return text[mark:-mark]
        if text[0] != "'":
            raise _unclear("makes a function whose body has escapes")
        return text[1:-1].replace("''", "'")

    def before(self, at: int) -> Token | None:
        """The token before a place."""
        return self.tokens[at - 1] if at else None

    def after(self, at: int) -> Token | None:
        """The token at a place, if there is one."""
        return self.tokens[at] if at < len(self.tokens) else None

    def says(self, at: int, *words: str) -> bool:
        """Whether one of these words stands at a place."""
        return 0 <= at < len(self.tokens) and self.tokens[at].says(*words)

    def is_column(self, at: int) -> bool:
        """Whether what stands at a place can only be the name of a column: no statement begins there."""
        before = self.before(at)
        if before is None:
            return False
        if before.kind == "sign":
            return before.text in _SIGNS_BEFORE_A_COLUMN
        if before.says("as"):
            return not self.body and not self.tokens[0].says("prepare", "create", "explain")
        return before.says(*_BEFORE_A_COLUMN)

    def named(self, at: int) -> tuple[str, str | None, int]:
        """Table and schema of the name at a place, and the place after it. Raises: UncapturedWriteError."""
        while self.says(at, "only") and not self._ends(at + 1):
            at += 1
        if (sign := self.after(at)) is not None and sign.is_sign("("):  # ONLY (t)
            at += 1
        parts = [self._part(at)]
        while (sign := self.after(at + 1)) is not None and sign.is_sign("."):
            at += 2
            parts.append(self._part(at))
        return parts[-1], parts[-2] if len(parts) > 1 else None, at + 1

    def _ends(self, at: int) -> bool:
        """Whether no name can begin at a place, so that the word before it is one."""
        token = self.after(at)
        return (
            token is None
            or token.says("set", "where", "values", "using")
            or (token.kind == "sign" and not token.is_sign("("))
        )

    def _part(self, at: int) -> str:
        token = self.after(at)
        if token is None or not self._is_name(token):
            raise _unclear("writes to what it does not name")
        return _cut(token.text)

    def _is_name(self, token: Token) -> bool:
        # SQLite takes a string for a name where a name has to stand.
        return token.kind in ("word", "name") or (token.kind == "string" and self.dialect == "sqlite")

    def is_target(self, at: int) -> bool:
        """Whether a name that is written to may stand at a place."""
        token = self.after(at)
        return token is not None and token.kind not in ("sign", "number") and not token.says(*_NO_NAMES)


def _insert(piece: _Piece, at: int) -> Iterator[Write]:
    conflict = ""
    into = at + 1
    if piece.says(into, "or") and piece.says(into + 1, *_CONFLICTS):
        conflict, into = piece.tokens[into + 1].text, into + 2
    if piece.says(into, "into") and not piece.is_column(at):
        table, schema, end = piece.named(into + 1)
        yield Write("insert", table, schema, conflict, upserts=_upserts(piece, end))


def _upserts(piece: _Piece, at: int) -> bool:
    return any(
        piece.says(place, "do") and piece.says(place + 1, "update") for place in range(at, len(piece.tokens))
    )


def _update(piece: _Piece, at: int) -> Iterator[Write]:
    conflict, target = "", at + 1
    if piece.says(at - 1, "on") or piece.is_column(at):
        return
    if piece.says(at - 1, "do", "then") and piece.says(target, "set"):
        return  # of an INSERT or MERGE, which is known
    locks = piece.says(at - 1, "for") or (piece.says(at - 1, "key") and piece.says(at - 2, "no"))
    if locks and (target >= len(piece.tokens) or piece.says(target, *_AFTER_A_LOCK)):
        return
    if piece.says(target, "or") and piece.says(target + 1, *_CONFLICTS):
        conflict, target = piece.tokens[target + 1].text, target + 2
    if piece.is_target(target):
        table, schema, _ = piece.named(target)
        yield Write("update", table, schema, conflict)


def _delete(piece: _Piece, at: int) -> Iterator[Write]:
    if piece.says(at + 1, "from") and not piece.is_column(at):
        table, schema, _ = piece.named(at + 2)
        yield Write("delete", table, schema)


def _merge(piece: _Piece, at: int) -> Iterator[Write]:
    if piece.says(at + 1, "into") and not piece.is_column(at):
        table, schema, _ = piece.named(at + 2)
        yield Write("merge", table, schema)


def _replace(piece: _Piece, at: int) -> Iterator[Write]:
    if piece.says(at + 1, "into") and not piece.says(at - 1, "or"):
        table, schema, _ = piece.named(at + 2)
        yield Write("replace", table, schema)


def _truncate(piece: _Piece, at: int) -> Iterator[Write]:
    at += 1 + piece.says(at + 1, "table")
    if piece.is_column(at - 1):
        return
    cascades = any(token.says("cascade") for token in piece.tokens[at:])
    while piece.is_target(at):
        table, schema, at = piece.named(at)
        yield Write("truncate", table, schema, cascades=cascades)
        at = (
            next((n for n in range(at, len(piece.tokens)) if piece.tokens[n].is_sign(",")), len(piece.tokens))
            + 1
        )


def _copy(piece: _Piece, at: int) -> Iterator[Write]:
    if piece.is_column(at):
        return
    at += 1
    if piece.says(at, "binary") and not piece.says(at + 1, "from", "to"):
        at += 1
    if piece.is_target(at):
        table, schema, end = piece.named(at)
        if any(each.says("from") for each in piece.tokens[end:]):
            yield Write("copy", table, schema)


def _execute(piece: _Piece, at: int) -> Iterator[Write]:
    """SQL that is made elsewhere, or while it runs."""
    if not piece.is_column(at) and not piece.says(at + 1, "function", "procedure", "on"):
        raise _unclear("executes what it does not show")
    yield from ()


def _call(piece: _Piece, at: int) -> Iterator[Write]:
    if at == 0 or (piece.says(at - 1, "begin", "then", "else", "loop", "atomic")):
        raise _unclear("calls a procedure")
    yield from ()


def _remote(piece: _Piece, at: int) -> Iterator[Write]:
    if (sign := piece.after(at + 1)) is not None and sign.is_sign("("):
        raise _unclear(f"calls {piece.tokens[at].text}")
    yield from ()


_STEPS = {
    "insert": _insert,
    "update": _update,
    "delete": _delete,
    "merge": _merge,
    "replace": _replace,
    "truncate": _truncate,
    "copy": _copy,
    "execute": _execute,
    "call": _call,
    **dict.fromkeys(_REMOTE, _remote),
}
# In a long text without any of these, in whatever spelling, quotes and comments need not be read.
_READS = re.compile(r"\s*(select|values|table|with)\b", re.IGNORECASE)
_MAY_WRITE = (";", 'u&"', *_STEPS)


def _cut(name: str) -> str:
    """A name as it is compared: PostgreSQL cuts it to 63 bytes, and a driver halves each doubled percent sign."""
    return name.encode()[:63].decode(errors="ignore").replace("%%", "%")


def _unclear(why: str) -> UncapturedWriteError:
    return UncapturedWriteError(f"text of SQL {why}: it cannot be told what it writes")
