"""The cases of proofs and tiles: which leaf stands where in a tree, and by which hashes."""

from collections.abc import Iterator

from tests.corpus.cases import ORIGIN, Case, base64, checkpoint, leaf_hash, line, note, path, root
from tests.corpus.notes import BOTH, slack

BODIES = [b"leaf %d" % at for at in range(257)]
LEAVES = [leaf_hash(body) for body in BODIES]
FIRST = "c2sp.org/tlog-proof@v1\n"


def head(size: int) -> bytes:
    text = checkpoint(size, root(LEAVES[:size]))
    return note(text, *(line(who, text) for who in BOTH))


def proof(at: int, size: int, *, first: str = FIRST, extra: str = "", index: str | None = None) -> bytes:
    """The proof of a leaf, as the standard writes it but for what is given."""
    hashes = "".join(f"{base64(digest)}\n" for digest in path(at, LEAVES[:size]))
    return f"{first}{extra}index {at if index is None else index}\n{hashes}\n".encode() + head(size)


def proofs() -> Iterator[Case]:
    def case(
        name: str, content: bytes, holds: bool, reason: str, at: int = 128, *, stricter: bool = False
    ) -> Case:
        members, beside = {"keys": list(BOTH)}, {".leaf": BODIES[at]}
        return Case("proof", name, content, holds, reason, stricter, members, beside)

    for at, size in ((0, 1), (0, 2), (1, 2), (2, 3), (6, 7), (128, 257), (256, 257), (255, 256)):
        yield case(
            f"{at}-of-{size}", proof(at, size), True, "the hashes lead from the leaf to the signed root", at
        )
    yield case("extra", proof(128, 257, extra="extra b3BhcXVl\n"), True, "what is extra means nothing")
    whole = proof(128, 257)
    lines = whole.split(b"\n")
    yield case("other-leaf", whole, False, "the leaf is another's", 127)
    yield case("other-index", proof(128, 257, index="129"), False, "the index is another's")
    yield case("index-beyond", proof(128, 257, index="257"), False, "the index is not below the size")
    yield case("hash-less", b"\n".join([*lines[:2], *lines[3:]]), False, "a hash is not there")
    yield case("hash-more", b"\n".join([*lines[:2], lines[2], *lines[2:]]), False, "a hash too many")
    yield case(
        "hashes-exchanged", b"\n".join([*lines[:2], lines[3], lines[2], *lines[4:]]), False, "another order"
    )
    yield case("hash-changed", b"\n".join([*lines[:2], lines[3], *lines[3:]]), False, "a hash is another")
    yield case(
        "of-one-and-a-hash",
        b"\n".join([*proof(0, 1).split(b"\n")[:2], lines[2], *proof(0, 1).split(b"\n")[2:]]),
        False,
        "no hash belongs in a tree of one",
        0,
    )
    yield case(
        "other-size",
        proof(128, 257).replace(b"\n257\n", b"\n256\n"),
        False,
        "the size is not what was signed",
    )
    spelled = {
        "first-line": (proof(128, 257, first="c2sp.org/tlog-proof@v2\n"), "another format", False),
        "no-index": (whole.replace(b"index 128\n", b""), "there is no index", False),
        "index-leading-zero": (proof(128, 257, index="0128"), "the index has a leading zero", False),
        "index-sign": (proof(128, 257, index="+128"), "the index has a sign", False),
        "extra-empty": (proof(128, 257, extra="extra \n"), "extra without anything", True),
        "extra-no-base64": (
            proof(128, 257, extra="extra not base64\n"),
            "what is extra is not base64",
            False,
        ),
        "extra-slack": (
            proof(128, 257, extra="extra b3BhcXVlIA==\n".replace("IA", "IB")),
            "base64 with bits left over",
            True,
        ),
        "extra-after-index": (
            whole.replace(b"index 128\n", b"index 128\nextra b3BhcXVl\n"),
            "extra in another place",
            False,
        ),
        "extra-twice": (proof(128, 257, extra="extra b3BhcXVl\nextra b3BhcXVl\n"), "extra twice", False),
        "hash-slack": (
            whole.replace(lines[2], slack(lines[2].decode()).encode()),
            "base64 with bits left over",
            True,
        ),
        "hash-short": (
            whole.replace(lines[2], base64(path(128, LEAVES)[0][:31]).encode()),
            "a hash of 31 bytes",
            False,
        ),
        "return": (whole.replace(b"index 128\n", b"index 128\r\n"), "a control character", False),
        "hashes-64": (whole.replace(lines[2] + b"\n", (lines[2] + b"\n") * 56), "more than 63 hashes", False),
        "no-empty-line": (whole.replace(b"\n\n", b"\n", 1), "nothing parts proof and checkpoint", False),
        "two-empty-lines": (whole.replace(b"\n\n", b"\n\n\n", 1), "a line of the checkpoint is empty", False),
        "no-checkpoint": (whole.partition(b"\n\n")[0] + b"\n\n", "there is no checkpoint", False),
        "no-signature": (whole.rpartition(b"\n\n")[0] + b"\n\n", "nobody signed", False),
    }
    for name, (content, reason, stricter) in spelled.items():
        yield case(name, content, False, reason, stricter=stricter)
    letter = "Dear all\n"
    wrong = whole.partition(b"\n\n")[0] + b"\n\n" + note(letter, line("log", letter))
    yield case("of-a-letter", wrong, False, "a note that is no checkpoint")
    other = checkpoint(257, root(LEAVES), origin="log.example/other")
    wrong = whole.partition(b"\n\n")[0] + b"\n\n" + note(other, line("other", other))
    yield case("of-another-log", wrong, False, f"of another log than {ORIGIN}")


def tiles() -> Iterator[Case]:
    """Tiles of the lowest two levels, each at its path, under the root of a tree of 257 leaves or fewer."""

    def case(name: str, at: str, hashes: list[bytes], size: int, holds: bool, reason: str) -> Case:
        head_of = root(LEAVES[:size]) if size <= len(LEAVES) else bytes(32)
        members = {"path": at, "size": size, "root": base64(head_of)}
        return Case("tile", name, b"".join(hashes), holds, reason, members=members)

    yield case("whole", "tile/0/000", LEAVES[:256], 256, True, "256 hashes, whose root is that of the tree")
    yield case(
        "partial", "tile/0/000.p/100", LEAVES[:100], 100, True, "100 hashes, whose root is that of the tree"
    )
    yield case("one", "tile/0/000.p/1", LEAVES[:1], 1, True, "one hash, which is the root of the tree")
    changed = [*LEAVES[:99], LEAVES[100]]
    yield case("changed", "tile/0/000.p/100", changed, 100, False, "a hash is another")
    yield case("hash-less", "tile/0/000.p/100", LEAVES[:99], 100, False, "a hash is not there")
    yield case("hash-more", "tile/0/000.p/100", LEAVES[:101], 100, False, "a hash too many")
    yield case("byte-more", "tile/0/000.p/100", [*LEAVES[:100], b"\0"], 100, False, "a byte too many")
    yield case("nothing", "tile/0/000.p/100", [], 100, False, "there is nothing")
    for name, at, reason in (
        ("width-of-another", "tile/0/000.p/99", "the width is another's"),
        ("index-of-another", "tile/0/001.p/100", "the index is another's"),
        ("level-of-another", "tile/1/000.p/100", "the level is another's"),
        ("path-width-zero", "tile/0/000.p/0100", "the width has a leading zero"),
        ("path-level-zeros", "tile/00/000.p/100", "the level has a leading zero"),
        ("path-short-group", "tile/0/0.p/100", "a group of the index has three digits"),
        ("path-leading-group", "tile/0/x000/000.p/100", "no group of zeros stands before another"),
        ("path-not-tile", "tiles/0/000.p/100", "no path of a tile"),
        ("path-whole", "tile/0/000", "a tile of 100 hashes is named with its width"),
    ):
        yield case(name, at, LEAVES[:100], 100, False, reason)
    yield case(
        "path-width-256",
        "tile/0/000.p/256",
        LEAVES[:256],
        256,
        False,
        "a whole tile is named without a width",
    )
