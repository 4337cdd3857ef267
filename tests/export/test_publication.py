"""The log as static files: enough to check it without us, never torn, and nothing that was removed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from test_check_it_yourself import Answer, check

from trailbook import Viewer, operator
from trailbook.errors import ConfigurationError, NotCheckpointedError, NotPermittedError, ProofInvalidError
from trailbook.export.publication import Published, publish
from trailbook.model import Actor, Item, Origin
from trailbook.retention import Retention
from trailbook.stores import MemoryStore
from trailbook.testing.signed import KEYRING, ORG, ORIGIN, SignedLog, entry_at, open_signed
from trailbook.tree import KeyRange, format_vkey, key_ranges, leaf_hash, parse_tile_path

VIEWER = operator(ORG)
KEYS = key_ranges(KEYRING.verifiers(f"{ORIGIN}/{ORG}"), ())
HOUSE = Actor(kind="system", type="system", id="house", name="House rules")


def grow(log: SignedLog, count: int) -> None:
    """Record so many entries and sign."""
    size = log.store.head(ORG).size
    log.log.record_many([entry_at(log, number) for number in range(size, size + count)])
    log.signer.sign(ORG)


def published(log: SignedLog, folder: Path, **more: Any) -> Published:
    return publish(log.log, folder, viewer=VIEWER, keys=KEYS, **more)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


class Quiet(SimpleHTTPRequestHandler):
    """Any web server: it knows nothing of what it serves."""

    def log_message(self, *_: Any) -> None:
        pass


class Busy(Quiet):
    """A server that lets nobody have a file before they have asked for it twice."""

    asked: ClassVar[set[str]] = set()

    def do_GET(self) -> None:
        if self.path in self.asked:
            super().do_GET()
            return
        self.asked.add(self.path)
        self.send_response(429)
        self.send_header("Retry-After", "0")
        self.end_headers()


@contextmanager
def served(folder: Path, handler: type[Quiet] = Quiet) -> Iterator[str]:
    """The address at which a plain web server has the folder."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def log() -> SignedLog:
    """A signed log of 600 entries."""
    signed = open_signed(MemoryStore())
    grow(signed, 600)
    return signed


def verified(place: Path | str, keys: Path, *more: str) -> Answer:
    return check(place, "--key", str(keys / "key"), *more)


def test_a_plain_web_server_is_enough_to_follow_a_log(log: SignedLog, tmp_path: Path) -> None:
    """Inclusion, consistency and the entries themselves, by a verifier that shares no code with us, without a key."""
    folder, old = tmp_path / "public", tmp_path / "old"
    assert published(log, folder).size == 600
    assert not (folder / "tile" / "entries").exists()  # not asked for
    old.write_bytes((folder / "checkpoint").read_bytes())
    grow(log, 500)
    assert published(log, folder, entries=True).size == 1100
    entry, other = tmp_path / "entry", tmp_path / "other"
    rows = log.store.kept_at(ORG, [3, 4])
    entry.write_bytes(rows[0].body or b"")
    other.write_bytes(rows[1].body or b"")
    with served(folder) as address:
        answer = verified(address, folder, "--since", str(old), "--entry", "3", str(entry), "--entries")
        assert answer.code == 0, answer.text
        assert "Its first 600 entries are those of the head that you kept." in answer.text
        assert "1100 of 1100 entries are published" in answer.text
        assert verified(address, folder, "--entry", "3", str(other)).code == 1
    with served(folder, Busy) as address:
        assert verified(address, folder, "--entry", "3", str(entry)).code == 0
    assert {"/checkpoint", "/tile/0/000"} <= Busy.asked
    tile = folder / "tile" / "0" / "002"
    tile.write_bytes(tile.read_bytes()[:-32] + leaf_hash(b"another"))
    answer = verified(folder, folder, "--since", str(old))
    assert (answer.code, "tile 0/2 was changed" in answer.text) == (1, True)


def test_every_tile_of_the_tree_is_there_and_nothing_else(log: SignedLog, tmp_path: Path) -> None:
    published(log, tmp_path / "public")
    hashes = {"tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"}
    assert names(tmp_path / "public") == {"checkpoint", "key", *hashes}
    for name in hashes:
        level, index, width = parse_tile_path(name)
        assert (tmp_path / "public" / name).read_bytes() == log.log.tile(level, index, width, viewer=VIEWER)
    published(log, tmp_path / "all", entries=True)
    entries = {"tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"}
    assert names(tmp_path / "all") == {"checkpoint", "key", *hashes, *entries}


def test_it_goes_on_where_it_stopped(log: SignedLog, tmp_path: Path) -> None:
    """Complete tiles are never written again; one that somebody took away is; what grew whole stands for its parts."""
    folder = tmp_path / "public"
    assert published(log, folder).written == 4
    assert published(log, folder).written == 2  # the incomplete ones
    grow(log, 200)
    before = {name: (folder / name).stat().st_mtime_ns for name in ("tile/0/000", "tile/0/001")}
    assert published(log, folder).written == 3
    assert before == {name: (folder / name).stat().st_mtime_ns for name in before}
    assert names(folder) == {
        *("checkpoint", "key", "tile/0/000", "tile/0/001", "tile/0/002", "tile/0/003.p/32"),
        *("tile/1/000.p/2", "tile/1/000.p/3"),
    }
    (folder / "tile/0/001").unlink()
    published(log, folder)
    assert verified(folder, folder).code == 0
    assert (folder / "tile/0/001").exists()


def test_what_was_removed_is_not_published_and_taken_back(log: SignedLog, tmp_path: Path) -> None:
    """A bundle of which an entry was removed is gone with the next run, also one without `--entries`; hashes stay."""
    folder = tmp_path / "public"
    log.clock.move(timedelta(days=3))
    grow(log, 10)
    assert published(log, folder, entries=True).holes == 0
    before = log.clock.at - timedelta(days=1)
    log.log.prune(Retention(kept_for="standard", before=before), actor=HOUSE, origin=Origin(interface="job"))
    log.signer.sign(ORG)
    body = log.store.kept_at(ORG, [605])[0].body
    assert body is not None  # too young
    assert published(log, folder).holes == 3
    assert not [name for name in names(folder) if name.startswith("tile/entries")]
    assert published(log, folder, entries=True).holes == 3
    assert not [name for name in names(folder) if name.startswith("tile/entries")]
    answer = verified(folder, folder, "--entries")
    assert (answer.code, "0 of 611 entries are published" in answer.text) == (0, True)
    grow(log, 400)
    published(log, folder, entries=True)
    assert {name for name in names(folder) if name.startswith("tile/entries")} == {"tile/entries/003.p/243"}


def test_an_erased_person_is_in_no_bundle_and_every_proof_stays(log: SignedLog, tmp_path: Path) -> None:
    """Bodies have tokens alone: what is published is the same after an erasure, and names nobody before it."""
    folder = tmp_path / "public"
    published(log, folder, entries=True)
    held = (folder / "tile/entries/000").read_bytes()
    assert b"Person 5" not in held
    assert b"192.0.2." not in held
    log.log.erase(Item(type="user", id="u-5"), actor=HOUSE, origin=Origin(interface="job"))
    log.signer.sign(ORG)
    published(log, folder, entries=True)
    assert (folder / "tile/entries/000").read_bytes() == held
    assert verified(folder, folder, "--entries").code == 0


def test_a_folder_of_another_history_is_refused(log: SignedLog, tmp_path: Path) -> None:
    """The same origin with other entries, and a log that is shorter than what was published: nothing is written."""
    folder = tmp_path / "public"
    published(log, folder)
    before = {name: (folder / name).read_bytes() for name in names(folder)}
    forked, shorter = open_signed(MemoryStore(), seed=1), open_signed(MemoryStore())
    grow(forked, 700)
    grow(shorter, 500)
    for wrong in (forked, shorter):
        with pytest.raises(ProofInvalidError, match="does not extend the head of size 600"):
            published(wrong, folder, entries=True)
    assert before == {name: (folder / name).read_bytes() for name in names(folder)}
    grow(log, 1)
    assert published(log, folder).size == 601  # the control


def test_a_folder_of_something_else_is_refused(log: SignedLog, tmp_path: Path) -> None:
    """Another log's, one with other things in it, and one that somebody is publishing into just now."""
    (tmp_path / "index.html").write_text("mine", "utf-8")
    with pytest.raises(ConfigurationError, match=r"has index\.html in it; name an empty folder"):
        published(log, tmp_path)
    folder = tmp_path / "public"
    published(log, folder)
    note = (folder / "checkpoint").read_text("utf-8")
    (folder / "checkpoint").write_text(note.replace(f"{ORIGIN}/{ORG}", "log.example/other"), "utf-8")
    with pytest.raises(ConfigurationError, match=r"is of the log log\.example/other"):
        published(log, folder)
    (folder / "checkpoint").write_text("no note", "utf-8")
    with pytest.raises(ProofInvalidError):
        published(log, folder)
    (folder / "checkpoint").write_text(note, "utf-8")

    def again(done: int, of: int) -> None:
        with pytest.raises(ConfigurationError, match="published into by somebody else"):
            published(log, folder)

    assert published(log, folder, progress=again).size == 600
    (folder / "index.html").write_text("mine", "utf-8")
    assert published(log, folder).size == 600  # beside a log that is published there may be anything


def test_only_what_is_signed_is_published_and_only_by_whoever_may(log: SignedLog, tmp_path: Path) -> None:
    size = log.store.head(ORG).size
    log.log.record_many([entry_at(log, size)])
    assert published(log, tmp_path / "a").size == size
    with pytest.raises(NotCheckpointedError):
        published(open_signed(MemoryStore()), tmp_path / "b")
    reader = Viewer(org=ORG, item=Item(type="user", id="u-1"), activity_log="full")
    with pytest.raises(NotPermittedError):
        publish(log.log, tmp_path / "c", viewer=reader, keys=KEYS)
    withheld = Viewer(org=ORG, item=Item(type="user", id="u-1"), activity_log="full", read_proofs="full")
    publish(log.log, tmp_path / "d", viewer=withheld, keys=KEYS)  # hashes say nothing
    with pytest.raises(NotPermittedError):
        publish(log.log, tmp_path / "d", viewer=withheld, keys=KEYS, entries=True)


def test_the_keys_say_which_sizes_they_sign(log: SignedLog, tmp_path: Path) -> None:
    """A key that signs every size stands alone: other people's tools read it so."""
    published(log, tmp_path / "public")
    file = tmp_path / "public" / "key"
    alone = [format_vkey(range_.key) for range_ in KEYS]
    assert file.read_text("utf-8").splitlines() == alone
    over = [KeyRange(range_.key, 0, 9000) for range_ in KEYS]
    publish(log.log, tmp_path / "public", viewer=VIEWER, keys=over)
    assert file.read_text("utf-8").splitlines() == [f"{line} 0 9000" for line in alone]
