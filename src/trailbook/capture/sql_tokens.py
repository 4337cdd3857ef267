"""A text of SQL as its tokens, as SQLite and PostgreSQL read it: the ground on which statements are judged.

Owns where words, names, strings, comments and parameters begin and end. Refuses to guess: where the two databases, or
a setting that cannot be seen, could read a text differently, it has no tokens.
"""

import re
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from trailbook.errors import UncapturedWriteError

Kind = Literal["word", "name", "string", "parameter", "parameters", "number", "sign"]
_PARAMETER = r"(?:\?\d*|%s|%\(\w+\)s|\$\d+|[:@$][^\W\d]\w*)(?:::\w+(?:\(\d+\))?)?"
_ROW = rf"\(\s*{_PARAMETER}(?:\s*,\s*{_PARAMETER})*\s*\)"
_TOKEN = re.compile(
    rf"""
      (?P<space> [ \t\r\n\f\v]+ | --[^\n]* )
    | (?P<comment> /\* )
    | (?P<dollar> \$(?P<tag>(?:[^\W\d]\w*)?)\$ )
    | (?P<parameters> {_ROW}(?:\s*,\s*{_ROW})+ )        # the rows of a long VALUES, in one piece
    | (?P<parameter> {_PARAMETER} )
    | (?P<escaped> [eE]'(?:[^'\\]|''|\\.)*' )
    | (?P<coded> [uU]&['"] )
    | (?P<string> (?:[bBxXnN])?'(?:[^']|'')*' )
    | (?P<name> "(?:[^"]|"")*" | `(?:[^`]|``)*` )
    | (?P<number> \d[\w.]* | \.\d\w* )
    | (?P<word> [^\W\d][\w$]* )
    | (?P<sign> . )
    """,
    re.VERBOSE | re.DOTALL,
)


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
    return list(_tokens(dialect, statement))


def _tokens(dialect: str, statement: str) -> Iterator[Token]:
    at = 0
    while at < len(statement):
        token = _TOKEN.match(statement, at)
        assert token is not None  # its last branch takes any character
        kind, start, at = token.lastgroup, at, token.end()
        if kind == "tag":
            kind = "dollar"
        if kind == "comment":
            at = _after_comment(statement, at)
        elif kind == "dollar":
            at = _after_dollars(dialect, statement, token[0], at)
            yield Token("string", "", start, at)
        elif kind == "escaped" or kind == "coded":
            if dialect == "sqlite" or kind == "coded":
                raise _unclear("has a string or name with escapes")
            yield Token("string", "", start, at)
        elif kind == "name":
            yield Token("name", _unquoted(dialect, token[0]), start, at)
        elif kind == "string":
            if dialect != "sqlite" and "\\'" in token[0]:
                raise _unclear("has a backslash before a quote")
            # SQLite takes a string for a name where a name has to stand, so that what is in it is kept.
            yield Token("string", token[0].partition("'")[2][:-1].replace("''", "'").casefold(), start, at)
        elif kind == "sign" and token[0] == "[" and dialect == "sqlite":
            end = statement.find("]", at)
            if end < 0:
                raise _unclear("has a bracket that does not end")
            yield Token("name", statement[at:end].casefold(), start, at := end + 1)
        elif kind == "sign" and (token[0] in "'\"`\\" or not token[0].isprintable()):
            raise _unclear(f"cannot be read from character {start + 1} on")
        elif kind == "space" and "\r" in token[0].rstrip("\r") and token[0].startswith("--"):
            raise _unclear("has a comment with a carriage return in it")
        elif kind != "space":
            text = token[0].casefold() if kind == "word" else token[0]
            yield Token(kind, text, start, at)  # type: ignore[arg-type]  # the names of the groups that are left


def _unquoted(dialect: str, quoted: str) -> str:
    if quoted[0] == "`" and dialect != "sqlite":
        raise _unclear("has a back quote")
    return quoted[1:-1].replace(quoted[0] * 2, quoted[0]).casefold()


def _after_dollars(dialect: str, statement: str, mark: str, at: int) -> int:
    end = statement.find(mark, at)
    if dialect == "sqlite" or end < 0:
        raise _unclear("has dollar quotes that do not end")
    return end + len(mark)


def _after_comment(statement: str, at: int) -> int:
    """The place after a comment. PostgreSQL nests them and SQLite does not: what differs is not understood."""
    end = statement.find("*/", at)
    if end < 0 or "/*" in statement[at:end]:
        raise _unclear("has a comment that does not end, or one within another")
    return end + 2


def _unclear(why: str) -> UncapturedWriteError:
    return UncapturedWriteError(f"text of SQL {why}: it cannot be told what it writes")
