"""The single file, loaded as whoever has nothing else would."""

import importlib.util
from types import ModuleType

import pytest
from tests.corpus.make import ROOT


@pytest.fixture(scope="module")
def single() -> ModuleType:
    file = ROOT / "src" / "trailbook" / "export" / "trailbook_verify.py"
    spec = importlib.util.spec_from_file_location("single", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
