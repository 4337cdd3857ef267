"""Living access: the last entry of each member, role and key that still gives something, which no removal takes.

Owns which entries these are. Refuses to ask a registry: the log alone says what was given, and what was taken away.
An expired key keeps its entry until it is revoked: a registry in which its expiry was moved would let it in again.
"""

from collections.abc import Iterator

from trailbook.model import Item
from trailbook.record import NOTHING, Body, Grant, digest_of, grant_of, standing
from trailbook.stores import Directory


class Living:
    """The entries that state access, as a log is read from its beginning."""

    def __init__(self) -> None:
        self._stating: dict[int, tuple[Grant, tuple[str, ...]]] = {}

    def learn(self, seq: int, body: Body) -> None:
        """Read the next entry."""
        grant = grant_of(seq, body)
        if grant is not None and grant.fact is not None:
            self._stating[seq] = grant, body.tokens()

    def entries(self, store: Directory, org: str) -> Iterator[tuple[int, tuple[str, ...]]]:
        """The seq of each entry behind living access, and the tokens that it cites. Raises: StoreError."""
        grants = [grant for grant, _ in self._stating.values()]
        tokens = {token for grant in grants for token in (*grant.holders, grant.fact) if token is not None}
        kept = store.identities_of(org, tokens)
        items = {i.token: Item(type=i.type, id=i.id) for i in kept if i.id is not None}
        last = {grant.seq for grant in standing(grants, items.get).values() if grant.digest != _NOTHING}
        return ((seq, self._stating[seq][1]) for seq in sorted(last))


_NOTHING = digest_of(NOTHING)
