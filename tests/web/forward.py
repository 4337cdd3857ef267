"""An event loop whose clock can be put forward: who waits in it has then waited, and no test does."""

import asyncio
import threading


class ForwardLoop(asyncio.SelectorEventLoop):
    """A loop with a clock of its own, which otherwise goes as every other."""

    def __init__(self) -> None:
        self._ahead = 0.0
        super().__init__()

    def time(self) -> float:
        """Seconds of the loop's own clock."""
        return super().time() + self._ahead

    def forward(self, seconds: float) -> None:
        """Put the clock forward, from another thread, between two things that the loop does."""
        done = threading.Event()

        def put() -> None:
            self._ahead += seconds
            done.set()

        self.call_soon_threadsafe(put)
        assert done.wait(60), "the loop does not run"
