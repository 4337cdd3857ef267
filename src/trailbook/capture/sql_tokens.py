"""A text of SQL as its tokens, as SQLite and PostgreSQL read it: the ground on which statements are judged.

Owns where words, names, strings, comments and parameters begin and end. Refuses to guess: where a
setting that cannot be seen makes a difference, every reading is handed over, and what is not known has none.
"""

import re
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from trailbook.errors import UncapturedWriteError

Kind = Literal["word", "name", "string", "parameter", "parameters", "number", "sign"]
# Both databases take any byte above 0x7f into an unquoted name: marks, symbols and spaces of other scripts too.
_FIRST = r"A-Za-z_\x80-\U0010ffff"
_NAME = rf"[{_FIRST}][{_FIRST}0-9$]*"
_PARAMETER = rf"(?:\?\d*|%s|%\(\w+\)s|\$\d+|[:@$][{_FIRST}][{_FIRST}0-9]*)(?:::\w+(?:\(\d+\))?)?"
_ROW = rf"\(\s*{_PARAMETER}(?:\s*,\s*{_PARAMETER})*\s*\)"
_TOKEN = re.compile(
    rf"""
      (?P<space> [ \t\r\n\f\v]+ | --[^\n]* )
    | (?P<comment> /\* )
    | (?P<dollar> \$(?P<tag>(?:[{_FIRST}][{_FIRST}0-9]*)?)\$ )
    | (?P<parameters> {_ROW}(?:\s*,\s*{_ROW})+ )        # the rows of a long VALUES, in one piece
    | (?P<parameter> {_PARAMETER} )
    | (?P<escaped> [eE]'(?:[^'\\]|''|\\.)*' )
    | (?P<coded> [uU]&'(?:[^']|'')*' )
    | (?P<string> (?:[bBxXnN])?'(?:[^']|'')*' )
    | (?P<name> "(?:[^"]|"")*" | `(?:[^`]|``)*` )
    | (?P<number> [0-9][0-9A-Za-z_.]* | \.[0-9][0-9A-Za-z_]* )
    | (?P<word> {_NAME} )
    | (?P<sign> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_WITH_ESCAPES = re.compile(r"[nN]?'(?:[^'\\]|''|\\.)*'", re.DOTALL)
_CALLED = re.compile(rf"[:@$#](?:[{_FIRST}0-9$]|::)+\(")
_COMMENT = re.compile(r"/\*|\*/")
_MARK, _SURROGATE = "\ufeff", re.compile("[\ud800-\udfff]")


class _BrokenError(Exception):
    """A text that its database refuses as a whole, read in this way."""


class Token(Struct, frozen=True, gc=False):
    """One token and where it stands: a word and a name folded to small letters, a name without its quotes."""

    kind: Kind
    text: str
    start: int
    end: int

    def says(self, *words: str) -> bool:
        """Whether this is one of these words, unquoted."""
        return self.kind == "word" and self.text in words

    def is_sign(self, sign: str) -> bool:
        """Whether this is that sign."""
        return self.kind == "sign" and self.text == sign


def tokens_of(dialect: str, statement: str) -> list[Token]:
    """The tokens of a statement, without spaces and comments; `dialect` is `sqlite` or `postgresql`.

    Raises: UncapturedWriteError where it cannot be told how the database reads it.
    """
    readings = readings_of(dialect, statement)
    if len(readings) > 1:
        raise _unclear("has a backslash before a quote")
    return readings[0]


def readings_of(dialect: str, statement: str) -> list[list[Token]]:
    """The tokens in each way in which the database may read a statement: with escapes in strings or without.

    What it would refuse as a whole is no way. Raises: UncapturedWriteError where no way is left, or it cannot be told.
    """
    readings: list[list[Token]] = []
    why = ""
    for escapes in (False, True) if dialect != "sqlite" and "\\'" in statement else (False,):
        try:
            tokens = list(_tokens(dialect, statement, escapes))
        except _BrokenError as error:
            why = str(error)
        else:
            readings += [] if tokens in readings else [tokens]
    if not readings:
        raise _unclear(why)
    return readings


def _tokens(dialect: str, statement: str, escapes: bool) -> Iterator[Token]:
    if not statement.isascii() and _SURROGATE.search(statement):
        raise _unclear("has half a character in it")
    at, goes_on = 0, False  # a string with escapes may, in the next line
    while at < len(statement):
        token = _TOKEN.match(statement, at)
        assert token is not None  # its last branch takes any character
        kind, start, at = token.lastgroup, at, token.end()
        if kind == "tag":
            kind = "dollar"
        if kind == "comment":
            at = _after_comment(dialect, statement, at)
        elif kind == "space":
            if token[0].startswith("--") and "\r" in token[0].rstrip("\r"):
                raise _unclear("has a comment with a carriage return in it")
        elif kind == "dollar":
            at = _after_dollars(dialect, statement, token[0], at)
            yield Token("string", "", start, at)
        elif kind == "escaped" or kind == "coded":
            if dialect == "sqlite":
                raise _unclear("has a string with escapes")
            goes_on = True
            yield Token("string", "", start, at)
        elif kind == "string":
            text = token[0]
            if goes_on and "\\" in text:
                raise _unclear("has a string with escapes that goes on")
            if escapes and text[0] not in "bBxX":
                longer = _WITH_ESCAPES.match(statement, start)
                if longer is None:
                    raise _BrokenError(f"cannot be read from character {start + 1} on")
                text, at = longer[0], longer.end()
            # SQLite takes a string for a name where a name has to stand, so that what is in it is kept.
            yield Token("string", text.partition("'")[2][:-1].replace("''", "'").casefold(), start, at)
        else:
            goes_on = False
            read, at = _plain(dialect, statement, token)
            yield read


def _plain(dialect: str, statement: str, token: re.Match[str]) -> tuple[Token, int]:
    """A token that begins with no quote of a string, and the place after it."""
    kind, text, start, end = token.lastgroup, token[0], token.start(), token.end()
    if kind == "name":
        return Token("name", _unquoted(dialect, text), start, end), end
    if kind == "sign":
        return _sign(dialect, statement, start)
    if kind == "word":
        if _MARK in text:
            raise _unclear("has a mark of byte order in a name")
        if text in "uU" and statement.startswith('&"', end):
            raise _unclear("has a name with escapes")
        text = text.casefold()
    elif kind == "parameter" and dialect == "sqlite" and _CALLED.match(statement, start):
        raise _unclear("has a parameter with parentheses")
    return Token(kind, text, start, end), end  # type: ignore[arg-type]  # the names of the groups that are left


def _sign(dialect: str, statement: str, start: int) -> tuple[Token, int]:
    """A sign, or in SQLite the name that it begins."""
    sign = statement[start]
    if sign == "[" and dialect == "sqlite":
        end = statement.find("]", start)
        if end < 0:
            raise _unclear("has a bracket that does not end")
        return Token("name", statement[start + 1 : end].casefold(), start, end + 1), end + 1
    if sign in "'\"\\" and dialect != "sqlite":
        raise _BrokenError(f"cannot be read from character {start + 1} on")
    if sign in "'\"`\\" or not sign.isprintable():
        raise _unclear(f"cannot be read from character {start + 1} on")
    if dialect == "sqlite" and sign in ":@$#" and _CALLED.match(statement, start):
        raise _unclear("has a parameter with parentheses")
    return Token("sign", sign, start, start + 1), start + 1


def _unquoted(dialect: str, quoted: str) -> str:
    if quoted[0] == "`" and dialect != "sqlite":
        raise _unclear("has a back quote")
    return quoted[1:-1].replace(quoted[0] * 2, quoted[0]).casefold()


def _after_dollars(dialect: str, statement: str, mark: str, at: int) -> int:
    end = statement.find(mark, at)
    if dialect == "sqlite" or end < 0:
        raise _unclear("has dollar quotes that do not end")
    return end + len(mark)


def _after_comment(dialect: str, statement: str, at: int) -> int:
    """The place after a comment; PostgreSQL nests them and SQLite does not."""
    if dialect == "sqlite":
        end = statement.find("*/", at) + 2
        depth = int(end < 2)
    else:
        end, depth = at, 1
        for mark in _COMMENT.finditer(statement, at):
            depth += 1 if mark[0] == "/*" else -1
            if not depth:
                end = mark.end()
                break
    if depth:
        raise _unclear("has a comment that does not end")
    return end


def _unclear(why: str) -> UncapturedWriteError:
    return UncapturedWriteError(f"text of SQL {why}: it cannot be told what it writes")
