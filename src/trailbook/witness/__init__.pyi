from .app import (
    WITNESS_PATH as WITNESS_PATH,
    witness_app as witness_app,
)
from .cosigner import (
    Cosigner as Cosigner,
    WitnessAnswer as WitnessAnswer,
)
from .heads import (
    CosignedHead as CosignedHead,
    Heads as Heads,
    RefusedHead as RefusedHead,
    begin_heads as begin_heads,
)
from .keys import (
    read_witness_keys as read_witness_keys,
    write_witness_keys as write_witness_keys,
)
from .settings import (
    WitnessSettings as WitnessSettings,
    read_witness_settings as read_witness_settings,
)
