"""SQLite against the memory store, in random histories: equal answers, equal bytes, whole trees."""

import atexit
import tempfile
from pathlib import Path

from hypothesis import settings

from trailbook.stores import Store, open_store
from trailbook.testing.machines import LogMachine, StoreMachine

LOGS = tempfile.TemporaryDirectory(prefix="trailbook-")
atexit.register(LOGS.cleanup)


def pair() -> tuple[Store, Store]:
    folder = tempfile.mkdtemp(dir=LOGS.name)
    return open_store(f"sqlite:///{Path(folder)}/log.db", create=True)[0], open_store("memory:")[0]


class SqliteStoreMachine(StoreMachine):
    pair = staticmethod(pair)


class SqliteLogMachine(LogMachine):
    pair = staticmethod(pair)


TestStores = SqliteStoreMachine.TestCase
TestStores.settings = settings(max_examples=150, stateful_step_count=25)
TestLogs = SqliteLogMachine.TestCase
TestLogs.settings = settings(max_examples=25, stateful_step_count=20)
