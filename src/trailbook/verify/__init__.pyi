from .access import (
    Given as Given,
    access_faults as access_faults,
    manifest_faults as manifest_faults,
    older_count as older_count,
)
from .causes import (
    causes_of as causes_of,
)
from .directory import (
    DirectoryRead as DirectoryRead,
    declarations as declarations,
    judge as judge,
    learn as learn,
)
from .findings import (
    Finding as Finding,
    Report as Report,
    Verdict as Verdict,
    span as span,
)
from .heads import (
    KeysOf as KeysOf,
    Signed as Signed,
    open_head as open_head,
    overlooked as overlooked,
    restarts as restarts,
)
from .proofs import (
    BEGINNING as BEGINNING,
    check_proof as check_proof,
)
from .ranges import (
    RangeRules as RangeRules,
    in_range as in_range,
    rotations as rotations,
)
from .rows import (
    Declared as Declared,
    Seen as Seen,
    read_rows as read_rows,
)
from .tree import (
    KeptTile as KeptTile,
    Tree as Tree,
    TreeHead as TreeHead,
    add_tile as add_tile,
    ladder as ladder,
    root_at as root_at,
    settle as settle,
    upper_faults as upper_faults,
)
