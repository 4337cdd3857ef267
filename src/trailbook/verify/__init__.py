"""Verification: bytes in, findings out. Rows, tiles, signed heads and identities, each checked by what binds it.

Owns what counts as a fault and where it is. Pure: it reads no store, file or clock, and it never stops at the
first fault nor answers with a bare boolean. `deployment/verification.py` feeds it a stored log.
"""

from trailbook.verify.directory import DirectoryRead, declarations, judge, learn
from trailbook.verify.findings import Finding, Report, Verdict, span
from trailbook.verify.heads import Signed, open_head, overlooked, restarts
from trailbook.verify.proofs import BEGINNING, check_proof
from trailbook.verify.rows import Declared, Seen, read_rows
from trailbook.verify.tree import Tree, add_tile, ladder, root_at, settle, upper_faults

__all__ = [
    "BEGINNING",
    "Declared",
    "DirectoryRead",
    "Finding",
    "Report",
    "Seen",
    "Signed",
    "Tree",
    "Verdict",
    "add_tile",
    "check_proof",
    "declarations",
    "judge",
    "ladder",
    "learn",
    "open_head",
    "overlooked",
    "read_rows",
    "restarts",
    "root_at",
    "settle",
    "span",
    "upper_faults",
]
