"""The single-file verifier as tests call it: its keys, its answers, and where they place what is wrong.

Makes no bundle (bundles.py does), and judges none.
"""

from collections.abc import Callable
from typing import Any

import bundles

from trailbook.tree.checkpoint import format_vkey, verifier_of

FILE = bundles.PACKAGE / "trailbook_verify.py"
KEYS = [text for key in bundles.KEYS for text in ("--key", format_vkey(verifier_of(key)))]
VERDICTS = {"changed", "missing", "inserted", "moved", "unsigned", "unerased"}
Files = dict[str, bytes]
Run = Callable[..., dict[str, Any]]


def places(answer: dict[str, Any], file: str | None = None) -> set[tuple[str, int | None]]:
    """(verdict, seq) of the findings, of one file if asked."""
    return {
        (finding["verdict"], finding.get("seq"))
        for finding in answer["findings"]
        if file is None or finding["file"] == file
    }


def covers(answer: dict[str, Any], seq: int) -> bool:
    """Whether a finding names the entry, alone or in a range."""
    placed = [finding for finding in answer["findings"] if finding["seq"] is not None]
    return any(finding["seq"] <= seq <= finding["last"] for finding in placed)


def flipped(content: bytes, at: int, bit: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
