"""Event loops of tests: a browser that earlier tests of this process use keeps one that counts as running.

Owns the block in which none does, for tests that run one of their own.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_loop_runs() -> Iterator[None]:
    """No event loop counts as running in this thread, until the block ends."""
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)
