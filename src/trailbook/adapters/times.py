"""Times in the cells of a file: read in the one form that they have, or not at all.

Owns the forms: ISO 8601 with dashes, with `T` or a space before the time of day; milliseconds or seconds since 1970; or
the format that a mapping names, as strptime has it. Refuses to guess: other forms of ISO 8601, a day without a time of
day, years that no log is of, and what the clocks of a zone showed twice or never.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

from trailbook.errors import ConfigurationError
from trailbook.model import instant

ReadTime = Callable[[str], datetime]

_EPOCHS = {"epoch-s": 6, "epoch-ms": 3}  # digits that a fraction may have
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,6})?)?(Z|[+-]\d\d(:?\d\d)?)?", re.ASCII)
_OTHERS = {
    "epoch-s": re.compile(r"\d{9,10}"),
    "epoch-ms": re.compile(r"\d{12,13}"),
    "%Y-%m-%d": re.compile(r"\d{4}-\d\d-\d\d"),
}
_NUMBER = re.compile(r"(\d{1,15})(?:\.(\d{1,6}))?", re.ASCII)
_YEARS = range(1800, 2200)
_EPOCH_YEARS = range(1980, 2200)  # seconds read as milliseconds lie in 1970
_IMPLAUSIBLE = "is in a year that no log is of: does the mapping name the right time_format?"
_SAMPLE = datetime(2001, 12, 23, 4, 5, 6, tzinfo=UTC)


def time_reader(form: str | None, zone: tzinfo | None) -> ReadTime:
    """What reads a cell as an instant; it raises ValueError in plain words.

    `form` is `epoch-s`, `epoch-ms`, a format of strptime, or None for ISO 8601; `zone` that of times without an offset.
    Raises: ConfigurationError for a format that does not say a day.
    """
    digits = _EPOCHS.get(form or "")
    if digits is not None:
        return lambda text: _since_1970(text, digits)
    if form is not None:
        _check(form)
    return lambda text: _placed(_read(text, form), zone)


def _check(form: str) -> None:
    try:
        day = datetime.strptime(_SAMPLE.strftime(form), form).date()  # noqa: DTZ007  # only its day is looked at
    except ValueError as error:
        raise ConfigurationError(f"the mapping: time_format {form!r}: {error}") from None
    if day != _SAMPLE.date():
        raise ConfigurationError(f"the mapping: time_format {form!r} does not say year, month and day")


def _read(text: str, form: str | None) -> datetime:
    try:
        if form is not None:
            at = datetime.strptime(text, form)  # noqa: DTZ007  # its zone is the mapping's
        elif _ISO.fullmatch(text):
            at = datetime.fromisoformat(text)
        else:
            raise ValueError
    except ValueError:
        how = f"such as 2026-11-02T09:15:00{_hint(text)}" if form is None else f"in the format {form}"
        raise ValueError(f"is not a time {how}") from None
    return _plausible(at, _YEARS)


def _hint(text: str) -> str:
    """Which time_format would read a text, where that can be told."""
    forms = [form for form, pattern in _OTHERS.items() if pattern.fullmatch(text)]
    return f"; the mapping's time_format {forms[0]!r} would take it" if forms else ""


def _placed(at: datetime, zone: tzinfo | None) -> datetime:
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    if zone is None:
        raise ValueError("has no offset, and the mapping names no zone")
    if zone is UTC:  # most files, and it has no clocks that change
        return at.replace(tzinfo=UTC)
    placed = at.replace(tzinfo=zone)
    if placed.utcoffset() != placed.replace(fold=1).utcoffset():
        raise ValueError(f"is there twice, or not at all, in {zone}: the clocks changed")
    return placed.astimezone(UTC)


def _since_1970(text: str, digits: int) -> datetime:
    number = _NUMBER.fullmatch(text)
    if number is None or len(number[2] or "") > digits:
        raise ValueError("is not such a number since 1970 as the mapping's time_format says")
    try:
        at = instant(int(number[1] + (number[2] or "").ljust(digits, "0")))
    except OverflowError:
        raise ValueError(_IMPLAUSIBLE) from None
    return _plausible(at, _EPOCH_YEARS)


def _plausible(at: datetime, years: range) -> datetime:
    if at.year not in years:
        raise ValueError(_IMPLAUSIBLE)
    return at
