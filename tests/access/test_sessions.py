"""Sessions and links while the registry cannot be written: nobody is kept out, and what ended has ended."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs

from trailbook.access.sessions import SignIns
from trailbook.errors import StorageFullError, UnwritableError
from trailbook.stores import MemorySessions, Session

SESSION = Session(
    token_hash=b"s", org="acme", type="user", id="u-17", name="Anna", roles=(), expires_at=900, seen_at=100
)
LINK = structs.replace(SESSION, token_hash=b"l", kind="sign-in")


class Full(MemorySessions):
    """Sessions of a registry that takes nothing more while it is `full`."""

    full = False

    def __getattribute__(self, name: str) -> Any:
        attribute = super().__getattribute__(name)
        writes = name in {"add", "touch", "take_link", "end", "end_all_of", "sweep"}
        return _refuse if writes and self.full else attribute


def _refuse(*_: object) -> None:
    raise StorageFullError("the disk is full")


@pytest.fixture
def registry() -> Full:
    return Full()


@pytest.fixture
def sessions(registry: Full) -> SignIns:
    return SignIns(registry, most=2)


def test_a_session_begins_is_used_and_ends_without_room(registry: Full, sessions: SignIns) -> None:
    """It is known here alone until it can be written; ended meanwhile, it is never written."""
    registry.full = True
    sessions.begin(SESSION, 0)
    other = structs.replace(SESSION, token_hash=b"o")
    sessions.begin(other, 0)
    sessions.touch(b"s", 160)
    assert sessions.session(b"s") == structs.replace(SESSION, seen_at=160)
    assert registry.get(b"s") is None
    sessions.end(b"o")
    assert sessions.session(b"o") is None
    registry.full = False
    sessions.settle()
    assert registry.get(b"s") == structs.replace(SESSION, seen_at=160)
    assert registry.get(b"o") is None
    assert SignIns(registry).session(b"s") == sessions.session(b"s")


def test_a_session_of_before_is_used_and_ends_without_room(registry: Full, sessions: SignIns) -> None:
    """It does not grow idle while it is used; signed out, it opens nothing, here at once and later everywhere."""
    sessions.begin(SESSION, 0)
    registry.full = True
    sessions.touch(b"s", 160)
    assert sessions.session(b"s") == structs.replace(SESSION, seen_at=160)
    sessions.end(b"s")
    assert sessions.session(b"s") is None
    assert registry.get(b"s") is not None  # the control: the registry still has it
    registry.full = False
    sessions.touch(b"x", 170)  # whoever writes next writes what waits
    assert registry.get(b"s") is None


def test_a_link_works_once_without_room(registry: Full, sessions: SignIns) -> None:
    """Used up here at once, and later everywhere; another one goes on working."""
    registry.add(LINK)
    registry.add(structs.replace(LINK, token_hash=b"m"))
    registry.full = True
    assert sessions.link(b"l", "sign-in") == LINK
    assert sessions.use_up(b"l", "password") is None
    assert sessions.use_up(b"l", "sign-in") == LINK
    assert sessions.use_up(b"l", "sign-in") is None
    assert sessions.link(b"l", "sign-in") is None
    registry.full = False
    assert sessions.use_up(b"m", "sign-in") is not None
    assert registry.link(b"l", "sign-in") is None
    assert sessions.use_up(b"m", "sign-in") is None


@pytest.mark.parametrize(
    "ended", [lambda s: s.end_all_of("acme", "user", "u-17"), lambda s: s.end(b"s")], ids=["all", "one"]
)
def test_what_ends_is_not_written_later(
    registry: Full, sessions: SignIns, ended: Callable[[SignIns], None]
) -> None:
    """A session that began here alone ends with all others of that person, and with nobody else's."""
    bobs = structs.replace(SESSION, token_hash=b"b", id="u-42")
    registry.full = True
    sessions.begin(SESSION, 0)
    sessions.begin(bobs, 0)
    registry.full = False
    ended(sessions)
    sessions.settle()
    assert (sessions.session(b"s"), registry.get(b"s")) == (None, None)
    assert registry.get(b"b") == bobs


def test_no_more_wait_than_may(registry: Full, sessions: SignIns) -> None:
    """Sessions that would be too many are refused; those that are there go on."""
    registry.full = True
    for token in (b"1", b"2"):
        sessions.begin(structs.replace(SESSION, token_hash=token), 0)
    with pytest.raises(UnwritableError):
        sessions.begin(structs.replace(SESSION, token_hash=b"3"), 0)
    assert sessions.session(b"1") is not None
    for token in (b"7", b"8"):
        sessions.end(token)
    with pytest.raises(UnwritableError):
        sessions.end(b"9")
    registry.full = False
    sessions.begin(structs.replace(SESSION, token_hash=b"3"), 0)
    assert registry.get(b"3") is not None
