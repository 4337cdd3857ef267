"""Which tables a text of SQL writes to: a small tokenizer, no parser.

Owns the judgement of statements that SQLAlchemy passes on as text. Refuses to guess: what it cannot follow (a
procedure, an anonymous block) counts as writing anywhere, an open quote as writing to whatever is mentioned.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

EVERYTHING = "*"
_TOKEN = re.compile(
    r"""
      (?P<space> \s+ | --[^\n]* )
    | (?P<comment> /\* )
    | (?P<string> (?P<escaped>[eE])?'(?:[^'\\]|''|\\.)*' )
    | (?P<dollar> \$(?P<tag>[A-Za-z_]*)\$ )
    | (?P<quoted> "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]\n]*\] )
    | (?P<word> [^\W\d][\w$]* )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_BEFORE_A_LOCK = frozenset(("for", "key", "on", "do"))  # FOR UPDATE, FOR NO KEY UPDATE, ON UPDATE, DO UPDATE
_OBSCURE = frozenset(("call", "do", "execute", "exec", "prepare", "load"))
_SKIPPED = frozenset(
    ("or", "rollback", "abort", "replace", "fail", "ignore", "into", "from", "only", "table")
)


@lru_cache(maxsize=2048)
def written_tables(statement: str) -> frozenset[str]:
    """The names, folded and without schema, of the tables that a text writes to.

    `*` among them: it writes where nobody can see. Of a text that is not understood every word is among them.
    """
    tokens, whole = _tokens(statement)
    tables = frozenset(_written(tokens))
    if whole:
        return tables
    return tables | {word.casefold() for word in re.findall(r"[^\W\d][\w$]*", statement)}


def _written(tokens: Sequence[str]) -> Iterator[str]:
    for at, token in enumerate(tokens):
        word = token.lower()
        before = tokens[at - 1].lower() if at else ";"
        if word in _OBSCURE and before in (";", "explain", "analyze"):
            yield EVERYTHING
        elif _writes_next(tokens, at):
            yield _name(tokens, at + 1)
        elif word == "truncate" and _begins(tokens, at):
            yield from _list(tokens, at + 1)
        elif word == "copy" and _begins(tokens, at) and "from" in (t.lower() for t in tokens[at:]):
            yield _name(tokens, at + 1)


def _writes_next(tokens: Sequence[str], at: int) -> bool:
    """Whether the word at a place is one after which the table stands that is written to."""
    word, before = tokens[at].lower(), tokens[at - 1].lower() if at else ";"
    if word in ("insert", "merge"):
        return True
    if word == "replace":
        return _begins(tokens, at)
    if word == "update":
        return before not in _BEFORE_A_LOCK
    return word == "delete" and before not in ("on", "then") and _is(tokens, at + 1, "from")


def _begins(tokens: Sequence[str], at: int) -> bool:
    return (
        at == 0 or tokens[at - 1] in (";", "(", ")") or tokens[at - 1].lower() in ("explain", "analyze", "as")
    )


def _is(tokens: Sequence[str], at: int, word: str) -> bool:
    return at < len(tokens) and tokens[at].lower() == word


def _name(tokens: Sequence[str], at: int) -> str:
    """The table named at a place, its schema left off; `*` where no name stands."""
    while at < len(tokens) and tokens[at].lower() in _SKIPPED:
        at += 1
    if at >= len(tokens):
        return EVERYTHING
    while at + 2 < len(tokens) and tokens[at + 1] == ".":
        at += 2
    return _plain(tokens[at])


def _list(tokens: Sequence[str], at: int) -> Iterator[str]:
    yield _name(tokens, at)
    for place in range(at, len(tokens)):
        if tokens[place] == ";":
            return
        if tokens[place] == ",":
            yield _name(tokens, place + 1)


def _plain(token: str) -> str:
    if token[0] in '"`[':
        return token[1:-1].replace('""', '"').casefold()
    return token.casefold() if token[0].isalpha() or token[0] == "_" else EVERYTHING


def _tokens(statement: str) -> tuple[list[str], bool]:
    """Words, quoted names and punctuation, without strings and comments; and whether all of it was understood."""
    tokens: list[str] = []
    at = 0
    while at < len(statement):
        token = _TOKEN.match(statement, at)
        assert token is not None  # its last branch takes any character
        kind, at = token.lastgroup, token.end()
        if token["comment"] is not None:
            at = _after_comment(statement, at)
        elif token["dollar"] is not None:
            at = statement.find(token["dollar"], at) + len(token["dollar"])
            at = at if at >= token.end() + len(token["dollar"]) else -1
        elif token["string"] is not None:
            if token["escaped"] is None and "\\" in token["string"]:
                # A backslash ends nothing in a standard string; see it again as such.
                at = _after_plain_string(statement, token.start())
        elif token["other"] is not None and token["other"] in "'\"`":
            return tokens, False
        elif kind != "space" and token["space"] is None:
            tokens.append(token.group())
        if at < 0:
            return tokens, False
    return tokens, True


def _after_plain_string(statement: str, start: int) -> int:
    string = re.compile(r"'(?:[^']|'')*'").match(statement, start)
    return -1 if string is None else string.end()


def _after_comment(statement: str, at: int) -> int:
    """The place after a comment; PostgreSQL nests them, SQLite does not: what differs is not understood."""
    end = statement.find("*/", at)
    return -1 if end < 0 or "/*" in statement[at:end] else end + 2
