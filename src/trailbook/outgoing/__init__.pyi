from .address import (
    Address as Address,
    PrivatePlace as PrivatePlace,
    parse_address as parse_address,
    parse_place as parse_place,
    require_reachable as require_reachable,
)
from .call import (
    Call as Call,
    CallLimits as CallLimits,
    Reply as Reply,
    post as post,
)
