"""Writes docs/corpus anew: `python -m tests.corpus.make`.

Owns the folder's layout and its index. Refuses to judge: what a case is said to be is held against
verifiers by the tests.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from tests.corpus import notes, records, trees
from tests.corpus.cases import KEYS, Case

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "docs" / "corpus"
VERSION = 1
FOLDERS = {"body": "bodies", "policy": "policies"}
ENDINGS = {"proof": ".tlog-proof", "body": ".json", "tile": ".tile", "bundle": ".zip", "policy": ".policy"}
PAGES = {"VERIFY.md": b"See docs/corpus/README.md.\n", "trailbook_verify.py": b"# Left out of the corpus.\n"}


def cases() -> list[Case]:
    """Every case, in the order of the index."""
    made = [notes.keys(), notes.notes(), notes.heads(), notes.policies(), trees.proofs(), trees.tiles()]
    return [*chain.from_iterable(made), *records.bodies(), *bundles()]


def bundles() -> Iterator[Case]:
    """Those of the golden log, with two short pages: whoever signs the manifest may say there what they like."""
    sys.path.insert(0, str(ROOT / "tests" / "export"))
    import bundles as version_1  # noqa: PLC0415 - they lie beside the tests of exports, under their own names
    import version_2  # noqa: PLC0415

    cut = version_2.golden_cut()
    old = version_2.key_lines(version_2.OLD_KEYS, 0, version_2.ROTATED + 2).splitlines(keepends=True)
    new = version_2.key_lines(version_1.KEYS, version_2.ROTATED + 1).splitlines(keepends=True)
    content = {**version_2.files(cut), **PAGES, "keys": old[0] + new[0] + old[1] + new[1]}
    return records.bundles(version_2.signed(cut, content), [row.decode().strip() for row in new])


def file_of(case: Case) -> str:
    folder = FOLDERS.get(case.kind, case.kind + "s")
    return f"{folder}/{'good' if case.holds else 'bad'}-{case.name}{ENDINGS.get(case.kind, '.txt')}"


def entry(case: Case) -> dict[str, Any]:
    """A case as the index has it."""
    file = file_of(case)
    beside = {ending[1:]: file + ending for ending in case.beside}
    strict = {"stricter": True} if case.stricter else {}
    always = {"kind": case.kind, "file": file, "holds": case.holds, "reason": case.reason}
    return {**always, **strict, **case.members, **beside}


def files() -> dict[str, bytes]:
    """Every file of the corpus but its README."""
    made: dict[str, bytes] = {}
    every = cases()
    for case in every:
        for ending, content in {"": case.content, **case.beside}.items():
            assert made.setdefault(file_of(case) + ending, content) == content, file_of(case)
    index = {
        "version": VERSION,
        "keys": {name: key.vkey() for name, key in KEYS.items()},
        "cases": [entry(case) for case in every],
    }
    return {**made, "index.json": json.dumps(index, indent=1, ensure_ascii=False).encode() + b"\n"}


def main() -> None:
    """Write it, and leave nothing of the one before."""
    for folder in CORPUS.glob("*/"):
        shutil.rmtree(folder)
    for name, content in files().items():
        (CORPUS / name).parent.mkdir(parents=True, exist_ok=True)
        (CORPUS / name).write_bytes(content)


if __name__ == "__main__":
    main()
