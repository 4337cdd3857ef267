"""The outside file: what was written is read back, past what a power cut left, or the line at fault is named."""

from pathlib import Path

import pytest
from msgspec import structs

from trailbook.errors import DamagedError
from trailbook.proofs import NOTHING_OUTSIDE, read_outside
from trailbook.proofs.outside_file import add_erased, add_note, add_ranges, last_outside, read_ranges
from trailbook.testing.signed import KEYRING
from trailbook.tree import Checkpoint, KeyRange, format_note, sign_checkpoint

TOKEN = "A" * 32


def note(origin: str, size: int) -> bytes:
    """A signed note of a tree whose root nobody looks at."""
    checkpoint = Checkpoint(origin, size, bytes(32))
    return format_note(sign_checkpoint(checkpoint, KEYRING.signers(origin), size))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with three notes of two logs, the first of them in two epochs."""
    file = tmp_path / "outside.txt"
    for origin, size in (("log.example/acme", 3), ("log.example/other", 7), ("log.example/acme/1", 9)):
        add_note(file, note(origin, size))
    return file


def test_a_file_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    file = tmp_path / "outside.txt"
    assert read_outside(file) == NOTHING_OUTSIDE
    assert last_outside(file, "log.example/acme") is None
    add_note(file, note("log.example/acme", 3))
    assert read_outside(file) != NOTHING_OUTSIDE


def test_what_was_written_is_read_back_in_order(file: Path) -> None:
    add_erased(file, "acme", (TOKEN, "B" * 32))
    add_erased(file, "acme", ("C" * 32,))
    add_erased(file, "other", (TOKEN,))
    outside = read_outside(file)
    assert [signed.checkpoint.size for signed in outside.notes] == [3, 7, 9]
    assert [signed.note for signed in outside.notes][1] == note("log.example/other", 7)
    assert outside.erased == {"acme": {TOKEN, "B" * 32, "C" * 32}, "other": {TOKEN}}


def test_the_notes_of_a_log_are_those_of_each_of_its_epochs(file: Path) -> None:
    add_note(file, note("log.example/acme-two", 1))
    outside = read_outside(file)
    assert outside.notes_of("log.example/acme") == [
        note("log.example/acme", 3),
        note("log.example/acme/1", 9),
    ]
    assert outside.notes_of("log.example/nobody") == []


def test_the_last_of_an_origin_is_not_that_of_another(file: Path) -> None:
    outside = read_outside(file)
    for origin, size in (("log.example/acme", 3), ("log.example/other", 7), ("log.example/acme/1", 9)):
        last = outside.last(frozenset({origin}))
        assert last is not None
        assert last.checkpoint.size == size
        assert last_outside(file, origin) == last
    assert outside.last(frozenset({"log.example/nobody"})) is last_outside(file, "log.example/nobody") is None


@pytest.mark.parametrize("many", [10, 12_000])
def test_the_last_of_a_log_that_was_long_silent_is_found(file: Path, many: int) -> None:
    """Looked for from the end; it stands before more than is looked at first, or than is looked at next."""
    with file.open("ab") as out:
        out.write(b"\n++\n%b--\n" % note("log.example/busy", 1) * many)
    last = last_outside(file, "log.example/acme")
    assert last is not None
    assert last.note == note("log.example/acme", 3)
    assert last_outside(file, "log.example/nobody") is None


def test_a_record_cut_by_a_power_loss_is_passed_over(file: Path) -> None:
    whole = file.read_bytes()
    for cut in range(1, len(whole), 7):
        file.write_bytes(whole + whole[:cut])
        add_erased(file, "acme", (TOKEN,))
        add_note(file, note("log.example/acme", 11))
        outside = read_outside(file)
        last = outside.last(frozenset({"log.example/acme"}))
        assert last is not None
        assert last.checkpoint.size == 11
        assert outside.erased == {"acme": {TOKEN}}


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"log.example/acme\n3\n", b"log.example/acme\n03\n"), (b"erased acme AAAA", b"erased acme A AAA")],
)
def test_a_damaged_record_is_named_by_its_line(file: Path, old: bytes, new: bytes) -> None:
    add_erased(file, "acme", (TOKEN,))
    whole = file.read_bytes()
    assert whole.count(old) == 1
    read_outside(file)
    file.write_bytes(whole.replace(old, new))
    with pytest.raises(DamagedError, match=r"before line \d+: "):
        read_outside(file)


def test_of_a_key_the_range_that_stands_last_counts_and_notes_are_read_past_it(file: Path) -> None:
    old, new = (KeyRange(key, 3) for key in KEYRING.verifiers("log.example/acme"))
    before, other = read_outside(file), KeyRange(KEYRING.verifiers("log.example/other")[0])
    assert read_ranges(file) == {}
    add_ranges(file, [old, new])
    add_ranges(file, [other])
    add_ranges(file, [structs.replace(old, after=7)])
    assert read_ranges(file) == {
        "log.example/acme": [structs.replace(old, after=7), new],
        "log.example/other": [other],
    }
    assert read_outside(file) == before
    assert read_ranges(file.with_name("none")) == {}


def test_ranges_that_a_power_cut_left_half_written_were_never_said(file: Path) -> None:
    """The control: damage within a whole record names the line."""
    whole = file.read_bytes()
    add_ranges(file, [KeyRange(key, 3) for key in KEYRING.verifiers("log.example/acme")])
    record = file.read_bytes()[len(whole) :]
    for cut in range(len(record) - 4):
        file.write_bytes(whole + record[:cut])
        assert read_ranges(file) == {}
    file.write_bytes(whole + record.replace(b" 3\n", b" 3 2\n"))
    with pytest.raises(DamagedError, match="before line"):
        read_ranges(file)
