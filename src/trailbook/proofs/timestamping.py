"""Stamping: which checkpoints an authority is asked to timestamp, when, and where its tokens are kept.

Owns the last checkpoint of each log that waits for a token, and what went wrong last. Refuses to hold signing up: it
works beside it, and an authority that fails is asked again about the next checkpoint. It asks once for each size,
since the earliest time says most.
"""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from msgspec import Struct

from trailbook import tree
from trailbook.clock import Clock
from trailbook.errors import AnchorError, ConfigurationError, ProofInvalidError
from trailbook.outgoing import PrivatePlace
from trailbook.proofs.tiles import kind_of
from trailbook.stores import Blob, Blobs

TOKEN = "timestamp"
NOTE = "timestamped"  # as it was stamped: the checkpoint of the same size is signed again every idle hour


class Kinds(Struct, frozen=True):
    """The kinds of blob under which an epoch's tokens, and the notes that they are over, are kept."""

    token: str
    note: str


class Waiting(Struct, frozen=True):
    """A checkpoint that waits for its token: where both will be kept, and the whole signed note."""

    kinds: Kinds
    key: str
    note: bytes


class Stamp(Struct, frozen=True, kw_only=True):
    """A token (DER) that is kept, and the signed note of a tree of `size` entries that it is over."""

    size: int
    note: bytes
    token: bytes


class Stamping:
    """Asks the authorities at `urls`, the first that answers, at most once in `every` for each log."""

    def __init__(
        self,
        store: Blobs,
        urls: tuple[str, ...],
        clock: Clock,
        every: timedelta,
        *,
        places: tuple[PrivatePlace, ...] = (),
    ) -> None:
        self._store = store
        self._urls = urls
        self._clock = clock
        self._every = every
        self._places = places
        _check_urls(urls)
        self._waiting: dict[str, Waiting] = {}
        self._asked: dict[str, datetime] = {}

    def offer(self, org: str, size: int, note: bytes) -> None:
        """Let a checkpoint wait for its token, in place of an earlier one of the same log."""
        if self._urls:
            self._waiting[org] = Waiting(_kinds(self._store, org), f"{size:020d}", note)

    def due(self) -> list[str]:
        """The organisations whose log waits for a token, and whose turn it is."""
        return [org for org in list(self._waiting) if self._is_due(org)]

    def ask(self, org: str) -> None:
        """Get a token for a log that waits, where it is its turn.

        Raises: AnchorError when no authority gives one (it waits on), or when another than the first did; StoreError.
        """
        if org in self._waiting and self._is_due(org):
            self._ask(org, self._waiting[org])

    def _is_due(self, org: str) -> bool:
        asked = self._asked.get(org)
        return asked is None or not timedelta(0) <= self._clock() - asked < self._every

    def last(self, org: str) -> Stamp | None:
        """The last timestamp; None before the first. Raises: ProofInvalidError where its note is none."""
        kinds = _kinds(self._store, org)
        key = max((key for kind, key in self._store.blob_names(org) if kind == kinds.token), default=None)
        if key is None:
            return None
        token, note = (self._store.blob(org, kind, key) for kind in (kinds.token, kinds.note))
        if token is None or note is None:
            return None
        return Stamp(size=tree.read_checkpoint(note).checkpoint.size, note=note, token=token)

    def _ask(self, org: str, waiting: Waiting) -> None:
        kinds, key, now = waiting.kinds, waiting.key, self._clock()
        refused = ""
        if self._store.blob(org, kinds.token, key) is None:
            try:
                token, refused = self._first(waiting.note)
            except AnchorError as error:
                raise AnchorError(f"the last checkpoint has no timestamp: {error.detail}") from error
            self._store.put_blob(org, Blob(kinds.note, key, waiting.note))
            self._store.put_blob(org, Blob(kinds.token, key, token))
            self._asked[org] = now
        if self._waiting.get(org) is waiting:
            del self._waiting[org]
        if refused:
            raise AnchorError(f"another authority stamped the last checkpoint: {refused}")

    def _first(self, note: bytes) -> tuple[bytes, str]:
        """The token of the first authority that gives one, and why those before it gave none.

        Raises: AnchorError when none does.
        """
        refused: list[str] = []
        for url in self._urls:
            try:
                return tree.request_stamp(note, url, places=self._places), "; ".join(refused)
            except (AnchorError, ProofInvalidError) as error:
                refused.append(f"{urlsplit(url).netloc}: {error.detail}")
        raise AnchorError("; ".join(refused))


def kept_stamps(store: Blobs, org: str) -> list[Stamp]:
    """Every token that a log keeps, of every epoch, oldest first; a note that is gone is empty. Raises: StoreError."""
    stamps = []
    for kind, key in store.blob_names(org):
        name, _, epoch = kind.partition("/")
        if name == TOKEN:
            note = store.blob(org, f"{NOTE}/{epoch}" if epoch else NOTE, key)
            token = store.blob(org, kind, key)
            stamps.append(Stamp(size=int(key), note=note or b"", token=token or b""))
    return stamps


def _kinds(store: Blobs, org: str) -> Kinds:
    return Kinds(kind_of(store, org, TOKEN), kind_of(store, org, NOTE))


def _check_urls(urls: tuple[str, ...]) -> None:
    """Refuse authorities that cannot be asked, and any where the extra is missing. Raises: ConfigurationError."""
    try:
        for url in urls:
            tree.check_authority(url)
    except ModuleNotFoundError:
        raise ConfigurationError(
            "timestamp_urls: needs the extra: pip install 'trailbook[timestamp]'"
        ) from None
