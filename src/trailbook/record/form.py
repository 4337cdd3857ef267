"""The form of a body: what its bytes must be, whoever wrote them.

Owns a second reading of what `canonical` writes, of docs/reference/format-record.md alone. Refuses every other
spelling; whether the catalogue has such an action is not asked here.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from trailbook.errors import DamagedError
from trailbook.model import INTERFACES, KINDS, MAX_BODY, OUTCOMES
from trailbook.record.canonical import Body, BodyConcern, decode_body

MAX_ACTION = 64  # characters
AHEAD = timedelta(minutes=5)  # `occurred_at` after `recorded_at`, at most

_SLUG, _TOKEN, _HEX = "[a-z][a-z0-9_]{0,63}", "[A-Za-z0-9_-]{32}", "[0-9a-f]"
_UUID = f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_INSTANT = rf"{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{{6}}Z"
_CONCERN = f'{{"item":"{_TOKEN}","part":"{_SLUG}"}}'
_MEMBERS = {  # in the order of canonical JSON; those that may be absent have a question mark
    "action": rf'"{_SLUG}\.{_SLUG}"',
    "actor": rf'{{"item":"{_TOKEN}","kind":"(?:{"|".join(KINDS)})"}}',
    "category": f'"{_SLUG}"',
    "caused_by?": f'"{_UUID}"',
    "concerns?": rf"\[{_CONCERN}(?:,{_CONCERN})*\]",
    "correlation?": f'"{_HEX}{{32}}"',
    "effective_at?": f'"{_DAY}"',
    "fields?": rf'\["{_SLUG}"(?:,"{_SLUG}")*\]',
    "id": f'"{_UUID}"',
    "occurred_at": f'"{_INSTANT}"',
    "on_behalf_of?": f'"{_TOKEN}"',
    "origin": rf'{{"interface":"(?:{"|".join(INTERFACES)})"(?:,"item":"{_TOKEN}")?}}',
    "outcome": f'"(?:{"|".join(OUTCOMES)})"',
    "purpose?": f'"{_SLUG}"',
    "recorded_at": f'"{_INSTANT}"',
    "source": f'"{_TOKEN}"',
    "target": f'"{_TOKEN}"',
    "v": "1",
}


def _form() -> str:
    written = (
        f'(?:,"{name[:-1]}":{value})?' if name.endswith("?") else f',"{name}":{value}'
        for name, value in _MEMBERS.items()
    )
    return "{" + "".join(written).removeprefix(",") + "}"


_FORM = re.compile(_form().encode())
_DAYS: set[str] = set()  # days that exist, once looked at: many entries are of one
_MOST_DAYS = 10_000


def read_body(raw: bytes) -> Body:
    """Read a body in its one spelling. Raises: DamagedError saying what is not as the format asks."""
    body = decode_body(raw)
    if fault := body_fault(raw, body):
        raise DamagedError(f"a body {fault}")
    return body


def body_fault(raw: bytes, body: Body) -> str | None:
    """What of a body, already decoded from these bytes, is not as the format asks; None where all is."""
    if not _FORM.fullmatch(raw) or len(raw) > MAX_BODY or len(body.action) > MAX_ACTION:
        return "is not in canonical form"
    fields, concerns = body.fields, body.concerns
    if len(fields) > 1 and sorted(set(fields)) != list(fields):
        return "is not in canonical form"
    if len(concerns) > 1 and not _are_sorted(concerns):
        return "is not in canonical form"
    occurred, recorded = body.occurred_at, body.recorded_at
    day = recorded[:10]
    if day in _DAYS and occurred[:10] == day and occurred <= recorded and body.effective_at is None:
        return None  # as nearly all entries are, and this is asked of each
    if not (_is_day(day) and _is_day(occurred[:10]) and _is_day(body.effective_at or day)):
        return "has a day that does not exist"
    if occurred > recorded and _moment(occurred) - _moment(recorded) > AHEAD:
        return "was recorded more than 5 minutes before it occurred"
    return None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text[:-1])


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    if len(_DAYS) < _MOST_DAYS:
        _DAYS.add(text)
    return True


def _are_sorted(concerns: Sequence[BodyConcern]) -> bool:
    """Whether they stand in order, without repeats."""
    pairs = [(concern.part, concern.item) for concern in concerns]
    return all(a < b for a, b in pairwise(pairs))
