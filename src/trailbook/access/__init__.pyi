from ..stores import (
    ApiKey as ApiKey,
)
from ..stores import (
    Change as Change,
)
from ..stores import (
    Member as Member,
)
from ..stores import (
    Organisation as Organisation,
)
from ..stores import (
    Role as Role,
)
from .api_keys import (
    KEY_LIFE as KEY_LIFE,
)
from .api_keys import (
    OVERLAP as OVERLAP,
)
from .api_keys import (
    SCOPES as SCOPES,
)
from .api_keys import (
    Credential as Credential,
)
from .api_keys import (
    NewKey as NewKey,
)
from .api_keys import (
    Scope as Scope,
)
from .api_keys import (
    key_faults as key_faults,
)
from .api_keys import (
    key_parts as key_parts,
)
from .api_keys import (
    restricted_faults as restricted_faults,
)
from .api_keys import (
    unrecordable as unrecordable,
)
from .credentials import (
    IDLE as IDLE,
)
from .credentials import (
    Credentials as Credentials,
)
from .credentials import (
    Lifetimes as Lifetimes,
)
from .credentials import (
    LinkHolder as LinkHolder,
)
from .credentials import (
    refuse_faults as refuse_faults,
)
from .gate import (
    Clearance as Clearance,
)
from .gate import (
    clearance as clearance,
)
from .gate import (
    require_everything as require_everything,
)
from .passwords import (
    SHORTEST as SHORTEST,
)
from .passwords import (
    hash_password as hash_password,
)
from .passwords import (
    password_faults as password_faults,
)
from .passwords import (
    password_matches as password_matches,
)
from .roles import (
    PERMISSIONS as PERMISSIONS,
)
from .roles import (
    PREDEFINED as PREDEFINED,
)
from .roles import (
    every_role as every_role,
)
from .roles import (
    full_of as full_of,
)
from .roles import (
    levels as levels,
)
from .roles import (
    new_role_id as new_role_id,
)
from .roles import (
    permissions_of as permissions_of,
)
from .roles import (
    role_faults as role_faults,
)
from .throttle import (
    Throttle as Throttle,
)
from .viewer import (
    Level as Level,
)
from .viewer import (
    Viewer as Viewer,
)
from .viewer import (
    operator as operator,
)
from .viewer import (
    require_access as require_access,
)
from .viewer import (
    require_exports as require_exports,
)
from .viewer import (
    require_full as require_full,
)
from .viewer import (
    require_proofs as require_proofs,
)
