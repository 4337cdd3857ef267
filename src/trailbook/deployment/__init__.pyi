from ..log import (
    Keys as Keys,
)
from ..stores import (
    LIVE as LIVE,
    Choice as Choice,
    Job as Job,
    JobLimits as JobLimits,
    Jobs as Jobs,
    SavedView as SavedView,
    Views as Views,
    is_log_file as is_log_file,
    schema_of as schema_of,
    store_file as store_file,
)
from .background import Loop as Loop, Pauses as Pauses
from .deployment import (
    DEFAULT_ALARMS as DEFAULT_ALARMS,
    Deployment as Deployment,
    NumberedFilter as NumberedFilter,
)
from .health import (
    HEALTH_PARTS as HEALTH_PARTS,
    LOOPS as LOOPS,
    Alarms as Alarms,
    refused_ailment as refused_ailment,
)
from .index_findings import (
    is_of_index as is_of_index,
)
from .locations import (
    Locations as Locations,
    locations_of as locations_of,
)
from .opening import (
    open_configured as open_configured,
    open_deployment as open_deployment,
)
from .restart import (
    Restarted as Restarted,
)
from .settings import (
    FILE as FILE,
    PREFIX as PREFIX,
    Settings as Settings,
    Signs as Signs,
    effective as effective,
    read_settings as read_settings,
)
from .verifying import (
    Underway as Underway,
    Verifications as Verifications,
)
