"""What a change means, said by the host in the transaction of the change.

Owns `record` and `record_change` for Django. Refuses to write outside a transaction, where nothing would hold the
change and its entry together.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model

from trailbook.capture.django.host import the_host
from trailbook.capture.django.statements import Statements, statements_of
from trailbook.capture.entries import items_of
from trailbook.capture.recorder import Concerns, Meant
from trailbook.errors import UncapturedWriteError
from trailbook.model import Item, Outcome


def record(
    action: str,
    *,
    target: Item,
    concerns: Concerns | None = None,
    fields: Sequence[str] = (),
    outcome: Outcome = "success",
    effective_at: date | None = None,
    caused_by: UUID | None = None,
    id: UUID | None = None,
    covers: Sequence[Item] = (),
    using: str = DEFAULT_DB_ALIAS,
) -> UUID:
    """Say what a change means, in the running transaction; the capture of the same rows folds into it.

    `covers` are further items whose captured rows mean the same; `using` is the alias of the database. Returns the
    entry's id. Raises: ActionUnknownError, UncapturedWriteError, OutboxFullError.
    """
    meant = Meant(
        action=action,
        target=target,
        concerns=concerns,
        fields=fields,
        outcome=outcome,
        effective_at=effective_at,
        caused_by=caused_by,
        id=id,
        covers=covers,
    )
    statements = _statements(using)
    statements.lock()  # who acts, and how many entries wait, is read
    id_, entry = statements.host.recorder.meant_entry(meant)
    statements.write([entry])
    return id_


def record_change(
    instance: Model, action: str, *, target: Item | None = None, concerns: Concerns | None = None, **more: Any
) -> UUID:
    """Say what the change of an object means; what is not given comes from its registration.

    With another `target` the object's own row folds into the entry all the same. Further members are those of
    `record`. Raises: as `record`; ConfigurationError for a model not registered.
    """
    own = items_of(the_host().of(instance.__class__).tracked, instance)
    if concerns is None and target is None:
        concerns = own.by_part()
    using = more.pop("using", None) or instance._state.db or DEFAULT_DB_ALIAS
    return record(
        action, target=target or own.target, concerns=concerns, covers=[own.target], using=using, **more
    )


def _statements(using: str) -> Statements:
    connection = connections[using]
    connection.ensure_connection()
    statements = statements_of(connection)
    if statements is None:
        raise UncapturedWriteError(f"the connection {using} was made before the app trailbook.capture.django")
    if not statements.is_transacted():
        raise UncapturedWriteError(
            "record: say what a change means in the transaction of the change: atomic()"
        )
    return statements
