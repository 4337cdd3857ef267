from .checkpoint import (
    COSIGNATURE as COSIGNATURE,
)
from .checkpoint import (
    ED25519 as ED25519,
)
from .checkpoint import (
    Checkpoint as Checkpoint,
)
from .checkpoint import (
    Note as Note,
)
from .checkpoint import (
    Opened as Opened,
)
from .checkpoint import (
    Policy as Policy,
)
from .checkpoint import (
    Proof as Proof,
)
from .checkpoint import (
    SignedCheckpoint as SignedCheckpoint,
)
from .checkpoint import (
    SignerKey as SignerKey,
)
from .checkpoint import (
    VerifierKey as VerifierKey,
)
from .checkpoint import (
    format_note as format_note,
)
from .checkpoint import (
    format_proof as format_proof,
)
from .checkpoint import (
    format_vkey as format_vkey,
)
from .checkpoint import (
    key_id as key_id,
)
from .checkpoint import (
    open_checkpoint as open_checkpoint,
)
from .checkpoint import (
    parse_checkpoint as parse_checkpoint,
)
from .checkpoint import (
    parse_note as parse_note,
)
from .checkpoint import (
    parse_proof as parse_proof,
)
from .checkpoint import (
    parse_vkey as parse_vkey,
)
from .checkpoint import (
    read_checkpoint as read_checkpoint,
)
from .checkpoint import (
    sign as sign,
)
from .checkpoint import (
    sign_checkpoint as sign_checkpoint,
)
from .checkpoint import (
    verifier_of as verifier_of,
)
from .merkle import (
    EMPTY as EMPTY,
)
from .merkle import (
    HASH as HASH,
)
from .merkle import (
    TILE as TILE,
)
from .merkle import (
    Frontier as Frontier,
)
from .merkle import (
    NodePlan as NodePlan,
)
from .merkle import (
    compact_range as compact_range,
)
from .merkle import (
    extend_frontier as extend_frontier,
)
from .merkle import (
    frontier_root as frontier_root,
)
from .merkle import (
    inclusion_plan as inclusion_plan,
)
from .merkle import (
    leaf_hash as leaf_hash,
)
from .merkle import (
    lengthen_range as lengthen_range,
)
from .merkle import (
    parse_tile_path as parse_tile_path,
)
from .merkle import (
    proof_hashes as proof_hashes,
)
from .merkle import (
    restore_frontier as restore_frontier,
)
from .merkle import (
    root_of as root_of,
)
from .merkle import (
    root_plan as root_plan,
)
from .merkle import (
    subtree_root as subtree_root,
)
from .merkle import (
    tile_path as tile_path,
)
from .merkle import (
    verify_inclusion as verify_inclusion,
)
from .timestamp import (
    Stamped as Stamped,
)
from .timestamp import (
    check_stamp as check_stamp,
)
