"""Fronts: every name that a room offers is there, is defined where the stub says, and nothing else is offered."""

from collections.abc import Mapping
from importlib import import_module

import pytest
from tests.test_form import fronts, origin

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


def by_word(homes: Mapping[str, Mapping[str, str]]) -> dict[str, set[str]]:
    """Of each word on a front, the modules in which it is defined."""
    words: dict[str, set[str]] = {}
    for package, names in homes.items():
        for name in names:
            words.setdefault(name, set()).add(origin(package, name, homes))
    return words


def test_a_word_on_several_fronts_means_one_thing() -> None:
    assert {word: homes for word, homes in by_word(fronts()).items() if len(homes) > 1} == {}


def test_a_word_with_two_meanings_is_seen() -> None:
    """The control; to hand a name on gives it no second meaning."""
    homes = {"a": {"By": "a.x", "Page": "b"}, "b": {"By": "b.y", "Page": "b.z"}}
    assert {word for word, where in by_word(homes).items() if len(where) > 1} == {"By"}
