"""Organisations: begun, listed, suspended and resumed, by whoever operates the deployment.

Owns what suspended means: nobody is let in, nothing is recorded, and everything stays as it is. Refuses to delete
one.
"""

from msgspec import Struct, structs

from trailbook.access import Change, operator
from trailbook.administration.access import AccessEntry, By, log_item, record_access
from trailbook.deployment import Deployment
from trailbook.errors import AccessMovedError, HeadMovedError, NotFoundError
from trailbook.model import instant, microseconds, written
from trailbook.record import NOTHING


class ListedOrganisation(Struct, frozen=True, kw_only=True):
    """An organisation and since when it is suspended, if it is."""

    org: str
    suspended_at: str | None


def list_organisations(deployment: Deployment) -> list[ListedOrganisation]:
    """Every organisation, by name."""
    return [_listed(deployment, org) for org in deployment.orgs()]


def add_organisation(deployment: Deployment, org: str) -> bool:
    """Begin the log of an organisation, with that as its first entry; False when it has one. Raises: InvalidError."""
    new = org not in deployment.orgs()
    deployment.create(org)
    if new:
        record_access(
            By(deployment, operator(org)),
            [AccessEntry(action="activity_log.begun", target=log_item(org), manifest=NOTHING)],
        )
    return new


def suspend_organisation(deployment: Deployment, org: str) -> bool:
    """Let nobody in and record nothing until it is resumed; False when it was suspended. Raises: NotFoundError."""
    if _organisation(deployment, org).suspended_at is not None:
        return False
    record_access(
        By(deployment, operator(org)), [AccessEntry(action="activity_log.suspended", target=log_item(org))]
    )
    _set_suspended(deployment, org, microseconds(deployment.clock()))
    return True


def resume_organisation(deployment: Deployment, org: str) -> bool:
    """Let people in and record again; False when it was not suspended. Raises: NotFoundError."""
    if _organisation(deployment, org).suspended_at is None:
        return False
    _set_suspended(deployment, org, None)
    record_access(
        By(deployment, operator(org)), [AccessEntry(action="activity_log.resumed", target=log_item(org))]
    )
    return True


def _organisation(deployment: Deployment, org: str) -> ListedOrganisation:
    if org not in deployment.orgs():
        raise NotFoundError(f"there is no organisation {org!r}")
    return _listed(deployment, org)


def _listed(deployment: Deployment, org: str) -> ListedOrganisation:
    at = deployment.access.organisation(org).suspended_at
    return ListedOrganisation(org=org, suspended_at=None if at is None else written(instant(at)))


def _set_suspended(deployment: Deployment, org: str, at: int | None) -> None:
    with deployment.changing_access:
        old = deployment.access.organisation(org)
        new = structs.replace(old, suspended_at=at)
        try:
            deployment.access.change_access(old, Change(organisation=new))
        except HeadMovedError:
            raise AccessMovedError("somebody else changed access at the same time: try again") from None
