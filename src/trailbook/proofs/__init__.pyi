from ..stores import (
    Identity as Identity,
    StoredEntry as StoredEntry,
)
from .evidence import (
    Evidence as Evidence,
    Holdings as Holdings,
    Opening as Opening,
    ProvedSizes as ProvedSizes,
    entry_bundle as entry_bundle,
    entry_state as entry_state,
    evidence_of as evidence_of,
    latest_checkpoint as latest_checkpoint,
    openings as openings,
    proof_file as proof_file,
    proved_sizes as proved_sizes,
    served_tile as served_tile,
)
from .keyring import (
    Keyring as Keyring,
    keep_origin as keep_origin,
    keyring_of as keyring_of,
    new_keys as new_keys,
    open_keyring as open_keyring,
    origin_in as origin_in,
)
from .outside_file import (
    NOTHING_OUTSIDE as NOTHING_OUTSIDE,
    Outside as Outside,
    read_outside as read_outside,
    read_ranges as read_ranges,
)
from .rotations import (
    origins_of as origins_of,
    rotations_in as rotations_in,
)
from .signer import (
    Signer as Signer,
    Signing as Signing,
)
from .status import (
    SignedHead as SignedHead,
    Trust as Trust,
    trust as trust,
)
from .tiles import (
    Edge as Edge,
    epoch_of as epoch_of,
    frontier as frontier,
    origin_of as origin_of,
)
from .timestamping import (
    Stamp as Stamp,
    kept_stamps as kept_stamps,
)
from .witnesses import (
    Sighting as Sighting,
    Witness as Witness,
    check_witnesses as check_witnesses,
    parse_witness as parse_witness,
    with_cosignatures as with_cosignatures,
)
from .witnessing import (
    Witnessing as Witnessing,
)
