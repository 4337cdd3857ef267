from ..stores import (
    ApiKey as ApiKey,
    Change as Change,
    Member as Member,
    Organisation as Organisation,
    Role as Role,
)
from .api_keys import (
    KEY_LIFE as KEY_LIFE,
    OVERLAP as OVERLAP,
    SCOPES as SCOPES,
    Credential as Credential,
    NewKey as NewKey,
    Scope as Scope,
    key_faults as key_faults,
    key_parts as key_parts,
    restricted_faults as restricted_faults,
    unrecordable as unrecordable,
)
from .credentials import (
    IDLE as IDLE,
    Credentials as Credentials,
    Lifetimes as Lifetimes,
    LinkHolder as LinkHolder,
    refuse_faults as refuse_faults,
)
from .gate import (
    Clearance as Clearance,
    clearance as clearance,
    require_everything as require_everything,
)
from .manifests import (
    GrantRow as GrantRow,
    access_blob as access_blob,
    access_fact as access_fact,
    access_manifest as access_manifest,
    holder_of as holder_of,
)
from .passwords import (
    SHORTEST as SHORTEST,
    hash_password as hash_password,
    password_faults as password_faults,
    password_matches as password_matches,
)
from .roles import (
    PERMISSIONS as PERMISSIONS,
    PREDEFINED as PREDEFINED,
    administrators as administrators,
    every_role as every_role,
    full_of as full_of,
    levels as levels,
    new_role_id as new_role_id,
    permissions_of as permissions_of,
    refuse_locking_out as refuse_locking_out,
    role_faults as role_faults,
)
from .throttle import (
    Throttle as Throttle,
)
from .tries import (
    SLOTS as SLOTS,
    Account as Account,
    Slots as Slots,
    Tries as Tries,
    Try as Try,
    counted_as as counted_as,
)
from .viewer import (
    Level as Level,
    Viewer as Viewer,
    operator as operator,
    require_access as require_access,
    require_exports as require_exports,
    require_full as require_full,
    require_proofs as require_proofs,
    require_retention as require_retention,
    require_verifying as require_verifying,
)
