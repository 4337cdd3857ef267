from ..log import (
    Keys as Keys,
)
from ..stores import (
    LIVE as LIVE,
)
from ..stores import (
    Choice as Choice,
)
from ..stores import (
    Job as Job,
)
from ..stores import (
    JobLimits as JobLimits,
)
from ..stores import (
    Jobs as Jobs,
)
from ..stores import (
    SavedView as SavedView,
)
from ..stores import (
    Views as Views,
)
from ..stores import (
    is_log_file as is_log_file,
)
from ..stores import (
    schema_of as schema_of,
)
from ..stores import (
    sqlite_path as sqlite_path,
)
from .background import Loop as Loop
from .background import Pauses as Pauses
from .deployment import (
    DEFAULT_ALARMS as DEFAULT_ALARMS,
)
from .deployment import (
    Deployment as Deployment,
)
from .deployment import (
    NumberedFilter as NumberedFilter,
)
from .health import LOOPS as LOOPS
from .health import (
    PARTS as PARTS,
)
from .health import (
    Alarms as Alarms,
)
from .health import (
    refused_ailment as refused_ailment,
)
from .opening import (
    open_deployment as open_deployment,
)
from .restart import (
    Restarted as Restarted,
)
from .secrets import (
    signing_folder as signing_folder,
)
from .settings import (
    FILE as FILE,
)
from .settings import (
    PREFIX as PREFIX,
)
from .settings import (
    Settings as Settings,
)
from .settings import (
    Signs as Signs,
)
from .settings import (
    effective as effective,
)
from .settings import (
    read_settings as read_settings,
)
