"""A file beside its signed statement: whether it is the one that was exported, and how what is not is said."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from trailbook import Item, Query
from trailbook.access import Viewer
from trailbook.errors import InvalidError, ProofInvalidError
from trailbook.export import ExportRequest, Runner, called, compare, is_exported, order_of
from trailbook.export.packing import pack
from trailbook.testing.small import ORG, grow, opened
from trailbook.testing.steady import FrozenClock
from trailbook.tree import KeyRange
from trailbook.tree.checkpoint import ED25519, Note, SignerKey, VerifierKey, format_note, parse_note, sign

ME = Viewer(
    org=ORG,
    item=Item(type="user", id="u-17", name="Anna Berg"),
    activity_log="full",
    roles=("system-administrator",),
)


class Desk(Struct, frozen=True):
    """Where exported files came to lie, with the keys of their log."""

    folder: Path
    runner: Runner
    keys: list[KeyRange]

    def taken(self, format_: str, *, zipped: bool = False, as_of: int = 40) -> Path:
        """A file that was exported and fetched, its statement beside it or in the same ZIP."""
        request = ExportRequest(query=Query(as_of=as_of), format=format_, zip=zipped)
        job = self.runner.order(request, ME)
        self.runner._deployment.signer().sign(ORG)
        assert self.runner.step()
        job = self.runner.orders.find(ME, job.id)
        name = called(self.runner._deployment.log(ORG), order_of(job))
        file = self.folder / (f"{Path(name).stem}.zip" if zipped else name)
        file.write_bytes(self.runner.path(job, ME).read_bytes())
        if not zipped:
            (self.folder / f"{name}.note").write_bytes(self.runner.path(job, ME, "manifest").read_bytes())
        return file


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    clock = FrozenClock()
    deployment = opened(folder, clock)
    grow(deployment.create(ORG), clock, 40)
    (folder / "taken").mkdir()
    yield Desk(folder / "taken", Runner(deployment, folder / "exports"), [*deployment.key_ranges(ORG)])
    deployment.close()


@pytest.mark.parametrize("format_", ["csv", "xlsx", "jsonl", "parquet"])
def test_every_file_is_known_by_its_statement(desk: Desk, format_: str) -> None:
    """As it was fetched it is the file; with one byte changed, cut or lengthened it is not, and the length is told."""
    file = desk.taken(format_)
    assert is_exported(file, None)
    comparison = compare(file, None, desk.keys)
    whole = file.read_bytes()
    assert (comparison.fault, comparison.size, comparison.statement.count) == (None, len(whole), 40)
    assert comparison.key.startswith("log.example/acme+")
    half = len(whole) // 2
    changed = whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :]
    for content, words in (
        (changed, "not those that were exported"),
        (whole[:-1], f"{len(whole) - 1:,} bytes, and {len(whole):,} were exported"),
        (whole + b"\n", f"{len(whole) + 1:,} bytes, and {len(whole):,} were exported"),
    ):
        file.write_bytes(content)
        assert words in (compare(file, None, desk.keys).fault or ""), words


def test_a_file_keeps_its_statement_under_another_name(desk: Desk) -> None:
    """It is the bytes that count: renamed by a browser it holds, where the statement is named."""
    file = desk.taken("csv")
    renamed, note = file.with_name("roles (1).csv"), file.with_name(f"{file.name}.note")
    renamed.write_bytes(file.read_bytes())
    assert compare(renamed, note, desk.keys).fault is None
    with pytest.raises(InvalidError, match="there is no statement beside it"):
        compare(renamed, None, desk.keys)


def test_a_zip_brings_both(desk: Desk) -> None:
    """File and statement in one: whole it holds; with another file in it, or another beside them, it does not."""
    packed = desk.taken("jsonl", zipped=True)
    with zipfile.ZipFile(packed) as archive:
        names = archive.namelist()
        content = {name: archive.read(name) for name in names}
    assert names == ["everything-acme.jsonl", "everything-acme.jsonl.note"]
    assert is_exported(packed, None)
    assert compare(packed, None, desk.keys).fault is None
    parts = [desk.folder / f"part-{at}" for at in range(2)]
    for place, name in zip(parts, names, strict=True):
        place.write_bytes(content[name])
    pack(again := desk.folder / "again.zip", names[0], *parts)
    assert again.read_bytes() == packed.read_bytes()  # the same file and statement are the same bytes

    def repacked(**more: bytes) -> Path:
        other = packed.with_name("other.zip")
        with zipfile.ZipFile(other, "w") as archive:
            for name, part in {**content, **more}.items():
                archive.writestr(name, part)
        return other

    assert compare(repacked(), None, desk.keys).fault is None  # the control
    assert compare(repacked(**{names[0]: b"{}\n"}), None, desk.keys).fault
    with pytest.raises(InvalidError, match="something else than one file"):
        compare(repacked(more=b""), None, desk.keys)
    damaged = bytearray(packed.read_bytes())
    damaged[400] ^= 255
    packed.write_bytes(damaged)
    with pytest.raises(ProofInvalidError):
        compare(packed, None, desk.keys)


def test_whose_statement_it_is_matters(desk: Desk) -> None:
    """Another file's, an unsigned one, one by a stranger, and one that is none of a file."""
    file, other = desk.taken("csv"), desk.taken("jsonl", as_of=20)
    note, others = file.with_name(f"{file.name}.note"), other.with_name(f"{other.name}.note")
    assert compare(file, note, desk.keys).fault is None  # the control
    comparison = compare(file, others, desk.keys)
    assert comparison.fault
    assert [*comparison.statement.files] == ["everything-acme.jsonl"]

    text = parse_note(note.read_bytes()).text
    stranger = SignerKey("log.example/acme", ED25519, bytes([7]) * 32)
    bundle = text.replace('"kind":"file"', '"kind":"closed"')
    place = file.with_name("forged.note")
    for raw, words in (
        (text.encode(), "is not a text"),
        (format_note(Note(text, (sign(text, stranger),))), "no key of log.example/acme that is trusted"),
        (note.read_bytes().replace(b'"count":40', b'"count":41'), "does not hold|not valid|signature"),
        (format_note(Note(bundle, (sign(bundle, stranger),))), "is none of a file"),
        (b"\xff\xfe", "note"),
    ):
        place.write_bytes(raw)
        with pytest.raises(ProofInvalidError, match=words):
            compare(file, place, desk.keys)


def test_keys_of_another_log_tell_nothing(desk: Desk) -> None:
    """Nobody is believed whom the reader did not name: without a key of that log nothing is said of the file."""
    file = desk.taken("csv")
    with pytest.raises(InvalidError, match="none of the keys is of the log log"):
        compare(file, None, [KeyRange(VerifierKey("other.example/acme", ED25519, bytes(32)))])


def test_a_key_that_had_been_replaced_signs_no_statement(desk: Desk) -> None:
    """The head then had another key; the control: it was replaced just after."""
    file = desk.taken("csv")
    note = parse_note(file.with_name(f"{file.name}.note").read_bytes())
    size = json.loads(note.text)["size"]
    over, not_yet = ([KeyRange(range_.key, 0, after) for range_ in desk.keys] for after in (size, size + 1))
    with pytest.raises(ProofInvalidError, match=f"had been replaced at size {size}"):
        compare(file, None, over)
    assert compare(file, None, not_yet).fault is None
