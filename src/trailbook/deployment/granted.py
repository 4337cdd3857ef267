"""Access as a registry has it, for `verify` to hold against the log.

Owns which rows count: the roles, members and keys of one organisation that give something, and what it withholds.
"""

from msgspec import Struct

from trailbook.access import GrantRow, access_manifest, holder_of
from trailbook.record import NOTHING
from trailbook.stores import Access, ApiKeys
from trailbook.verify import Given


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
