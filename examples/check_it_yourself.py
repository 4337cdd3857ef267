"""Check a Trailbook bundle, or a log that is served or published: Python's standard library and `openssl` alone.

    python3 check_it_yourself.py BUNDLE.zip --key KEY [--since CHECKPOINT]
    python3 check_it_yourself.py FOLDER-OR-ADDRESS --key KEY [--since CHECKPOINT] [--entry SEQ FILE] [--entries]

Written, and laid out by hand, to be read in half an hour; docs/how-to/check-it-yourself.md says what it leaves out.
Refuses at the first thing that does not hold, and to take a key from what it checks: you have to bring one.
"""

# fmt: off
import argparse
import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

Read = Callable[[str], bytes]  # a file by its name; nothing where there is none
def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)

# --- 1. Where the files come from: a bundle, a folder, or an address ---
def reader_of(place: str) -> Read:
    """How to read the files of a place by their names below it."""
    if place.startswith(("https://", "http://")):
        return lambda name: fetched(f"{place.rstrip('/')}/{name}")
    if Path(place).is_dir():
        return lambda name: path.read_bytes() if (path := Path(place, name)).is_file() else b""
    archive = zipfile.ZipFile(place)
    names = archive.namelist()
    require(len(names) == len(set(names)), "a name stands twice in the bundle")
    return lambda name: archive.read(name) if name in names else b""
def fetched(address: str) -> bytes:
    """A file of a web server. A published log asks for no key; a server of Trailbook does, in LOG_API_KEY."""
    request = urllib.request.Request(address)
    if key := os.environ.get("LOG_API_KEY"):
        request.add_unredirected_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        if error.code == 429:  # asked too often in a second
            time.sleep(int(error.headers["Retry-After"]))
            return fetched(address)
        require(error.code in (404, 410), f"{address}: the server answers {error.code}")
        return b""

# --- 2. Signed notes: a text, an empty line, and who signed it (C2SP signed-note, tlog-cosignature) ---
class Key(NamedTuple):
    """A verifier key: type 1 signs as the log, type 4 gives the time; and the sizes of heads that count."""
    name: str
    id: bytes
    type: int
    public: bytes
    sizes: range
def key_of(line: str) -> Key:
    """`name+id+base64`, and perhaps the sizes that it signs: the id follows from the rest, or it is no key."""
    written, *sizes = line.split(" ")
    name, id_, encoded = written.split("+", 2)
    typed = base64.b64decode(encoded, validate=True)
    made = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
    require(made.hex() == id_ and len(typed) == 33 and typed[0] in (1, 4), f"{line!r} is not a verifier key")
    first, after = (*map(int, sizes), *(0, 2**63 + 1)[len(sizes) :])
    return Key(name, made, typed[0], typed[1:], range(first, after))
def check_signature(public: bytes, message: bytes, signature: bytes) -> None:
    """Ed25519 by openssl, which takes a public key with the few bytes before it that say what it is (RFC 8410)."""
    files = {"key": bytes.fromhex("302a300506032b6570032100") + public, "text": message, "signature": signature}
    command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in text -sigfile signature"
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        ended = subprocess.run(command.split(), cwd=folder, capture_output=True, check=False)
    require(ended.returncode == 0, "a signature does not hold")
def signed_text(note: bytes, keys: list[Key], origin: str) -> tuple[str, dict[Key, int]]:
    """The text of a note that a key of the log signed, and every known key that did, with its time (0: none)."""
    text, _, ending = note.rpartition(b"\n\n")
    text, signers = text + b"\n", dict[Key, int]()
    for line in ending.decode().splitlines():
        _dash, name, encoded = line.split(" ")
        raw = base64.b64decode(encoded, validate=True)
        for key in (key for key in keys if (key.name, key.id) == (name, raw[:4])):
            signers[key] = int.from_bytes(raw[4:12], "big") if key.type == 4 else 0
            head = f"cosignature/v1\ntime {signers[key]}\n".encode() if key.type == 4 else b""
            check_signature(key.public, head + text, raw[12:] if key.type == 4 else raw[4:])
    require(any((key.name, key.type) == (origin, 1) for key in signers), f"it is signed by no known key of {origin}")
    return text.decode(), signers
class Head(NamedTuple):
    """A signed head: which log, how many entries, the root over all of them, and when, if a known key says that."""
    origin: str
    size: int
    root: bytes
    time: int
def head_of(note: bytes, keys: list[Key]) -> Head:
    """The head in a checkpoint (C2SP tlog-checkpoint)."""
    text, signers = signed_text(note, keys, note.partition(b"\n")[0].decode())
    origin, size, root, *_ = text.split("\n")
    require(all(int(size) in key.sizes for key in signers), f"a key signed that does not sign size {size}")
    return Head(origin, int(size), base64.b64decode(root, validate=True), max(signers.values()))

# --- 3. The tree: hashes in tiles of 256, every complete one a single hash in the tile above (RFC 9162, tlog-tiles) ---
def leaf_hash(body: bytes) -> bytes:
    return hashlib.sha256(b"\0" + body).digest()
def root_over(hashes: bytes) -> bytes:
    """The root over hashes that stand side by side: two by two, and a last one without a partner rises as it is."""
    row = [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
    while len(row) > 1:
        pairs = (b"".join(row[at : at + 2]) for at in range(0, len(row), 2))
        row = [hashlib.sha256(b"\1" + pair).digest() if len(pair) == 64 else pair for pair in pairs]
    return row[0] if row else hashlib.sha256(b"").digest()
def tile_name(level: int | str, index: int, width: int) -> str:
    """Tile 1234067 of level 0 is `tile/0/x001/x234/067`; one with 5 hashes so far has `.p/5` behind it."""
    groups = [f"{index % 1000:03}"]
    while (index := index // 1000) > 0:
        groups.insert(0, f"x{index % 1000:03}")
    return f"tile/{level}/{'/'.join(groups)}" + (f".p/{width}" if width < 256 else "")
class Tree:
    """The tree under a signed head. No hash is used before it is bound to the root."""
    def __init__(self, read: Read, head: Head) -> None:
        self.read, self.size, self.bound = read, head.size, dict[tuple[int, int], bytes]()
        for level in range(8):  # the incomplete tiles, which end the tree on the right
            if width := self.size >> 8 * level & 255:
                self.bound[level, self.size >> 8 * level + 8] = self.hashes(level, self.size >> 8 * level + 8, width)
        require(self.root_at(head.size) == head.root, "the tiles do not lead to the signed root")
    def hashes(self, level: int, index: int, width: int) -> bytes:
        """So many hashes of a tile: where one so narrow is gone, the complete one begins with the same."""
        content = self.read(tile_name(level, index, width)) or self.read(tile_name(level, index, 256))
        require(len(content) >= 32 * width, f"tile {level}/{index} is not there, or cut")
        return content[: 32 * width]
    def tile(self, level: int, index: int) -> bytes:
        """A tile, held against its one hash in the tile above it, and that one likewise."""
        if (level, index) not in self.bound:
            require(index < self.size >> 8 * level + 8, f"the tree has no tile {level}/{index}")
            content, above = self.hashes(level, index, 256), self.tile(level + 1, index >> 8)
            require(root_over(content) == above[32 * (index & 255) :][:32], f"tile {level}/{index} was changed")
            self.bound[level, index] = content
        return self.bound[level, index]
    def leaf(self, seq: int) -> bytes:
        require(0 <= seq < self.size, f"there is no entry {seq} under this head")
        return self.tile(0, seq >> 8)[32 * (seq & 255) :][:32]
    def root_at(self, size: int) -> bytes:
        """The root of the first so many entries. That it is the root of an older head proves that head's tree."""
        root = b""
        for level in range(8):
            if width := size >> 8 * level & 255:
                root = root_over(self.tile(level, size >> 8 * level + 8)[: 32 * width] + root)
        return root or root_over(b"")

# --- 4. A bundle: a signed list of files, bodies that are in the tree, identities that open their tokens ---
def check_bundle(read: Read, tree: Tree, head: Head, keys: list[Key]) -> Iterator[str]:
    """Manifest, bodies and identities (docs/reference/format-bundle.md)."""
    manifest = json.loads(signed_text(read("manifest.note"), keys, head.origin)[0])
    says = [manifest[name] for name in ("origin", "size", "root")]
    require(says == [head.origin, head.size, head.root.hex()], "the manifest is about another head")
    require({"bodies.tsv", "matching.json"} <= set(manifest["files"]), "the manifest does not name all files")
    for name, digest in manifest["files"].items():
        require(hashlib.sha256(read(name)).hexdigest() == digest, f"{name} is not the file that was signed")
    bodies = dict[int, dict[str, Any]]()
    for seq, _, body in (line.partition(b"\t") for line in read("bodies.tsv").splitlines()):
        removed = body.startswith(b"-\t")
        leaf = bytes.fromhex(body[2:].decode()) if removed else leaf_hash(body)
        require(tree.leaf(int(seq)) == leaf, f"entry {int(seq)} is not the one in the tree")
        bodies |= {} if removed else {int(seq): json.loads(body)}
    yield f"{len(bodies)} entries are in the tree, byte for byte, each at its place: {manifest['filter_words']}."
    listed = {seq for a, b in json.loads(read("matching.json")) for seq in range(a, b + 1)}
    require(listed <= set(bodies), "an entry that is listed is not there")
    shown = [bodies[seq] for seq in sorted(listed | set(manifest["witnesses"]))]
    yield "It is redacted: nobody is named." if manifest["redacted"] else check_identities(read, shown)
def check_identities(read: Read, shown: list[dict[str, Any]]) -> str:
    """Each identity is what its token commits to; each token that is shown has one, or was erased by an entry here."""
    rows = {row["token"]: row for row in map(json.loads, read("identities.ndjson").splitlines())}
    for token, row in rows.items():
        item = {name: text for name, text in row.items() if name not in ("salt", "token")}
        plain = json.dumps(item, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        digest = hashlib.sha256(b"trailbook/item/v1\0" + bytes.fromhex(row["salt"]) + plain).digest()
        require(base64.urlsafe_b64encode(digest[:24]).decode() == token, f"{item} is not what {token} stands for")
    gone = set[str]()
    for body in shown:
        if (body["action"], body["outcome"]) == ("activity_log.erased", "success") and body["target"] in rows:
            name = rows[body["target"]]["id"].partition("-")[2]
            content = read(f"erasures/{name}.json")
            require(hashlib.sha256(content).hexdigest() == name, f"the list of what was erased, {name}, was changed")
            gone |= set(json.loads(content)["tokens"])
    cited = {token for body in shown for token in tokens_of(body)}
    require(cited <= gone | set(rows), f"nothing says whom {min(cited - gone - set(rows), default='')} stands for")
    require(not gone & set(rows), "somebody who was erased is named")
    return f"{len(rows)} identities are those that were recorded; {len(cited & gone)} were erased."
def tokens_of(body: dict[str, Any]) -> set[str]:
    some = {body.get("on_behalf_of"), body["origin"].get("item"), *(each["item"] for each in body.get("concerns", ()))}
    return {body["actor"]["item"], body["target"], body["source"]} | some - {None}

# --- 5. A log: single entries that somebody showed you, or all that are published ---
def check_entries(read: Read, tree: Tree) -> str:
    """Every bundle of entries that is there: bodies, each after its length in two bytes, that hash to the leaves."""
    count = 0
    for first in range(0, tree.size, 256):
        rest, leaves = read(tile_name("entries", first >> 8, min(256, tree.size - first))), b""
        while rest:
            end = 2 + int.from_bytes(rest[:2], "big")
            leaves, rest = leaves + leaf_hash(rest[2:end]), rest[end:]
        require(leaves in (b"", tree.tile(0, first >> 8)), f"an entry from {first} on was changed")
        count += len(leaves) // 32
    return f"{count} of {tree.size} entries are published, and each is the one in the tree."
def check(options: argparse.Namespace) -> Iterator[str]:
    texts = [Path(key).read_text("utf-8") if Path(key).is_file() else key for key in options.key]
    read, keys = reader_of(options.place), [key_of(line) for text in texts for line in text.splitlines()]
    head = head_of(read("checkpoint"), keys)
    when = f" at {datetime.fromtimestamp(head.time, UTC):%Y-%m-%d %H:%M:%S} UTC" if head.time else ""
    yield f"{head.origin} was signed{when}, with {head.size} entries."
    tree = Tree(read, head)
    if options.since:
        old = head_of(Path(options.since).read_bytes(), keys)
        same = old.origin == head.origin and old.size <= head.size and tree.root_at(old.size) == old.root
        require(same, "this is not the log, or not the history, that you knew")
        yield f"Its first {old.size} entries are those of the head that you kept."
    for seq, file in options.entry:
        require(tree.leaf(int(seq)) == leaf_hash(Path(file).read_bytes()), f"{file} is not entry {seq}")
        yield f"{file} is entry {seq}, byte for byte."
    if read("manifest.note"):
        yield from check_bundle(read, tree, head, keys)
    if options.entries:
        yield check_entries(read, tree)

def main() -> int:
    parser = argparse.ArgumentParser(description="Check a Trailbook bundle or log.")
    parser.add_argument("place", help="a bundle, a folder with a published log, or an address below which it is")
    parser.add_argument("--key", action="append", required=True, help="a verifier key, or a file of them")
    parser.add_argument("--since", help="a checkpoint that you kept: the log must begin with its tree")
    parser.add_argument("--entry", nargs=2, action="append", default=[], help="SEQ FILE: this is that entry")
    parser.add_argument("--entries", action="store_true", help="check every entry that is published")
    try:
        print(*check(parser.parse_args()), "It holds.", sep="\n")
    except Exception as error:  # noqa: BLE001 - what cannot be read does not hold
        print(f"DOES NOT HOLD: {error}", file=sys.stderr)
        return 1
    return 0

if __name__ == "__main__":
    sys.exit(main())
