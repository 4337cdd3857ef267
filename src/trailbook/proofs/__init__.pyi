from ..stores import (
    Identity as Identity,
)
from ..stores import (
    StoredEntry as StoredEntry,
)
from .evidence import (
    Evidence as Evidence,
)
from .evidence import (
    Opening as Opening,
)
from .evidence import (
    ProvedSizes as ProvedSizes,
)
from .evidence import (
    entry_bundle as entry_bundle,
)
from .evidence import (
    entry_state as entry_state,
)
from .evidence import (
    evidence_of as evidence_of,
)
from .evidence import (
    latest_checkpoint as latest_checkpoint,
)
from .evidence import (
    openings as openings,
)
from .evidence import (
    proof_file as proof_file,
)
from .evidence import (
    proved_sizes as proved_sizes,
)
from .evidence import (
    served_tile as served_tile,
)
from .keyring import (
    Keyring as Keyring,
)
from .keyring import (
    keep_origin as keep_origin,
)
from .keyring import (
    keyring_of as keyring_of,
)
from .keyring import (
    new_keys as new_keys,
)
from .keyring import (
    open_keyring as open_keyring,
)
from .keyring import (
    origin_in as origin_in,
)
from .outside_file import (
    NOTHING_OUTSIDE as NOTHING_OUTSIDE,
)
from .outside_file import (
    Outside as Outside,
)
from .outside_file import (
    read_outside as read_outside,
)
from .signer import (
    Signer as Signer,
)
from .signer import (
    Signing as Signing,
)
from .status import (
    SignedHead as SignedHead,
)
from .status import (
    Trust as Trust,
)
from .status import (
    trust as trust,
)
from .tiles import (
    Edge as Edge,
)
from .tiles import (
    epoch_of as epoch_of,
)
from .tiles import (
    frontier as frontier,
)
from .tiles import (
    origin_of as origin_of,
)
from .timestamping import (
    Stamp as Stamp,
)
from .timestamping import (
    kept_stamps as kept_stamps,
)
