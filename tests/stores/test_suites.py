"""The suites themselves: each uses every method of its part, and an engine without one of them does not pass."""

from collections.abc import Callable, Iterator
from inspect import isfunction, signature
from typing import Any

import pytest
from msgspec import structs

from trailbook.stores import (
    Access,
    ApiKeys,
    Blobs,
    Directory,
    Inspection,
    Jobs,
    Ledger,
    MemoryStore,
    Registry,
    Sessions,
    Store,
    Views,
    memory_registry,
)
from trailbook.testing.blobs import BlobsConformance
from trailbook.testing.directories import DirectoryConformance
from trailbook.testing.engines import ORG, OTHER, added, filled
from trailbook.testing.inspections import InspectionConformance
from trailbook.testing.ledgers import LedgerConformance
from trailbook.testing.processes import torn
from trailbook.testing.registries import (
    AccessConformance,
    ApiKeysConformance,
    JobsConformance,
    RegistryConformance,
    SessionsConformance,
    ViewsConformance,
)
from trailbook.testing.stores import StoreConformance
from trailbook.testing.worker import whole

STORE: dict[type, type] = {
    Ledger: LedgerConformance,
    Directory: DirectoryConformance,
    Blobs: BlobsConformance,
    Inspection: InspectionConformance,
}
REGISTRY: dict[type, tuple[str, type]] = {
    ApiKeys: ("keys", ApiKeysConformance),
    Sessions: ("sessions", SessionsConformance),
    Access: ("access", AccessConformance),
    Views: ("views", ViewsConformance),
    Jobs: ("jobs", JobsConformance),
}


def methods(protocol: type) -> list[str]:
    """What a protocol itself promises."""
    return [name for name, value in vars(protocol).items() if isfunction(value) and not name.startswith("_")]


def lame(kind: type, method: str) -> Any:
    """One of a kind whose method does nothing and gives nothing."""
    return type("Lame", (kind,), {method: lambda *_, **__: None})()


def begun(store: MemoryStore) -> MemoryStore:
    """A store with two empty logs."""
    for org in (ORG, OTHER):
        store.create(org)
    return store


def failing(suite: type, part: Callable[[], Any]) -> Iterator[str]:
    """The tests of a suite that a part fails, of those that need nothing besides it."""
    for name, test in vars(suite).items():
        if name.startswith("test_") and len(signature(test).parameters) == 2:
            try:
                test(suite(), part())
            except (Exception, pytest.fail.Exception):  # noqa: BLE001 - whatever a test fails by
                yield name


def fails(suite: type, part: Callable[[], Any]) -> bool:
    """Whether a part fails a suite; the rest is not run, for there a missing answer might be waited for."""
    return next(failing(suite, part), None) is not None


def begin(suite: type, store: MemoryStore) -> MemoryStore:
    """A store as the suite's own fixture would give it."""
    return begun(store) if suite in (BlobsConformance, InspectionConformance) else store


@pytest.mark.parametrize(
    ("suite", "method"), [(suite, name) for part, suite in STORE.items() for name in methods(part)]
)
def test_a_store_without_one_method_fails_its_suite(suite: type, method: str) -> None:
    assert fails(suite, lambda: begin(suite, lame(MemoryStore, method)))


@pytest.mark.parametrize("suite", STORE.values())
def test_a_store_with_all_of_them_passes(suite: type) -> None:
    """The control."""
    assert list(failing(suite, lambda: begin(suite, MemoryStore()))) == []


@pytest.mark.parametrize(("part", "method"), [(part, name) for part in REGISTRY for name in methods(part)])
def test_a_registry_without_one_method_fails_its_suite(part: type, method: str) -> None:
    member, suite = REGISTRY[part]
    assert fails(suite, lambda: lame(type(getattr(memory_registry(), member)), method))


@pytest.mark.parametrize(("member", "suite"), REGISTRY.values())
def test_a_registry_with_all_of_them_passes(member: str, suite: type) -> None:
    """The control."""
    assert list(failing(suite, lambda: getattr(memory_registry(), member))) == []


@pytest.mark.parametrize(
    ("method", "part"),
    [
        ("kept", "rows"),
        ("seq_of", "ids"),
        ("versions", "directory"),
        ("items_by_word", "words"),
        ("blob", "blobs"),
    ],
)
def test_a_commit_of_which_a_part_is_missing_is_seen(method: str, part: str) -> None:
    """What two processes are watched by; whole, nothing is said of it."""

    class Lacking(MemoryStore):
        lacks = False

        def __getattribute__(self, name: str) -> Any:
            lacking = name == method and super().__getattribute__("lacks")
            return (lambda *_: {}) if lacking else super().__getattribute__(name)

    store = Lacking()
    filled(store, 2)
    head = added(store, lambda head: whole(head, 3))
    assert torn(store, head) == []
    store.lacks = True
    assert torn(store, head) == [part]


def test_every_part_has_a_suite() -> None:
    """Closing is the one promise that is no part's, and the suite of the whole has it."""
    promised = {name for base in Store.__mro__ for name in methods(base)}
    assert promised - {name for part in STORE for name in methods(part)} == {"close"}
    assert set(STORE.values()) <= set(StoreConformance.__mro__)
    assert {member for member, _ in REGISTRY.values()} == {field.name for field in structs.fields(Registry)}
    assert {suite for _, suite in REGISTRY.values()} <= set(RegistryConformance.__mro__)
