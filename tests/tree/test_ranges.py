"""Ranges of keys: how they follow from entries, how they are written, and which heads they refuse."""

from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from trailbook.errors import InvalidError, ProofInvalidError
from trailbook.proofs import Keyring, keyring_of
from trailbook.tree import (
    Checkpoint,
    KeyRange,
    Policy,
    Rotation,
    VerifierKey,
    format_fact,
    format_key,
    format_note,
    format_range,
    format_vkey,
    key_id,
    key_ranges,
    open_checkpoint,
    parse_range,
    read_rotation,
    require_in_range,
    sign_checkpoint,
)

ORIGIN = "log.example/acme"
RINGS = [keyring_of({"log": bytes([n]) * 32, "cosign": bytes([n + 9]) * 32}) for n in range(3)]
PAIRS = [ring.verifiers(ORIGIN) for ring in RINGS]
KEYS = [pair[0] for pair in PAIRS] + [pair[1] for pair in PAIRS]


def rotated(pair: int, size: int, *, exact: bool = True, origin: str = ORIGIN) -> Rotation:
    log, second = (key_id(key).hex() for key in RINGS[pair].verifiers(origin))
    return Rotation(size, log, second if exact else None)


def sizes(rotations: Sequence[Rotation], origins: Sequence[str] = ()) -> list[tuple[int, int | None]]:
    """The ranges of the log keys; the cosigning keys have the same."""
    ranges = [(range_.first, range_.after) for range_ in key_ranges(KEYS, rotations, origins)]
    assert ranges[:3] == ranges[3:]
    return ranges[:3]


def test_a_range_ends_with_the_head_just_after_the_entry_that_both_keys_sign() -> None:
    assert sizes([rotated(1, 10), rotated(2, 20)]) == [(0, 11), (10, 21), (20, None)]
    assert sizes([]) == [(0, None)] * 3


def test_a_key_that_no_entry_names_ends_with_the_next_that_one_does() -> None:
    """It signed nothing in this log, as where the keys were replaced twice before it was signed again."""
    assert sizes([rotated(2, 20)]) == [(0, 21), (0, 21), (20, None)]
    assert sizes([rotated(1, 10)]) == [(0, 11), (10, None), (0, None)]


def test_an_entry_again_changes_nothing_and_none_ends_the_first_key_before_itself() -> None:
    assert sizes([rotated(1, 10), rotated(1, 30), rotated(0, 5), rotated(0, 40)])[:2] == [(0, 11), (10, None)]


def test_what_an_earlier_version_left_open_an_entry_of_today_settles() -> None:
    """Its server went on with the old keys: they end where the entry stands that names both keys."""
    assert sizes([rotated(1, 10, exact=False)])[:2] == [(0, 11), (10, None)]
    assert sizes([rotated(1, 10, exact=False), rotated(1, 30)])[:2] == [(0, 31), (10, None)]


def test_an_entry_of_an_earlier_epoch_names_a_key_under_its_origin() -> None:
    """The control: nobody knows the key by another name."""
    before = rotated(1, 10, origin="log.example/acme/before")
    assert sizes([before], ["log.example/acme/before"])[:2] == [(0, 11), (10, None)]
    assert sizes([before]) == [(0, None)] * 3


def test_a_second_key_without_its_first_signs_every_size() -> None:
    assert [(r.first, r.after) for r in key_ranges(KEYS[:4], [rotated(1, 10)])] == [
        (0, 11),
        (10, None),
        (0, None),
        (0, None),
    ]


@given(
    key=st.sampled_from(KEYS),
    first=st.integers(0, 2**40),
    more=st.none() | st.integers(1, 2**40),
)
def test_a_line_is_read_as_it_was_written(key: VerifierKey, first: int, more: int | None) -> None:
    range_ = KeyRange(key, first, None if more is None else first + more)
    assert parse_range(format_range(range_)) == parse_range(format_key(range_)) == range_


def test_a_key_that_signs_every_size_is_written_alone() -> None:
    """As other people's tools read it."""
    assert format_key(KeyRange(KEYS[0])) == format_vkey(KEYS[0])
    assert format_key(KeyRange(KEYS[0], 3)) == f"{format_vkey(KEYS[0])} 3"
    assert format_range(KeyRange(KEYS[0], 0, 9)) == f"{format_vkey(KEYS[0])} 0 9"


@pytest.mark.parametrize("sizes", [" 3 3", " 9 3", " 03", " -1", " 1 2 3", " ", " 1  2", "\t1", " x"])
def test_a_line_in_another_form_is_refused(sizes: str) -> None:
    with pytest.raises(InvalidError, match="key"):
        parse_range(format_vkey(KEYS[0]) + sizes)
    assert parse_range(format_vkey(KEYS[0]) + " 2 3").after == 3  # the control


def test_what_an_entry_states_is_read_back() -> None:
    assert read_rotation(7, format_fact(*PAIRS[1])) == rotated(1, 7)
    assert read_rotation(7, key_id(KEYS[1]).hex()) == rotated(1, 7, exact=False)
    assert [read_rotation(7, fact) for fact in ("", "x" * 8, "0" * 7, "0" * 8 + "-", "A" * 8)] == [None] * 5


def head(size: int, *rings: Keyring) -> bytes:
    signers = [key for ring in rings for key in ring.signers(ORIGIN)]
    return format_note(sign_checkpoint(Checkpoint(ORIGIN, size, bytes(32)), signers, 5))


@pytest.mark.parametrize(
    ("size", "rings", "holds"),
    [
        (9, (0,), True),
        (10, (0,), True),
        (10, (0, 1), True),
        (11, (0,), False),
        (11, (0, 1), False),
        (11, (1,), True),
        (9, (1,), False),
    ],
)
def test_a_head_is_refused_where_any_known_key_signed_outside_its_range(
    size: int, rings: tuple[int, ...], holds: bool
) -> None:
    opened = open_checkpoint(head(size, *(RINGS[n] for n in rings)), Policy(ORIGIN, tuple(KEYS)))
    ranges = key_ranges(KEYS, [rotated(1, 10)])
    if holds:
        require_in_range(opened, ranges)
    else:
        with pytest.raises(ProofInvalidError, match=f"does not sign heads of size {size}"):
            require_in_range(opened, ranges)
