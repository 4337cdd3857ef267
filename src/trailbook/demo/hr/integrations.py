"""Integrations: connecting other systems, their runs, and each person sent to or received from them.

Owns the tables of integrations. The secret and each payload stay here; the log hears who went where.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from trailbook.demo.acting import HR, JOB, Act, integration_actor
from trailbook.demo.tables import Delivery, Integration, IntegrationChange, Person, SyncRun

_TOLD_FIELDS = {
    "configured": ("settings",),
    "mapping_changed": ("attribute_mapping",),
    "credential_rotated": ("credential",),
    "enabled": ("status",),
    "disabled": ("status",),
}


def connect(act: Act, integration: Integration) -> None:
    """Connect another system."""
    act.hr.add(integration)
    _changed(act, integration, "connected")


def change(act: Act, integration: Integration, what: str) -> None:
    """Configure, map, enable or disable an integration, or give it a new secret."""
    if what in ("enabled", "disabled"):
        integration.enabled = what == "enabled"
    _changed(act, integration, what)


def start_run(hr: HR, integration: Integration, at: datetime) -> tuple[SyncRun, Act]:
    """Begin a run; the act is the integration's own.

    The entry at the run's end is the parent of all others: it says how many people there were, which is counted
    when it is read. Its id is reserved here, as the act's cause.
    """
    run = SyncRun(
        id=hr.key("run"), integration_id=integration.id, started_at=at, finished_at=at, ok=True, people=0
    )
    act = Act(hr=hr, at=at, actor=integration_actor(integration), origin=JOB, correlation=run.id)
    act.tell("integration.sync_started", integration.item)
    return run, act.but(caused_by=hr.reserve(at))


def exchange(act: Act, run: SyncRun, person: Person, *, direction: str, payload: str) -> UUID:
    """Send one person to an integration (`direction` is sent), or receive one (received)."""
    integration = act.hr.get(Integration, run.integration_id)
    run.people += 1
    act.hr.write(
        Delivery,
        run_id=run.id,
        integration_id=integration.id,
        person_id=person.id,
        direction=direction,
        payload=payload,
        at=act.at,
    )
    return act.tell(f"integration.user_{direction}", integration.item, parts={"synced": person.item})


def finish_run(act: Act, run: SyncRun) -> None:
    """End a run, well or not; `act` is the one that it began with, at another time."""
    integration = act.hr.get(Integration, run.integration_id)
    run.finished_at = act.at
    act.hr.add(run)
    last = act.but(caused_by=None)
    if run.ok:
        last.tell("integration.sync_completed", integration.item, id=act.caused_by)
    else:
        last.tell("integration.sync_failed", integration.item, outcome="failure", id=act.caused_by)


def sent(person: Person, columns: Sequence[str]) -> str:
    """What is sent about a person."""
    return "; ".join(f"{column}={getattr(person, column)}" for column in columns)


def _changed(act: Act, integration: Integration, what: str) -> None:
    act.write(IntegrationChange, integration_id=integration.id, what=what)
    act.tell(f"integration.{what}", integration.item, fields=_TOLD_FIELDS.get(what, ()))
