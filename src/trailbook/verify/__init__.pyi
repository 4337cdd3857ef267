from .directory import (
    DirectoryRead as DirectoryRead,
)
from .directory import (
    declarations as declarations,
)
from .directory import (
    judge as judge,
)
from .directory import (
    learn as learn,
)
from .findings import (
    Finding as Finding,
)
from .findings import (
    Report as Report,
)
from .findings import (
    Verdict as Verdict,
)
from .findings import (
    span as span,
)
from .heads import (
    KeysOf as KeysOf,
)
from .heads import (
    Signed as Signed,
)
from .heads import (
    open_head as open_head,
)
from .heads import (
    overlooked as overlooked,
)
from .heads import (
    restarts as restarts,
)
from .proofs import (
    BEGINNING as BEGINNING,
)
from .proofs import (
    check_proof as check_proof,
)
from .rows import (
    Declared as Declared,
)
from .rows import (
    Seen as Seen,
)
from .rows import (
    read_rows as read_rows,
)
from .tree import (
    KeptTile as KeptTile,
)
from .tree import (
    Tree as Tree,
)
from .tree import (
    TreeHead as TreeHead,
)
from .tree import (
    add_tile as add_tile,
)
from .tree import (
    ladder as ladder,
)
from .tree import (
    root_at as root_at,
)
from .tree import (
    settle as settle,
)
from .tree import (
    upper_faults as upper_faults,
)
