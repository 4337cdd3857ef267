"""Turns: threads that ask for the same kind of work at once, and one of them doing it for all who wait.

Owns who leads, what waits meanwhile, and how much may wait: above that whoever comes is refused at once, so that
memory stays bounded. Refuses to know what the work is; what it gives or raises reaches exactly who asked.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from trailbook.errors import OverloadedError, StoreError

W = TypeVar("W")
R = TypeVar("R")


class _Turn(Generic[W, R]):
    """One thread's wish, and what came of it."""

    __slots__ = ("answer", "done", "error", "size", "wish")

    def __init__(self, wish: W, size: int) -> None:
        self.wish = wish
        self.size = size
        self.done = False
        self.answer: R | None = None
        self.error: BaseException | None = None


class Turns(Generic[W, R]):
    """Does `work` for many wishes at a time: an answer or an error for each, or one error for all of them."""

    def __init__(
        self, work: Callable[[Sequence[W]], Sequence[R | Exception]], *, together: int, room: int
    ) -> None:
        """At most about `together` are done at a time, and more than `room` never wait."""
        self._work = work
        self._together = together
        self._room = room
        # Two locks: who leads holds the first for as long as the work takes; the door is held for an instant, so that
        # others can come and wait meanwhile. They are what the next leader finds.
        self._lock = threading.Lock()
        self._door = threading.Lock()
        self._waiting: list[_Turn[W, R]] = []
        self._held = 0

    def ask(self, wish: W, size: int = 1) -> R:
        """What the work gives for this wish, done with those of whoever else waits; `size` is how much it is.

        Raises: OverloadedError, and nothing was done; what the work gives or raises.
        """
        turn: _Turn[W, R] = _Turn(wish, size)
        with self._door:
            # With nobody waiting anything is let in: a wish greater than the room could otherwise never be done.
            if self._waiting and self._held + size > self._room:
                raise OverloadedError("more waits to be recorded than there is room for; send it again soon")
            self._waiting.append(turn)
            self._held += size
        with self._lock:
            # Whoever held the lock may have done this turn with its own; if not, this thread leads now, for others too.
            # More than once where so much waits that its own turn is not among the next.
            while not turn.done:
                self._lead()
        if turn.error is not None:
            raise turn.error
        answer: R = turn.answer  # type: ignore[assignment]
        return answer

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold everybody else up."""
        with self._lock:
            yield

    def _lead(self) -> None:
        turns = self._next()
        try:
            answers = self._work([turn.wish for turn in turns])
            for turn, answer in zip(turns, answers, strict=True):
                if isinstance(answer, Exception):
                    turn.error = answer
                else:
                    turn.answer = answer
        except Exception as error:  # noqa: BLE001 - raised again in the thread of everyone who waits
            for turn in turns:
                turn.error = error
        except BaseException:  # this thread was told to stop; the others were told nothing
            for turn in turns:
                turn.error = StoreError("recording was interrupted; send it again")
            raise
        finally:
            for turn in turns:
                turn.done = True

    def _next(self) -> list[_Turn[W, R]]:
        """The turns to do now: the first, and those after it that fit beside it."""
        with self._door:
            count, size = 0, 0
            for turn in self._waiting:
                size += turn.size
                if count and size > self._together:
                    break
                count += 1
            turns, self._waiting = self._waiting[:count], self._waiting[count:]
            self._held -= sum(turn.size for turn in turns)
            return turns
