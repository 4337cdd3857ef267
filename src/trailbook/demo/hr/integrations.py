"""Integrations: connecting other systems, their runs, and each person sent to or received from them.

Owns the tables of integrations. The secret and each payload stay here; the log hears who went where.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
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


def connect(hr: HR, act: Act, integration: Integration) -> None:
    """Connect another system."""
    hr.session.add(integration)
    _changed(hr, act, integration, "connected")


def change(hr: HR, act: Act, integration: Integration, what: str) -> None:
    """Configure, map, enable or disable an integration, or give it a new secret."""
    if what in ("enabled", "disabled"):
        integration.enabled = what == "enabled"
    _changed(hr, act, integration, what)


def start_run(hr: HR, at: datetime, integration: Integration) -> tuple[SyncRun, Act]:
    """Begin a run; the act is the integration's own, and every entry of the run is caused by its start."""
    run = SyncRun(
        id=hr.key("run"), integration_id=integration.id, started_at=at, finished_at=at, ok=True, people=0
    )
    act = Act(at=at, actor=integration_actor(integration), origin=JOB, correlation=run.id)
    parent = hr.tell(act, "integration.sync_started", integration.item)
    return run, act.but(caused_by=parent)


def exchange(hr: HR, act: Act, run: SyncRun, integration: Integration, person: Person, **how: Any) -> UUID:
    """Send one person to an integration, or receive one; `how` has `direction` and the `payload`."""
    direction: str = how["direction"]
    run.people += 1
    hr.write(
        Delivery,
        run_id=run.id,
        integration_id=integration.id,
        person_id=person.id,
        direction=direction,
        payload=how["payload"],
        at=act.at,
    )
    return hr.tell(act, f"integration.user_{direction}", integration.item, parts={"synced": person.item})


def finish_run(hr: HR, act: Act, run: SyncRun, integration: Integration) -> None:
    """End a run, well or not."""
    run.finished_at = act.at
    hr.session.add(run)
    if run.ok:
        hr.tell(act, "integration.sync_completed", integration.item)
    else:
        hr.tell(act, "integration.sync_failed", integration.item, outcome="failure")


def sent(person: Person, columns: Sequence[str]) -> str:
    """What is sent about a person."""
    return "; ".join(f"{column}={getattr(person, column)}" for column in columns)


def _changed(hr: HR, act: Act, integration: Integration, what: str) -> None:
    hr.write(IntegrationChange, integration_id=integration.id, what=what, **act.done)
    hr.tell(act, f"integration.{what}", integration.item, fields=_TOLD_FIELDS.get(what, ()))
