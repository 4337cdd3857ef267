"""Every engine passes the one suite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from trailbook.stores import open_store
from trailbook.testing.engines import Engine
from trailbook.testing.processes import ProcessConformance
from trailbook.testing.registries import RegistryConformance
from trailbook.testing.stores import DurableConformance, StoreConformance


class TestMemory(StoreConformance, RegistryConformance):
    @pytest.fixture
    def engine(self) -> Engine:
        return Engine(*open_store("memory:"))


class TestSqlite(StoreConformance, RegistryConformance, DurableConformance, ProcessConformance):
    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[Engine]:
        url = f"sqlite:///{tmp_path}/log.db"
        store, registry = open_store(url, create=True)
        yield Engine(store, registry, lambda: open_store(url), url)
        store.close()
