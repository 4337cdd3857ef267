"""The rotations of a log's keys, found by its index, for whoever publishes which key signs which sizes.

Owns the question. Refuses to sign by the answer: the signer reads the bodies.
"""

from trailbook.access import operator
from trailbook.log.log import Log
from trailbook.proofs import rotations_in
from trailbook.query import Query, Term
from trailbook.tree import Rotation

_ROTATED = Query(terms=(Term("action", ("activity_log.key_rotated",)),))


def rotations_of(log: Log) -> list[Rotation]:
    """Every rotation that the log's entries state, oldest first. Raises: StoreError."""
    viewer = operator(log.org)  # which key signs what is no secret of an entry
    holdings = log.holdings(viewer=viewer)
    return rotations_in(holdings.kept(log.seqs(_ROTATED, viewer=viewer)), holdings.identities)
