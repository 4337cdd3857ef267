"""Access as a registry has it, for `verify` to hold against the log.

Owns which rows count: the roles, members and keys of one organisation that give something, and what it withholds; and
that they are read twice. Refuses to believe one reading: an entry is written before what it tells is done.
"""

from collections.abc import Callable

from msgspec import Struct

from trailbook.access import GrantRow, access_manifest, holder_of
from trailbook.record import NOTHING
from trailbook.stores import Access, ApiKeys
from trailbook.verify import DirectoryRead, Finding, Given, Seen, access_faults, manifest_faults, older_count


class GrantRows(Struct, frozen=True):
    """The parts of a registry that say who may do what."""

    access: Access
    keys: ApiKeys

    def given(self, org: str) -> Given:
        """The manifest of every row that gives something. Raises: StoreError."""
        access = self.access
        rows: list[GrantRow] = [*access.roles(org), *access.members(org), *self.keys.every(org)]
        rows.append(access.organisation(org))
        manifests = {holder_of(row): access_manifest(row) for row in rows}
        return {holder: manifest for holder, manifest in manifests.items() if manifest != NOTHING}


class BoundAccess(Struct, frozen=True):
    """What a registry says against its log: findings, notes that are none, and how many rows were compared."""

    findings: list[Finding]
    notes: list[str]
    checked: dict[str, int]


def bound_access(
    before: Given | None,
    after: Given | None,
    *,
    seen: Seen,
    directory: DirectoryRead,
    manifest: Callable[[str], bytes | None],
) -> BoundAccess:
    """Hold a registry, as it was before and after all else was read, against the entries of access.

    At fault is what is so in both; None stands for a registry that is not at hand or cannot be read.
    """
    findings = list(manifest_faults(seen, directory, manifest))
    if before is None or after is None:
        return BoundAccess(findings, [], {})
    still = set(access_faults(after, seen, directory, manifest))
    findings += [f for f in access_faults(before, seen, directory, manifest) if f in still]
    count = older_count(after, seen, directory)
    note = f"access older than the entries that state it is not provable: {count} of {len(after)}"
    return BoundAccess(findings, [note] if count else [], {"access": len(after)})
