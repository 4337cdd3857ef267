"""The corpus of docs/corpus: made again byte for byte, and judged alike by the product and by the single file."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.corpus import make

from trailbook.errors import TrailbookError
from trailbook.record import read_body
from trailbook.tree import (
    Policy,
    TrustPolicy,
    VerifierKey,
    open_trusted,
    parse_checkpoint,
    parse_note,
    parse_policy,
    parse_range,
    parse_tile_path,
    parse_vkey,
    subtree_root,
    verify_note,
)
from trailbook.verify import check_proof

INDEX = json.loads((make.CORPUS / "index.json").read_text("utf-8"))
CASES: list[dict[str, Any]] = INDEX["cases"]
NOT_AFTER = 1_796_083_200  # 2026-12-01
Judge = Callable[[dict[str, Any], bytes], object]


def content(case: dict[str, Any], member: str = "file") -> bytes:
    return (make.CORPUS / case[member]).read_bytes()


def vkeys(case: dict[str, Any]) -> list[str]:
    return [INDEX["keys"][name] for name in case.get("keys", ())]


def test_the_corpus_is_made_again_byte_for_byte() -> None:
    there = {str(file.relative_to(make.CORPUS)) for file in make.CORPUS.rglob("*") if file.is_file()}
    made = make.files()
    assert there - {"README.md"} == made.keys()
    assert [name for name, expected in made.items() if (make.CORPUS / name).read_bytes() != expected] == []


def test_the_corpus_has_both_sides_of_every_kind_and_a_reason_for_each() -> None:
    kinds = {case["kind"] for case in CASES}
    assert {(case["kind"], case["holds"]) for case in CASES} == {(k, h) for k in kinds for h in (True, False)}
    assert all(case["reason"] for case in CASES)
    assert not any(case["holds"] for case in CASES if case.get("stricter"))
    assert INDEX["version"] == 1


# --- the product ---


def open_note(case: dict[str, Any], raw: bytes) -> None:
    (key,) = known(case)
    verify_note(parse_note(raw), (key,))


def known(case: dict[str, Any]) -> list[VerifierKey]:
    return [parse_vkey(text) for text in vkeys(case)]


def open_head(case: dict[str, Any], raw: bytes) -> None:
    origin = parse_checkpoint(parse_note(raw).text).origin
    trust = parse_policy(content(case, "policy")) if "policy" in case else TrustPolicy()
    witnesses = {key.name: key for key in known(case) if key.name != make.notes.ORIGIN}
    if "policy" not in case:
        latest = {"latest": NOT_AFTER} if "not_after" in case else {}
        trust = TrustPolicy(witnesses=witnesses, **latest)
    log = trust.logs or tuple(key for key in known(case) if key.name == make.notes.ORIGIN)
    open_trusted(raw, Policy(origin, tuple(key for key in log if key.name == origin)), trust)


def open_proof(case: dict[str, Any], raw: bytes) -> None:
    check_proof(raw, content(case, "leaf"), [parse_range(text) for text in vkeys(case)])


def open_tile(case: dict[str, Any], raw: bytes) -> None:
    level, index, width = parse_tile_path(case["path"])
    whole = case["size"] >> 8 * level
    assert 0 < len(raw) == 32 * width
    assert width == min(256, whole - 256 * index)
    assert subtree_root([raw[at : at + 32] for at in range(0, len(raw), 32)]) == base64.b64decode(
        case["root"]
    )


PRODUCT: dict[str, Judge] = {
    "key": lambda case, raw: parse_vkey(raw.decode()),
    "note": open_note,
    "checkpoint": open_head,
    "proof": open_proof,
    "policy": lambda case, raw: parse_policy(raw),
    "body": lambda case, raw: read_body(raw),
    "tile": open_tile,
}


def accepts(judge: Judge, case: dict[str, Any], *refusals: type[BaseException]) -> bool:
    try:
        judge(case, content(case))
    except refusals:
        return False
    return True


def wrong(judges: dict[str, Judge], *refusals: type[BaseException]) -> list[str]:
    """The cases that are judged in another way than the corpus does."""
    judged = [case for case in CASES if case["kind"] in judges]
    return [
        case["file"] for case in judged if accepts(judges[case["kind"]], case, *refusals) is not case["holds"]
    ]


def test_the_product_judges_as_the_corpus_does() -> None:
    """A bundle is judged by the single file in both: the product hands it over."""
    assert wrong(PRODUCT, TrailbookError, AssertionError) == []


# --- the single file ---


def single_judges(single: ModuleType, folder: Path) -> dict[str, Judge]:
    def key(case: dict[str, Any], raw: bytes) -> None:
        assert [line[4] for line in single.keys_of(raw.decode())] == [single.UNKNOWN]

    def note(case: dict[str, Any], raw: bytes) -> None:
        (known_key,) = single.keys_of(*vkeys(case))
        single.note_of(raw, [known_key], known_key[0])

    def file(case: dict[str, Any], raw: bytes) -> None:
        path = make.CORPUS / case["file"]
        words = [word for text in (*vkeys(case), *case.get("verifier_keys", ())) for word in ("--key", text)]
        words += ["--policy", str(make.CORPUS / case["policy"])] if "policy" in case else []
        words += ["--not-after", case["not_after"]] if "not_after" in case else []
        assert single.main([str(path), *words]) == 0

    def body(case: dict[str, Any], raw: bytes) -> None:
        match = single.re.fullmatch(single.BODY.encode(), raw)
        assert match
        assert single.body_fault(match.groups(), b"") is None

    def tile(case: dict[str, Any], raw: bytes) -> None:
        match = single.TILE.fullmatch(case["path"])
        assert match
        where = (int(match[1]), int(single.re.sub("[x/]", "", match[2])))
        assert case["path"] == single.tile_name(where, case["size"])
        assert len(raw) == 32 * min(256, (case["size"] >> 8 * where[0]) - 256 * where[1]) > 0
        assert single.tile_root(raw) == base64.b64decode(case["root"])

    return {
        "key": key,
        "note": note,
        "checkpoint": file,
        "proof": file,
        "bundle": file,
        "policy": lambda case, raw: single.Policy(raw),
        "body": body,
        "tile": tile,
    }


def test_the_single_file_judges_as_the_corpus_does(single: ModuleType, tmp_path: Path) -> None:
    assert wrong(single_judges(single, tmp_path), single.BrokenError, AssertionError) == []


@pytest.mark.parametrize("holds", [True, False])
def test_a_judge_that_says_the_same_of_all_would_be_noticed(holds: bool) -> None:
    """The control of both."""

    def judge(case: dict[str, Any], raw: bytes) -> None:
        assert holds

    assert len(wrong(dict.fromkeys(PRODUCT, judge), AssertionError)) > 40
