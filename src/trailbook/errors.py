"""Every exception Trailbook raises on purpose. Owns their names and stable codes; imports nothing.

HTTP statuses and exit codes are chosen at the edges, never here.

    TrailbookError
    |-- InvalidError                 the caller's input breaks a rule
    |   |-- EntryInvalidError        entry-invalid (each Fault has its own code)
    |   |-- ActionUnknownError       action-unknown
    |   |-- FilterInvalidError       filter-invalid
    |   |-- FiguresOfAPersonError    figures-of-a-person
    |   |-- TooManyBarsError         too-many-bars
    |   |-- CursorInvalidError       cursor-invalid
    |   |-- FormatUnavailableError   format-unavailable (an extra is not installed)
    |   `-- BatchRefusedError        an atomic batch with a bad entry
    |-- UncapturedWriteError         uncaptured-write (a write that the activity log would miss)
    |-- MisplacedBlockError          block-misplaced (who acts was stated in one context and left in another)
    |-- OutboxFullError              outbox-full (nobody drains it)
    |-- EntryConflictError           entry-conflict
    |-- NotPermittedError            not-permitted
    |   `-- KeyRefusedError          not-permitted (a key records where it may not)
    |-- SuspendedError               organisation-suspended
    |-- LastAdministratorError       last-administrator
    |-- PredefinedRoleError          role-predefined
    |-- AccessMovedError             access-moved (somebody else changed access at the same time)
    |-- TooManyTriesError            too-many-requests
    |-- UnauthenticatedError         unauthenticated
    |-- NotFoundError                not-found
    |   `-- EntryExpiredError        entry-expired
    |       `-- BundleExpiredError   bundle-expired
    |-- ProofInvalidError            proof-invalid
    |   `-- ForkError                proof-invalid (proved: one log, two histories)
    |-- NotCheckpointedError         not-checkpointed
    |-- ExportChangedError           export-changed (the log changed under an export)
    |-- ExportFailedError            export-failed (a process that writes one ended badly)
    |-- ExportNotReadyError          export-not-ready
    |-- ExportExpiredError           export-expired
    |-- TooManyExportsError          too-many-exports
    |-- TooManyViewsError            too-many-views
    |-- NameTakenError               name-taken
    |-- NotYoursError                not-yours
    |-- SigningRefusedError          signing-refused
    |-- AnchorError                  anchor-unavailable
    |-- CallFailedError              call-failed (somebody outside was not reached, or may not be called)
    |-- CatalogueError               catalogue
    |-- ConfigurationError           configuration
    `-- StoreError                   store-unavailable
        |-- HeadMovedError           head-moved (somebody else appended first)
        |-- SchemaNewerError         schema-newer
        |-- OverloadedError          overloaded (more waits than there is room for)
        |-- UnwritableError          store-unwritable (it can be read)
        |   `-- StorageFullError     storage-full
        `-- DamagedError             damaged
            `-- IndexDamagedError    index-damaged (the index only; entries are whole)
"""

from collections.abc import Sequence


class Fault:
    """One broken rule: `pointer` (RFC 6901) to the member, a stable `code`, and `detail` in plain words."""

    __slots__ = ("code", "detail", "pointer")

    def __init__(self, pointer: str, code: str, detail: str) -> None:
        self.pointer = pointer
        self.code = code
        self.detail = detail

    def __repr__(self) -> str:
        return f"Fault({self.pointer!r}, {self.code!r}, {self.detail!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fault) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[str, str, str]:
        return (self.pointer, self.code, self.detail)


class TrailbookError(Exception):
    """The root: everything below carries a stable `code` and a `detail` in plain words."""

    code = "internal"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidError(TrailbookError):
    """The input breaks a rule; `faults` names each member at fault."""

    code = "invalid"

    def __init__(self, detail: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(detail)
        self.faults = faults


class EntryInvalidError(InvalidError):
    """An entry breaks rules of the record; its code is that of the first fault."""

    code = "entry-invalid"

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{f.pointer or 'entry'}: {f.detail}" for f in faults), faults)
        self.code = faults[0].code


class ActionUnknownError(InvalidError):
    """The action is not declared in the catalogue; `nearest` is the declared one most like it.

    `faults` may hold what else is wrong with its entry.
    """

    code = "action-unknown"

    def __init__(self, name: str, nearest: str | None, among: Sequence[str] = ()) -> None:
        hint = f"; the nearest declared one is {nearest}" if nearest else ""
        if among:  # a wrong guess misleads more than all that the entity has
            hint = f"; there are {', '.join(among)}"
        detail = f"the action {name[:80]!r} is not declared in the catalogue{hint}"
        super().__init__(detail, (Fault("/action", self.code, detail),))
        self.name = name
        self.nearest = nearest


class FilterInvalidError(InvalidError):
    """A filter parameter is unknown, broken or contradicts another."""

    code = "filter-invalid"


class FiguresOfAPersonError(InvalidError):
    """Counts or bars would be figures of what one person does; no door makes them."""

    code = "figures-of-a-person"


class TooManyBarsError(InvalidError):
    """A histogram of this bucket would have more bars than anybody reads."""

    code = "too-many-bars"


class CursorInvalidError(InvalidError):
    """A cursor was altered, is of another viewer, filter or order, or has expired."""

    code = "cursor-invalid"


class BatchRefusedError(InvalidError):
    """An atomic batch was refused as a whole; `refused` maps line number (from 0) to its error."""

    code = "entry-invalid"

    def __init__(self, refused: dict[int, TrailbookError]) -> None:
        first = min(refused)
        super().__init__(f"{len(refused)} refused, nothing recorded; entry {first}: {refused[first].detail}")
        self.refused = refused
        if all(isinstance(error, EntryConflictError) for error in refused.values()):
            self.code = EntryConflictError.code


class UncapturedWriteError(TrailbookError):
    """A host wrote to a tracked table in a way that cannot be captured; the write does not happen."""

    code = "uncaptured-write"


class MisplacedBlockError(TrailbookError):
    """A block that says who acts, or what a statement means, was not left where it was entered."""

    code = "block-misplaced"


class OutboxFullError(TrailbookError):
    """The outbox in the host's database is full, and the category's policy is to refuse the change."""

    code = "outbox-full"


class EntryConflictError(TrailbookError):
    """An entry with this id and other content is in the log."""

    code = "entry-conflict"


class NotPermittedError(TrailbookError):
    """The viewer's role does not have the permission that `permission` names."""

    code = "not-permitted"

    def __init__(self, permission: str) -> None:
        super().__init__(
            f"You need full access to the system permission {permission}. Ask whoever administers roles."
        )
        self.permission = permission


class KeyRefusedError(NotPermittedError):
    """A key records where it may not: its organisation, or what it was given out for, is another."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.detail = (
            "This key may not record here. Whoever has full access to the system permission"
            f" {permission} gives out keys that may."
        )


class SuspendedError(TrailbookError):
    """The organisation is suspended: nobody reads its log and nothing is recorded into it."""

    code = "organisation-suspended"

    def __init__(self, org: str) -> None:
        super().__init__(
            "The organisation is suspended: nobody is let in and nothing is recorded. Ask its operator."
        )
        self.org = org


class LastAdministratorError(TrailbookError):
    """The change would leave nobody who may manage access."""

    code = "last-administrator"


class PredefinedRoleError(TrailbookError):
    """A predefined role is as it is; a role of the organisation's own can be changed."""

    code = "role-predefined"


class AccessMovedError(TrailbookError):
    """Somebody else changed access at the same time; nothing was changed, and trying again is safe."""

    code = "access-moved"


class TooManyTriesError(TrailbookError):
    """Something was tried too often; `seconds` is how long to wait."""

    code = "too-many-requests"

    def __init__(self, seconds: float) -> None:
        super().__init__("Too many tries. Wait a minute, then try again.")
        self.seconds = seconds


class UnauthenticatedError(TrailbookError):
    """Nobody is signed in, or the key is not valid."""

    code = "unauthenticated"


class NotFoundError(TrailbookError):
    """Absent, somebody else's, or outside what the viewer may see: all the same."""

    code = "not-found"


class EntryExpiredError(NotFoundError):
    """The entry's body was removed by retention; its leaf hash stays."""

    code = "entry-expired"

    def __init__(self, seq: int, leaf: bytes) -> None:
        super().__init__("the entry was removed by retention; its leaf hash stays in the tree")
        self.seq = seq
        self.leaf = leaf


class ProofInvalidError(TrailbookError):
    """A proof, note or signature is malformed or does not hold; the detail names what and where."""

    code = "proof-invalid"


class ForkError(ProofInvalidError):
    """Two trees of one log cannot be of one history: that is proved, whoever says otherwise."""


class NotCheckpointedError(TrailbookError):
    """The entry is in the log, but no signed checkpoint covers it yet."""

    code = "not-checkpointed"


class FormatUnavailableError(InvalidError):
    """A format that this installation cannot write; the detail names the extra that it needs."""

    code = "format-unavailable"


class ExportChangedError(TrailbookError):
    """Entries were removed or somebody was erased while an export was written; there is no file."""

    code = "export-changed"


class ExportFailedError(TrailbookError):
    """A process that writes part of an export ended badly, or a bundle does not verify; there is no file."""

    code = "export-failed"


class ExportNotReadyError(TrailbookError):
    """The export has no file (yet); its state says why."""

    code = "export-not-ready"


class ExportExpiredError(TrailbookError):
    """The export's file is no longer kept."""

    code = "export-expired"


class TooManyExportsError(TrailbookError):
    """More exports run or are kept than a viewer or an organisation may have."""

    code = "too-many-exports"


class TooManyViewsError(TrailbookError):
    """A viewer saves more views than anybody may have."""

    code = "too-many-views"


class NameTakenError(TrailbookError):
    """A viewer has another view of that name."""

    code = "name-taken"


class NotYoursError(TrailbookError):
    """What is shared is changed by somebody else than whose it is."""

    code = "not-yours"


class SigningRefusedError(TrailbookError):
    """The signer will not sign this head: `first` <= seq < `after` differs from what was signed before."""

    code = "signing-refused"

    def __init__(self, org: str, range_: tuple[int, int] | None, why: str) -> None:
        place = f"seq {range_[0]} to {range_[1] - 1} " if range_ else ""
        super().__init__(f"{org}: not signed: {place}{why}")
        self.org = org
        self.range = range_


class AnchorError(TrailbookError):
    """Somebody outside who was asked to vouch for a checkpoint did not answer; signing goes on without."""

    code = "anchor-unavailable"


class CallFailedError(TrailbookError):
    """Somebody outside was not reached, or may not be called; the detail names host and port, and never a path."""

    code = "call-failed"


class BundleExpiredError(EntryExpiredError):
    """An entry bundle has a hole: retention removed the body at `seq`."""

    code = "bundle-expired"


class CatalogueError(TrailbookError):
    """A catalogue file is wrong; the detail names file and key."""

    code = "catalogue"


class ConfigurationError(TrailbookError):
    """A setting is unknown, missing or unsafe; the detail names it."""

    code = "configuration"


class StoreError(TrailbookError):
    """The store could not answer; nothing was acknowledged."""

    code = "store-unavailable"


class HeadMovedError(StoreError):
    """The log grew since its head was read: read again, then append."""

    code = "head-moved"


class SchemaNewerError(StoreError):
    """The store was written by a newer Trailbook."""

    code = "schema-newer"


class OverloadedError(StoreError):
    """More waits to be recorded than there is room for; nothing of this was, and it may be sent again soon."""

    code = "overloaded"


class UnwritableError(StoreError):
    """The store cannot be written at present, and nothing was acknowledged; it can be read."""

    code = "store-unwritable"


class StorageFullError(UnwritableError):
    """The disk is full; nothing was acknowledged."""

    code = "storage-full"


class DamagedError(StoreError):
    """Stored bytes are not what was written; the detail names where."""

    code = "damaged"


class IndexDamagedError(DamagedError):
    """A part of the index is not what was sealed; the entries it was made of are not touched by that."""

    code = "index-damaged"
