"""Every pair of sizes up to 300: the proofs are those of the recursion in RFC 9162, and verify.

`make test` asks the same of some sizes, in tests/tree/test_merkle.py.
"""

import pytest
from tests.tree.test_merkle import LAST, check_consistency, check_inclusion

pytestmark = pytest.mark.torture


def test_all_inclusion_proofs_up_to_300() -> None:
    for size in range(LAST + 1):
        check_inclusion(size)


def test_all_consistency_proofs_up_to_300() -> None:
    for new in range(LAST + 1):
        check_consistency(new)
