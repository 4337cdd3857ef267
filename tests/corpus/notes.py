"""The cases of keys, notes, checkpoints and policies: who signed what, when, and in which spelling."""

from collections.abc import Iterator

from tests.corpus.cases import (
    DASH,
    KEYS,
    LOG,
    ORIGIN,
    SIGNED_AT,
    Case,
    Key,
    base64,
    checkpoint,
    leaf_hash,
    line,
    note,
    root,
    signature,
    spelled_line,
)

LETTER = "Dear all,\n\nwe counted the votes.\n"
LINE = line("log", LETTER)
NAME, CODED = LINE.rstrip("\n").split(" ")[1:]
ROOT = root([leaf_hash(b"leaf %d" % at) for at in range(257)])
HEAD = checkpoint(257, ROOT)
BOTH = ("log", "log-time")


def slack(coded: str) -> str:
    """The same bytes in base64 with other bits left over."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    at = len(coded.rstrip("=")) - 1
    return coded[:at] + letters[letters.index(coded[at]) ^ 1] + coded[at + 1 :]


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def keys() -> Iterator[Case]:
    """Verifier keys on a line."""

    def key(name: str, text: str, holds: bool, reason: str, *, stricter: bool = False) -> Case:
        return Case("key", name, text.encode(), holds, reason, stricter)

    log = KEYS["log"]
    vkey, typed = log.vkey(), bytes([LOG]) + log.public()
    for who in ("log", "log-time", "w2"):
        yield key(f"type-{KEYS[who].kind}", KEYS[who].vkey(), True, "name, key id and key belong together")
    yield key("another-id", vkey.replace(log.id().hex(), "00000000"), False, "the key id is another's")
    yield key(
        "id-in-capitals",
        vkey.replace(log.id().hex(), log.id().hex().upper()),
        False,
        "hex in capitals",
        stricter=True,
    )
    yield key("short", vkey.replace(base64(typed), base64(typed[:-1])), False, "the key has 31 bytes")
    yield (
        key("no-padding", vkey.rstrip("="), False, "base64 without its padding")
        if vkey.endswith("=")
        else key("no-key", vkey.replace(base64(typed), ""), False, "there is no key")
    )
    for name, odd in {
        "space": "log example",
        "no-break-space": "log\u00a0example",
        "plus": "log+example",
        "none": "",
    }.items():
        wrong = Key(odd, LOG, log.seed).vkey()
        yield key(f"name-with-{name}", wrong, False, "a key's name is not empty and has no space and no plus")


def notes() -> Iterator[Case]:
    """Signed notes, by the key of the log."""

    def case(name: str, content: bytes, holds: bool, reason: str, *, stricter: bool = False) -> Case:
        return Case("note", name, content, holds, reason, stricter, {"keys": ["log"]})

    def good(name: str, content: bytes, reason: str) -> Case:
        return case(name, content, True, reason)

    def bad(name: str, content: bytes, reason: str, *, stricter: bool = False) -> Case:
        return case(name, content, False, reason, stricter=stricter)

    strangers = [spelled_line(f"key.example/{at}", b"%04d" % at + b"signature") for at in range(99)]
    yield good("signed", note(LETTER, LINE), "signed by the known key; the text has an empty line")
    yield good("unknown-beside", note(LETTER, *strangers[:3], LINE), "lines of unknown keys are ignored")
    yield good("lines-16", note(LETTER, *strangers[:15], LINE), "every verifier takes 16 signature lines")
    yield good("lines-100", note(LETTER, *strangers, LINE), "100 signature lines are taken")
    other_id = spelled_line(NAME, b"\0\0\0\0?")
    yield good(
        "same-name",
        note(LETTER, other_id, LINE),
        "a line with the key's name and another id is another key's",
    )
    other_name = spelled_line("other.example", KEYS["log"].id() + b"?")
    yield good(
        "same-id",
        note(LETTER, other_name, LINE),
        "a line with the key's id and another name is another key's",
    )
    yield good(
        "name-not-ascii", note(LETTER, spelled_line("vitne.example/æøå", b"1234?"), LINE), "names are UTF-8"
    )
    yield bad("unknown-only", note(LETTER, *strangers[:1]), "no known key signed")
    yield bad(
        "thief", note(LETTER, line("thief", LETTER)), "another key of that name signed, which is not known"
    )
    yield bad("text-changed", note(LETTER.replace("votes", "notes"), LINE), "the text is not what was signed")
    yield bad("other-text", note(LETTER, line("log", "Dear all\n")), "the signature is over another text")
    for name, at in {"first-bit": 0, "last-bit": 63, "s": 40}.items():
        broken = KEYS["log"].id() + flipped(signature("log", LETTER), at)
        yield bad(
            f"signature-{name}", note(LETTER, spelled_line(NAME, broken)), "a bit of the signature is another"
        )
    for name, sig in {
        "short": signature("log", LETTER)[:63],
        "long": signature("log", LETTER) + b"\0",
    }.items():
        yield bad(
            f"signature-{name}", note(LETTER, spelled_line(NAME, KEYS["log"].id() + sig)), "not 64 bytes"
        )
    for name, content, reason in malformed(strangers):
        yield bad(name, content, reason)
    for name, content, reason in left_open(strangers):
        yield bad(name, content, reason, stricter=True)


def malformed(strangers: list[str]) -> Iterator[tuple[str, bytes, str]]:
    """Name, content and reason of what no verifier takes."""
    yield "no-newline-at-end", note(LETTER, LINE)[:-1], "the last line does not end in a newline"
    yield "no-empty-line", (LETTER.replace("\n\n", "\n") + LINE).encode(), "nothing parts text and signatures"
    yield "no-signatures", note(LETTER), "there is no signature line"
    yield "empty-line-at-end", note(LETTER, LINE, "\n"), "an empty line behind the signatures"
    yield "no-text", ("\n" + LINE).encode(), "there is no text"
    yield "nothing", b"\n", "there is nothing"
    yield "return", note(LETTER, LINE).replace(b"\n", b"\r\n"), "a control character"
    for name, text in {"tab": "a\tb\n", "nul": "a\0b\n", "escape": "a\x1bb\n"}.items():
        yield f"text-with-{name}", note(text, line("log", text)), "a control character, though it was signed"
    yield "not-utf8", b"caf\xe9\n\n" + LINE.encode(), "not UTF-8"
    yield "overlong", b"a\xc0\xaf\n\n" + LINE.encode(), "not UTF-8: a letter in more bytes than it takes"
    yield "surrogate", b"a\xed\xa0\x80\n\n" + LINE.encode(), "not UTF-8: half of a pair"
    yield "hyphen", note(LETTER, f"- {NAME} {CODED}\n"), "a hyphen where the dash belongs"
    yield "two-spaces", note(LETTER, f"{DASH} {NAME}  {CODED}\n"), "two spaces"
    yield "space-at-end", note(LETTER, f"{DASH} {NAME} {CODED} \n"), "a space behind the signature"
    yield "no-name", note(LETTER, LINE, f"{DASH}  {CODED}\n"), "a line without a name"
    yield "no-base64", note(LETTER, LINE, f"{DASH} stranger\n"), "a line without a signature"
    yield "no-signature-in-line", note(LETTER, LINE, f"{DASH} stranger \n"), "a line whose signature is empty"
    for name, odd in {"plus": "a+b", "no-break-space": "a\u00a0b", "line-separator": "a\u2028b"}.items():
        yield f"unknown-name-with-{name}", note(LETTER, LINE, spelled_line(odd, b"1234?")), "no name of a key"
    yield (
        "unknown-too-short",
        note(LETTER, LINE, spelled_line("stranger", b"1234")),
        "a key id and no signature",
    )
    yield (
        "unknown-much-too-short",
        note(LETTER, LINE, spelled_line("stranger", b"12")),
        "no room for a key id",
    )
    yield (
        "base64-of-urls",
        note(LETTER, LINE, f"{DASH} stranger MTIzND8_\n"),
        "base64 in the alphabet of URLs",
    )
    yield (
        "base64-no-padding",
        note(LETTER, LINE, f"{DASH} stranger MTIzNDU2Nw\n"),
        "base64 without its padding",
    )


def left_open(strangers: list[str]) -> Iterator[tuple[str, bytes, str]]:
    """Name, content and reason of what the standard does not speak of."""
    crowd = [*strangers, spelled_line("x", b"12345"), LINE]
    yield "lines-101", note(LETTER, *crowd), "more than 100 signature lines"
    yield "base64-slack", note(LETTER, f"{DASH} {NAME} {slack(CODED)}\n"), "base64 with bits left over"
    unknown = f"{DASH} stranger MTIzNDU2Nx==\n"
    yield "unknown-base64-slack", note(LETTER, LINE, unknown), "base64 with bits left over"
    yield "line-twice", note(LETTER, LINE, LINE), "a signature line stands there twice"
    yield "unknown-line-twice", note(LETTER, LINE, *strangers[:1] * 2), "a line stands there twice"


def heads() -> Iterator[Case]:
    """Checkpoints: of the log at its size 257, signed by its key, its second key and witnesses."""

    def case(
        name: str,
        content: bytes,
        holds: bool,
        reason: str,
        *,
        stricter: bool = False,
        keys: tuple[str, ...] = BOTH,
    ) -> Case:
        return Case("checkpoint", name, content, holds, reason, stricter, {"keys": list(keys)})

    own = [line(who, HEAD) for who in BOTH]
    cosigned = {who: line(who, HEAD, SIGNED_AT + 1) for who in ("w1", "w2", "w3")}
    yield case("signed", note(HEAD, *own), True, "signed by both keys of the log")
    yield case(
        "one-key-known",
        note(HEAD, *own),
        True,
        "who knows the first key only ignores the second",
        keys=("log",),
    )
    for name, text in {
        "empty-tree": checkpoint(0, root([])),
        "largest": checkpoint(2**63, ROOT),
        "extended": checkpoint(257, ROOT, "an extension line", "and one more: æøå"),
    }.items():
        yield case(name, note(text, *(line(who, text) for who in BOTH)), True, "well formed, and signed")
    for who in ("w1", "w2"):
        kind = KEYS[who].kind
        yield case(
            f"witness-{kind}",
            note(HEAD, *own, cosigned[who]),
            True,
            f"a cosignature of type {kind}",
            keys=(*BOTH, who),
        )
    extended = checkpoint(257, ROOT, "an extension line")
    moved = note(extended, *(line(who, extended) for who in BOTH), cosigned["w2"])
    yield case("ml-dsa-and-extension", moved, True, "ML-DSA-44 signs no extension lines", keys=(*BOTH, "w2"))
    yield case(
        "last-time",
        note(HEAD, own[0], line("log-time", HEAD, 2**63 - 1)),
        True,
        "the last time that there is",
    )
    yield case(
        "time-beyond", note(HEAD, own[0], line("log-time", HEAD, 2**63)), False, "a time of 2^63 or later"
    )
    yield case("only-a-time", note(HEAD, own[1]), False, "the log's first key did not sign", stricter=True)
    yield case(
        "no-time", note(HEAD, own[0]), False, "the log's second key is known and did not sign", stricter=True
    )
    yield case(
        "only-a-witness",
        note(HEAD, cosigned["w1"]),
        False,
        "no key of the log signed",
        keys=("log", "w1"),
        stricter=True,
    )
    twice = note(HEAD, *own, line("log-time", HEAD, SIGNED_AT + 60))
    yield case("key-twice", twice, False, "a known key signed twice", stricter=True)
    yield from (case(*made) for made in wrong_cosignatures(own))
    yield from (case(*made, keys=(*BOTH, "w2")) for made in wrong_ml_dsa(own))
    renamed = spelled_line(KEYS["w9"].name, KEYS["w9"].id() + signature("w2", HEAD))
    yield case(
        "ml-dsa-other-name", note(HEAD, *own, renamed), False, "signed under another name", keys=(*BOTH, "w9")
    )
    for name, (text, reason, stricter) in texts().items():
        written = [line("log", text), *own[1:]]  # no second key of a log signs what is no checkpoint
        yield case(name, note(text, *written), False, reason, stricter=stricter, keys=("log",))


def wrong_cosignatures(own: list[str]) -> Iterator[tuple[str, bytes, bool, str]]:
    id_, made = KEYS["log-time"].id(), signature("log-time", HEAD)
    shifted = (SIGNED_AT + 1).to_bytes(8) + made[8:]
    plain = SIGNED_AT.to_bytes(8) + signature("log", HEAD)
    for name, content, reason in (
        ("time-changed", shifted, "the time is not the one that was signed"),
        ("time-cut", made[:7], "too short for a time"),
        ("time-alone", made[:8], "a time and no signature"),
        ("of-another-type", plain, "a signature without a time behind a time"),
    ):
        yield name, note(HEAD, own[0], spelled_line(ORIGIN, id_ + content)), False, reason


def wrong_ml_dsa(own: list[str]) -> Iterator[tuple[str, bytes, bool, str]]:
    witness, made = KEYS["w2"], signature("w2", HEAD)
    smaller = checkpoint(256, ROOT)
    for name, content, reason in (
        ("ml-dsa-first-bit", made[:8] + flipped(made[8:], 0), "a bit of the signature is another"),
        ("ml-dsa-last-bit", flipped(made, len(made) - 1), "a bit of the signature is another"),
        ("ml-dsa-time", (SIGNED_AT + 1).to_bytes(8) + made[8:], "the time is not the one that was signed"),
        ("ml-dsa-other-size", signature("w2", smaller), "the cosignature is of another size"),
        ("ml-dsa-cut", made[:-1], "the signature is a byte short"),
    ):
        yield name, note(HEAD, *own, spelled_line(witness.name, witness.id() + content)), False, reason


def texts() -> dict[str, tuple[str, str, bool]]:
    """Texts that the log did sign, and that are no checkpoint: why, and whether the standard leaves it open."""
    spelled = base64(ROOT)
    return {
        "size-leading-zero": (checkpoint("0257", ROOT), "the size has a leading zero", False),
        "size-sign": (checkpoint("+257", ROOT), "the size has a sign", False),
        "size-fraction": (checkpoint("257.0", ROOT), "the size has a fraction", False),
        "size-other-digits": (checkpoint("٢٥٧", ROOT), "the size is in other digits", False),
        "size-beyond": (checkpoint(2**63 + 1, ROOT), "the size is beyond 2^63", True),
        "size-empty": (checkpoint("", ROOT), "there is no size", False),
        "no-root": (f"{ORIGIN}\n257\n", "there is no root", False),
        "empty-extension": (checkpoint(257, ROOT, "", "x"), "an extension line is empty", False),
        "root-in-hex": (checkpoint(257, ROOT.hex()), "the root is in hex", False),
        "root-short": (checkpoint(257, ROOT[:31]), "the root has 31 bytes", False),
        "root-no-padding": (checkpoint(257, spelled.rstrip("=")), "base64 without its padding", False),
        "root-slack": (checkpoint(257, slack(spelled)), "base64 with bits left over", True),
        "another-origin": (
            checkpoint(257, ROOT, origin="log.example/other"),
            "the key is of another log",
            True,
        ),
    }


def policies() -> Iterator[Case]:
    """Policy files, and checkpoints under one."""
    log, time, *witnesses = (KEYS[who].vkey() for who in (*BOTH, "w1", "w2", "w3"))
    names = "".join(f"witness w{at} {vkey}\n" for at, vkey in enumerate(witnesses, 1))
    logs = f"log {log} https://log.example/\nlog {time}\n"
    two = f"# two of three\n\n{logs}{names}group three 2 w1 w2 w3\nquorum three\n"
    yield Case(
        "policy", "two-of-three", two.encode(), True, "a threshold, with comments, an empty line and a URL"
    )
    nested = f"{logs}{names}\tgroup any-two any w1 w2 \ngroup all all any-two w3\nquorum all\n"
    yield Case("policy", "nested", nested.encode(), True, "a group in a group; tabs and spaces")
    yield Case("policy", "nobody", b"quorum none\n", True, "no witness is asked for, and no log is named")
    yield Case("policy", "latin-1", b"# caf\xe9\nquorum none\n", True, "a comment is any octets")
    late = f"quorum none\n{logs}{names}"
    yield Case(
        "policy", "quorum-first", late.encode(), True, "lines of logs and witnesses may follow the quorum"
    )
    wrong = {
        "no-quorum": (f"{logs}{names}", "there is no line for the quorum"),
        "two-quorums": ("quorum none\nquorum none\n", "there are two lines for the quorum"),
        "unknown-quorum": ("quorum w1\n", "the quorum is not defined"),
        "quorum-before": (f"quorum w1\n{names}", "the quorum is defined only after its line"),
        "unknown-member": (f"{names}group g any w1 w9\nquorum g\n", "a member is not defined"),
        "itself": (f"{names}group g any w1 g\nquorum g\n", "a group is a member of itself"),
        "none-as-member": (f"{names}group g any w1 none\nquorum g\n", "nobody is no member"),
        "none-as-name": (f"witness none {witnesses[0]}\nquorum none\n", "the name is taken"),
        "name-twice": (f"{names}group w1 any w2\nquorum w1\n", "witnesses and groups share their names"),
        "member-twice": (
            f"{names}group a any w1 w2\ngroup b any w2 w3\nquorum b\n",
            "a name is a member twice",
        ),
        "too-many": (f"{names}group g 4 w1 w2 w3\nquorum g\n", "4 of 3"),
        "zero": (f"{names}group g 0 w1\nquorum g\n", "0 of 1"),
        "leading-zero": (f"{names}group g 01 w1\nquorum g\n", "a threshold with a leading zero"),
        "no-members": (f"{names}group g any\nquorum none\n", "a group without members"),
        "log-twice": (f"log {log}\nlog {log}\nquorum none\n", "one public key in two lines"),
        "witness-twice": (f"{names}witness w4 {witnesses[0]}\nquorum w4\n", "one public key in two lines"),
        "witness-without-time": (
            f"witness w {KEYS['other'].vkey()}\nquorum w\n",
            "a witness has a key for cosignatures",
        ),
        "unknown-word": ("quorum none\nnote hello\n", "a line that no policy has"),
        "too-many-words": (f"log {log} https://log.example/ more\nquorum none\n", "a word too many"),
        "not-a-key": ("log log.example\nquorum none\n", "not a verifier key"),
        "no-newline": ("quorum none", "the last line does not end in a newline"),
        "return": ("quorum none\r\n", "a control character"),
        "delete": ("# \x7f\nquorum none\n", "a control character"),
    }
    for name, (text, reason) in wrong.items():
        yield Case("policy", name, text.encode(), False, reason)
    own = f"log {log}\nwitness w {time}\nquorum w\n".encode()
    yield Case(
        "policy", "own-witness", own, False, "the log's own second key is no witness of it", stricter=True
    )
    yield from under_policies(logs, names)


def under_policies(logs: str, names: str) -> Iterator[Case]:
    """Checkpoints by a policy: the same note, with other witnesses or other groups."""
    own = [line(who, HEAD) for who in BOTH]
    groups = "group early any w1 w2\ngroup both all early w3\nquorum both\n"

    def case(
        name: str,
        whom: tuple[str, ...],
        holds: bool,
        reason: str,
        quorum: str = groups,
        time: int = SIGNED_AT,
    ) -> Case:
        lines = [line(who, HEAD, time) for who in whom]
        beside = {".policy": f"{logs}{names}{quorum}".encode()}
        return Case("checkpoint", f"policy-{name}", note(HEAD, *own, *lines), holds, reason, beside=beside)

    yield case("met", ("w1", "w3"), True, "one of the first two, and the third")
    yield case("met-by-ml-dsa", ("w2", "w3"), True, "ML-DSA-44 counts as Ed25519 does")
    yield case("not-met", ("w1", "w2"), False, "the third is not there")
    yield case("nobody", (), False, "no witness is there")
    yield case("nobody-asked", (), True, "and none is asked for", "quorum none\n")
    yield case("one", ("w3",), True, "the one that is asked for", "quorum w3\n")
    yield case("one-other", ("w1",), False, "another than the one that is asked for", "quorum w3\n")
    yield case("time-of-zero", ("w1", "w3"), False, "a time of 0 says nothing of the largest tree", time=0)
    yield Case(
        "checkpoint",
        "not-after",
        note(HEAD, *own, line("w1", HEAD, 3_976_214_400)),
        False,
        "cosigned in 2096",
        members={"keys": [*BOTH, "w1"], "not_after": "2026-12-01T00:00:00Z"},
    )
    yield Case(
        "checkpoint",
        "not-after-held",
        note(HEAD, *own, line("w1", HEAD)),
        True,
        "cosigned before then",
        members={"keys": [*BOTH, "w1"], "not_after": "2026-12-01T00:00:00Z"},
    )
