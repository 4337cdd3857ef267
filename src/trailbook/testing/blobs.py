"""The suite every `Blobs` passes: subclass the class and give the fixture `engine`, or `blobs` itself.

    class TestMine(BlobsConformance):
        @pytest.fixture
        def blobs(self, tmp_path):
            return MyBlobs(tmp_path)

Owns what is promised of named pieces of bytes, in examples. Refuses to need a log: an engine may keep blobs alone.
"""

import threading
from collections.abc import Sequence

import pytest

from trailbook.errors import HeadMovedError
from trailbook.stores import Blob, Blobs, ExpectedBlob
from trailbook.testing.engines import ORG, OTHER, Engine

LIST = ExpectedBlob("index", "list", None)


class BlobsConformance:
    """What `Blobs` promise; the fixture `blobs` gives empty ones that take those of two organisations."""

    @pytest.fixture
    def blobs(self, engine: Engine) -> Blobs:
        """The blobs under test."""
        for org in (ORG, OTHER):
            engine.store.create(org)
        return engine.store

    def test_a_blob_is_kept_verbatim_and_replaced(self, blobs: Blobs) -> None:
        blobs.put_blob(ORG, Blob("tile", "0/0", b"\x00\xff"))
        blobs.put_blob(ORG, Blob("manifest", "0/0", b""))
        assert blobs.blob(ORG, "tile", "0/0") == b"\x00\xff"
        assert blobs.blob(ORG, "manifest", "0/0") == b""
        assert blobs.blob(ORG, "tile", "0/1") is None
        blobs.put_blob(ORG, Blob("tile", "0/0", b"new"))
        assert blobs.blob(ORG, "tile", "0/0") == b"new"

    def test_a_large_blob(self, blobs: Blobs) -> None:
        content = bytes(range(256)) * 8192
        blobs.put_blob(ORG, Blob("segment", "0", content))
        assert blobs.blob(ORG, "segment", "0") == content

    @pytest.mark.parametrize(
        "key", ["0/0", "", "..", "../../x", "/x", "a\nb", "Åse 李", "x" * 300, "CON", "a%2Fb"]
    )
    def test_any_text_is_a_name(self, blobs: Blobs, key: str) -> None:
        """Beside it there are its neighbours, which are others."""
        near = sorted({key, key + " ", f"{key}/", key.upper() + "!"})
        for name in near:
            blobs.put_blob(ORG, Blob("kind", name, name.encode()))
        assert [blobs.blob(ORG, "kind", name) for name in near] == [name.encode() for name in near]
        assert blobs.blob_names(ORG) == [("kind", name) for name in near]

    def test_blobs_of_organisations_are_apart(self, blobs: Blobs) -> None:
        blobs.put_blob(OTHER, Blob("index", "list", b"x"))
        assert blobs.blob(ORG, "index", "list") is None
        assert (blobs.blob_names(ORG), blobs.blob_names(OTHER)) == ([], [("index", "list")])
        blobs.put_blobs(ORG, [Blob("index", "list", b"y")], drop=[("index", "list")], expect=LIST)
        assert blobs.blob(OTHER, "index", "list") == b"x"

    def test_names_are_sorted(self, blobs: Blobs) -> None:
        for kind, key in (("b", "2"), ("a", "9"), ("b", "10"), ("a", "ø"), ("B", "1")):
            blobs.put_blob(ORG, Blob(kind, key, b""))
        assert blobs.blob_names(ORG) == [("B", "1"), ("a", "9"), ("a", "ø"), ("b", "10"), ("b", "2")]

    def test_blobs_together_or_not_at_all(self, blobs: Blobs) -> None:
        """Whoever saw another blob than there is by now changes nothing."""
        blobs.put_blob(ORG, Blob("tile", "0/0", b"old"))
        list_, part = Blob("index", "list", b"1"), Blob("index", "a", b"")
        blobs.put_blobs(ORG, [list_, part], drop=[("tile", "0/0"), ("none", "0")], expect=LIST)
        assert blobs.blob_names(ORG) == [("index", "a"), ("index", "list")]
        for wrong in (LIST, ExpectedBlob("index", "list", b"2"), ExpectedBlob("index", "b", b"")):
            with pytest.raises(HeadMovedError):
                blobs.put_blobs(ORG, [Blob("index", "b", b"")], drop=[("index", "a")], expect=wrong)
        assert blobs.blob_names(ORG) == [("index", "a"), ("index", "list")]
        assert (blobs.blob(ORG, "index", "a"), blobs.blob(ORG, "index", "list")) == (b"", b"1")
        blobs.put_blobs(ORG, [Blob("index", "list", b"2")], expect=ExpectedBlob("index", "list", b"1"))
        assert blobs.blob(ORG, "index", "list") == b"2"

    def test_what_is_dropped_and_put_at_once_is_there(self, blobs: Blobs) -> None:
        blobs.put_blob(ORG, Blob("index", "a", b"old"))
        blobs.put_blobs(ORG, [Blob("index", "a", b"new")], drop=[("index", "a")], expect=LIST)
        assert blobs.blob(ORG, "index", "a") == b"new"

    def test_of_many_who_expect_the_same_the_first_is_written(self, blobs: Blobs) -> None:
        """And nothing of the others: each brings a blob of its own besides."""
        lists = [Blob("index", "list", b"%d" % number) for number in range(8)]
        parts = [Blob("part", f"{number}", b"") for number in range(8)]
        refused: list[int] = []

        def put(number: int) -> None:
            try:
                blobs.put_blobs(ORG, [lists[number], parts[number]], expect=LIST)
            except HeadMovedError:
                refused.append(number)

        _at_once([threading.Thread(target=put, args=(number,)) for number in range(8)])
        (first,) = set(range(8)) - set(refused)
        assert blobs.blob(ORG, "index", "list") == b"%d" % first
        assert blobs.blob_names(ORG) == [("index", "list"), ("part", f"{first}")]

    def test_nothing_of_several_is_seen_alone(self, blobs: Blobs) -> None:
        """Whoever reads the list finds what it names: that was written in the same moment."""
        over, torn = threading.Event(), list[str]()

        def read() -> None:
            while not over.is_set():
                number = blobs.blob(ORG, "index", "list")
                if number is not None and blobs.blob(ORG, "part", number.decode()) is None:
                    torn.append(number.decode())

        reader = threading.Thread(target=read)
        reader.start()
        expected = None
        for number in range(30):
            both = [Blob("part", f"{number}", b""), Blob("index", "list", b"%d" % number)]
            blobs.put_blobs(ORG, both, expect=ExpectedBlob("index", "list", expected))
            expected = b"%d" % number
        over.set()
        reader.join()
        assert torn == []


def _at_once(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
