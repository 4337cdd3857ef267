"""Blocks: what a `with` states for the code in it, and for nothing that goes on after it.

Owns the rule of every such statement of capture. A context variable is copied into tasks, threads and schedulers, and
the copy keeps its value for good; so a block is marked when it ends, and whoever still carries it has nothing. Refuses
to fall back on the block around an ended one, which was stated for other work, and to hold in a process that was
forked in it, which never learns of its end.
"""

import os
from contextvars import Context, ContextVar, Token, copy_context
from typing import Generic, TypeVar

from trailbook.errors import MisplacedBlockError

Value = TypeVar("Value")


class _Statement(Generic[Value]):
    """What one block states: its value until it has ended, and the statement that it stands in."""

    __slots__ = ("ended", "outer", "process", "value")

    def __init__(self, value: Value, outer: "_Statement[Value] | None") -> None:
        self.value = value
        self.outer = outer
        self.process = os.getpid()
        self.ended = False

    def holds(self) -> bool:
        return not self.ended and self.process == os.getpid()


class Stated(Generic[Value]):
    """A context variable that holds what the innermost block states; `word` is how such a block is written."""

    def __init__(self, word: str) -> None:
        self.word = word
        self._variable: ContextVar[_Statement[Value] | None] = ContextVar(f"trailbook_{word}", default=None)

    def value(self) -> Value | None:
        """What the innermost block states, or None where there is none or it has ended."""
        statement = self._variable.get()
        return statement.value if statement is not None and statement.holds() else None

    def absent(self) -> Context:
        """A copy of the current context in which nothing is stated."""
        context = copy_context()
        context.run(self._variable.set, None)
        return context

    def begin(self, value: Value) -> tuple[_Statement[Value], Token[_Statement[Value] | None]]:
        """State a value from here on."""
        statement = _Statement(value, self._variable.get())
        return statement, self._variable.set(statement)

    def end(self, statement: _Statement[Value], token: Token[_Statement[Value] | None]) -> bool:
        """End a statement and all that were left open in it; False where it was not begun in this context."""
        inner = self._since(statement)
        statement.ended = True
        if inner is None or not self._is_undone(token):
            return False
        for each in (*inner, statement):
            each.ended = True
            each.outer = None  # who still carries it keeps no other alive
        return True

    def _since(self, statement: _Statement[Value]) -> list[_Statement[Value]] | None:
        """The statements begun in this context since that one, or None where that one is not held here."""
        inner, each = [], self._variable.get()
        while each is not None and each is not statement:
            inner.append(each)
            each = each.outer
        return None if each is None else inner

    def _is_undone(self, token: Token[_Statement[Value] | None]) -> bool:
        try:
            self._variable.reset(token)
        except ValueError:  # how Python says that the token is another context's
            return False
        return True


class Block(Generic[Value]):
    """One block of a variable: entered, left where it was entered, and then perhaps entered again."""

    __slots__ = ("_begun", "_stated")

    def __init__(self, stated: Stated[Value]) -> None:
        self._stated = stated
        self._begun: tuple[_Statement[Value], Token[_Statement[Value] | None]] | None = None

    def enter(self, value: Value) -> Value:
        """State `value`. Raises: MisplacedBlockError where the same block is open."""
        if self._begun is not None:
            raise MisplacedBlockError(
                f"{self._stated.word}: this block is open already, here or in another thread or task;"
                f" write with {self._stated.word}(...) anew for each"
            )
        self._begun = self._stated.begin(value)
        return value

    def leave(self, error: BaseException | None) -> None:
        """End the block. Raises: MisplacedBlockError where it was not entered here; an `error` under way is noted."""
        begun, self._begun = self._begun, None
        if begun is not None and self._stated.end(*begun):
            return
        fault = MisplacedBlockError(
            f"{self._stated.word}: the block is left in another context than it was entered in, or after the block"
            " around it, so what it stated did not hold where it was needed; a generator that is run in a thread"
            " pool does so (write it as async def), and one that is left to the garbage collector"
        )
        if error is not None and not isinstance(error, GeneratorExit):
            error.add_note(fault.detail)  # what went wrong first is not hidden
            return
        raise fault
