"""Fronts: every name that a room offers is there, is defined where the stub says, and nothing else is offered."""

from importlib import import_module

import pytest
from tests.test_form import fronts

from trailbook.front import front


@pytest.mark.parametrize("package", sorted(fronts()))
def test_every_name_of_a_front_is_there(package: str) -> None:
    room, homes = import_module(package), fronts()[package]
    assert room.__all__ == sorted(homes)
    for name, home in homes.items():
        assert getattr(room, name) is getattr(import_module(home), name)


def test_other_names_are_no_part_of_it() -> None:
    room = import_module("trailbook.query")
    assert not hasattr(room, "no_such_name")
    assert set(dir(room)) == set(room.__all__)


def test_a_package_without_a_stub_has_no_front() -> None:
    with pytest.raises(FileNotFoundError):
        front("trailbook.capture.jobs")
