"""What stands beside the tests of exports is imported by its own name; what several of them need is made here.

That is the log under hostile names, and the single-file verifier with the sample log that its bundles are cut from.
"""

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from trailbook import Log

sys.path.insert(0, str(Path(__file__).parent))

import bundles  # these three are there by the line above
from tables import hostile_log
from verifier import FILE, KEYS, VERDICTS, Files, Run


@pytest.fixture(scope="session")
def hostile() -> Iterator[Log]:
    """A log with every kind of entry that a sentence tells apart, under hostile names; it is only read."""
    yield from hostile_log()


@pytest.fixture(scope="module")
def single() -> ModuleType:
    """The verifier, loaded from its file as whoever has nothing else would."""
    spec = importlib.util.spec_from_file_location("single", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def log() -> bundles.Log:
    """The sample log, for tests that change none of it."""
    return bundles.sample()


@pytest.fixture
def run(single: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Verify the files of a bundle; gives the answer with its exit status."""

    def verify(bundle: Files | Path, *more: str, keys: list[str] = KEYS) -> dict[str, Any]:
        path = bundle if isinstance(bundle, Path) else bundles.pack(bundle, tmp_path / "b.zip")
        status = single.main([str(path), "--json", *keys, *more])
        out = capsys.readouterr()
        answer = json.loads(out.out) if out.out else {"findings": [], "refused": out.err}
        assert {finding["verdict"] for finding in answer["findings"]} <= VERDICTS
        assert (status == 0) == answer.get("holds", False)
        return {**answer, "status": status}

    return verify
