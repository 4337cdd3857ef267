"""Both verifiers over what nobody wrote down: files of the corpus changed by chance, and heads signed after a change.

Whatever they say of it, they say the same.
"""

import random
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.amounts import amount
from tests.corpus.cases import line, note
from tests.corpus.notes import HEAD
from tests.corpus.test_corpus import CASES, PRODUCT, Judge, content, single_judges

from trailbook.errors import TrailbookError

KINDS = ("key", "note", "checkpoint", "policy", "proof", "body")
PIECES = [
    *(bytes([octet]) for octet in b'\0\t\n\r !"#+,-/0129=A\x7f\x80\xff'),
    *("\N{EM DASH} ", "\N{NO-BREAK SPACE}", "\N{LINE SEPARATOR}", "\N{ARABIC-INDIC DIGIT TWO}"),
    *("\n\n", "==", "extra AAAA\n", "quorum none\n", "group g any w1\n", '"v":1,'),
]


def changed(raw: bytes, chance: random.Random) -> bytes:
    """The bytes with one to three changes: a bit, a piece more, some bytes or a line less, a line twice."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        at, rows = chance.randrange(len(raw) + 1), raw.split(b"\n")
        row = chance.randrange(len(rows))
        piece = chance.choice(PIECES)
        raw = chance.choice(
            [
                raw[:at]
                + bytes([octet ^ 1 << chance.randrange(8) for octet in raw[at : at + 1]])
                + raw[at + 1 :],
                raw[:at] + (piece if isinstance(piece, bytes) else piece.encode()) + raw[at:],
                raw[:at] + raw[at + chance.choice((1, 1, 2, 40)) :],
                b"\n".join(rows[:row] + rows[row + 1 :]),
                b"\n".join([*rows[:row], chance.choice(rows), *rows[row:]]),
            ]
        )
    return raw


def verdict(judge: Judge, case: dict[str, Any], raw: bytes, *refusals: type[BaseException]) -> bool:
    try:
        judge(case, raw)
    except (AssertionError, UnicodeDecodeError, *refusals):
        return False
    return True


def copied(case: dict[str, Any], raw: bytes, folder: Path) -> dict[str, Any]:
    """A case whose file is another, with what it needs beside it."""
    (folder / "file").write_bytes(raw)
    beside = {}
    if "leaf" in case:
        (folder / "file.leaf").write_bytes(content(case, "leaf"))
        beside = {"leaf": str(folder / "file.leaf")}
    return {**case, "file": str(folder / "file"), **beside}


@pytest.mark.parametrize("kind", [*KINDS, "signed"])
def test_both_judge_what_was_changed_by_chance_alike(kind: str, single: ModuleType, tmp_path: Path) -> None:
    """A hundred changes of each kind; every tenth file is as it was. `signed`: the log signed the text as it is now."""
    chance, other = random.Random(kind), single_judges(single, tmp_path)
    judged = "checkpoint" if kind == "signed" else kind
    cases = [case for case in CASES if case["kind"] == judged]
    answers = set()
    for number in range(amount(120, 400, 20_000)):
        case = {"kind": judged, "keys": ["log"]} if kind == "signed" else chance.choice(cases)
        raw = HEAD.encode() if kind == "signed" else content(case)
        raw = changed(raw, chance) if number % 10 else raw
        if kind == "signed":
            text = raw.decode("utf-8", "replace")
            raw = note(text, line("log", text))
        made = copied(case, raw, tmp_path)
        ours = verdict(PRODUCT[judged], made, raw, TrailbookError)
        assert verdict(other[judged], made, raw, single.BrokenError) is ours, raw
        answers.add(ours)
    assert answers == {True, False}  # the control: both are asked for
