"""Working hours: what an organisation calls its working day, night and weekend, and who may say so.

Owns that a change is judged and is an entry. Refuses public holidays, which nobody tells it, and hours of one person.
"""

import msgspec
from msgspec import structs

from trailbook.access import Change, refuse_faults
from trailbook.administration.access import (
    AccessEntry,
    AccessState,
    By,
    PlannedChange,
    change_access,
    log_item,
)
from trailbook.query import WorkingHours, working_hours_faults


def set_working_hours(by: By, hours: WorkingHours) -> WorkingHours:
    """The working hours from now on; what was saved, ordered or begun before keeps the rule that it has.

    Raises: NotPermittedError, InvalidError, AccessMovedError.
    """

    def plan(state: AccessState) -> PlannedChange:
        refuse_faults(working_hours_faults(hours))
        kept = msgspec.json.encode(hours).decode()
        entry = AccessEntry(
            action="activity_log.settings_changed", target=log_item(by.org), fields=("working_hours",)
        )
        entries = [] if kept == state.organisation.working_hours else [entry]
        return PlannedChange(
            Change(organisation=structs.replace(state.organisation, working_hours=kept)), entries
        )

    change_access(by, plan)
    return by.deployment.working_hours(by.org)
