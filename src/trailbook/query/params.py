"""Filters to and from URL parameters and one line of text; printing and reading are inverse.

Owns the names and the canonical order of parameters. Refuses every parameter that is unknown, broken or
contradicts another, naming it: nothing is ignored, trimmed or guessed. Order, limit, cursor and count say how
to read a filter and are no part of it.
"""

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote, unquote

from msgspec import Struct

from trailbook.errors import CursorInvalidError, Fault, FilterInvalidError
from trailbook.query.checks import ORDERS, PAGING, Check, Order, Vocabulary, among
from trailbook.query.dates import moment, zone
from trailbook.query.fields import FIELDS, ONCE
from trailbook.query.filter import Query, Term, since, until

MAX_VALUES, MAX_CURSOR = 100, 512

Pairs = list[tuple[str, str]]

_PLAIN = "/:*+@,;=!$'()"  # what may stand in a line beside letters, digits and _.-~


class Paging(Struct, frozen=True, kw_only=True):
    """How to read the entries of a filter."""

    order: Order = "desc"
    limit: int = 50
    cursor: str | None = None
    count: bool = False


def from_params(pairs: Iterable[tuple[str, str]], vocabulary: Vocabulary | None = None) -> Query:
    """Read a filter from URL parameters; with `vocabulary`, names that nobody declared are refused too.

    Raises: FilterInvalidError with one Fault for each parameter at fault.
    """
    params = _grouped(pairs)
    faults = {name: _fault(name, values, vocabulary) for name, values in params.items()}
    if "date" in params and ("from" in params or "to" in params):
        faults["date"] = Fault("/date", "parameter-invalid", "is given together with from or to")
    _refuse([_too_many(params), *faults.values()])
    query = Query(
        date=_only(params, "date"),
        from_=_only(params, "from"),
        to=_only(params, "to"),
        tz=_only(params, "tz") or "UTC",
        hours=_only(params, "hours"),
        terms=_terms(params),
        text=tuple((_only(params, "text") or "").split()),
        self_={"true": True, "false": False, None: None}[_only(params, "self")],
        as_of=int(params["as_of"][0]) if "as_of" in params else None,
    )
    _refuse([_reversed(query)])
    return query


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    params: dict[str, list[str]] = {}
    for name, value in pairs:
        params.setdefault(name, []).append(value)
    return params


def _only(params: dict[str, list[str]], name: str) -> str | None:
    return params[name][0] if name in params else None


def _terms(params: dict[str, list[str]]) -> tuple[Term, ...]:
    terms = [
        Term(name.removesuffix(".not"), tuple(sorted(set(values))), name.endswith(".not"))
        for name, values in params.items()
        if name.removesuffix(".not") in FIELDS
    ]
    return tuple(sorted(terms, key=lambda term: (term.field, term.negated)))


def _too_many(params: dict[str, list[str]]) -> Fault | None:
    if sum(map(len, params.values())) <= MAX_VALUES:
        return None
    return Fault("", "parameter-invalid", f"has more than {MAX_VALUES} values")


def _reversed(query: Query) -> Fault | None:
    """A range that ends before it begins; an empty one, like a day that a zone left out, is a range."""
    if query.from_ is None or query.to is None:
        return None
    start, end = moment(query.from_), moment(query.to)
    if isinstance(start, datetime) or isinstance(end, datetime):
        zone_ = zone(query.tz)
        wrong = since(query.from_, zone_) > until(query.to, zone_)
    else:
        wrong = start > end
    return Fault("/to", "parameter-invalid", "is before from") if wrong else None


def to_params(query: Query) -> Pairs:
    """The URL parameters of a filter in their one order; `from_params` reads them back."""
    once = {
        "date": query.date,
        "from": query.from_,
        "to": query.to,
        "tz": None if query.tz == "UTC" else query.tz,
        "hours": query.hours,
        "text": " ".join(query.text) or None,
        "self": None if query.self_ is None else str(query.self_).lower(),
        "as_of": None if query.as_of is None else str(query.as_of),
    }
    terms = [(t.field + ".not" * t.negated, value) for t in query.terms for value in t.values]
    return [*terms, *((name, value) for name, value in once.items() if value is not None)]


def split_params(pairs: Iterable[tuple[str, str]]) -> tuple[Pairs, Paging]:
    """Part the parameters of a reading into those of the filter and order, limit, cursor, count.

    Raises: FilterInvalidError for a broken one of these; CursorInvalidError for a cursor that is too long.
    """
    every = list(pairs)
    paging = _grouped((name, value) for name, value in every if name in PAGING)
    _refuse(_fault_once(name, values, PAGING[name]) for name, values in paging.items())
    cursor = _only(paging, "cursor")
    if cursor is not None and len(cursor) > MAX_CURSOR:
        raise CursorInvalidError(f"the cursor is longer than {MAX_CURSOR} characters")
    order: Order = next((order for order in ORDERS if order == _only(paging, "order")), Paging().order)
    limit = int(_only(paging, "limit") or Paging().limit)
    return [(name, value) for name, value in every if name not in PAGING], Paging(
        order=order, limit=limit, cursor=cursor, count=_only(paging, "count") == "true"
    )


def printed(query: Query) -> str:
    """The filter in one line, `category:roles -outcome:denied date:last-week`; `from_line` reads it back."""
    return " ".join(
        f"{'-' * name.endswith('.not')}{name.removesuffix('.not')}:{quote(value, safe=_PLAIN)}"
        for name, value in to_params(query)
    )


def from_line(line: str, vocabulary: Vocabulary | None = None) -> Query:
    """Read a filter from one line. Raises: FilterInvalidError as `from_params`."""
    return from_params(line_params(line), vocabulary)


def line_params(line: str) -> Pairs:
    """The parameters of a filter in one line; `%20` is a space inside a value, words without a colon are text.

    Raises: FilterInvalidError for a value that is not UTF-8.
    """
    pairs: Pairs = []
    free: list[str] = []
    for piece in line.split():
        name, colon, value = piece.partition(":")
        if not colon:
            free.append(piece)
        else:
            pairs.append((name[1:] + ".not" if name.startswith("-") else name, _unquoted(name, value)))
    if free:
        pairs.append(("text", " ".join(free)))
    return pairs


def _unquoted(name: str, value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        _refuse([Fault(_pointer(name), "parameter-invalid", "is not UTF-8 in percent-encoding")])
        raise


def _fault(name: str, values: list[str], vocabulary: Vocabulary | None) -> Fault | None:
    """What is wrong with one filter parameter and all its values, or None."""
    if name in ONCE:
        return _fault_once(name, values, ONCE[name].check)
    field = FIELDS.get(name.removesuffix(".not"))
    if field is None:
        return Fault(_pointer(name), "parameter-unknown", among(name, [*FIELDS, *ONCE], "a filter") or "")
    why = next((why for value in values if (why := field.check(value, vocabulary))), None)
    return Fault(_pointer(name), "parameter-invalid", why) if why else None


def _fault_once(name: str, values: list[str], check: Check) -> Fault | None:
    why = "is given more than once" if len(values) > 1 else check(values[0], None)
    return Fault(_pointer(name), "parameter-invalid", why) if why else None


def _pointer(name: str) -> str:
    return "/" + name[:80].replace("~", "~0").replace("/", "~1")


def _refuse(faults: Iterable[Fault | None]) -> None:
    broken = tuple(fault for fault in faults if fault)
    if broken:
        raise FilterInvalidError(
            "; ".join(f"{f.pointer[1:] or 'filter'}: {f.detail}" for f in broken), broken
        )
