"""What goes into a bundle: the matching entries, the others that they need, what opens their tokens, and how many.

Owns the figures, which are the same before a bundle is made and in it. Refuses to cut a closed bundle for a viewer
from whom a category is withheld, by what they may see and never by what the log holds; and to write anything.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct, structs

from trailbook.access import Viewer, require_everything
from trailbook.errors import Fault, FilterInvalidError
from trailbook.log import Log
from trailbook.model import AHEAD, instant, parse_instant
from trailbook.proofs import Holdings
from trailbook.query import FIELDS, Query, Term, daily_span, hours_rule, interval, refuse_personal
from trailbook.record import Body, decode_body

if TYPE_CHECKING:
    from trailbook.proofs import Identity, StoredEntry

Kind = Literal["inclusion", "closed"]
_ERASED, _PRUNED = "activity_log.erased", "activity_log.pruned"


class BundleRequest(Struct, frozen=True, kw_only=True):
    """What a bundle is to hold: filter, kind, and whether identities stay out; `lang` is of its words."""

    query: Query
    kind: Kind = "inclusion"
    redacted: bool = False
    lang: str = "en"


class BundleFigures(Struct, frozen=True, kw_only=True):
    """How much a bundle holds: `count` entries match below `as_of`, and `held` have their bodies in it.

    `named_outside`: how many of these do not match and can be read by name all the same.
    """

    kind: Kind
    as_of: int
    count: int
    held: int
    named_outside: int


class Cut(Struct, frozen=True, kw_only=True):
    """Which entries a bundle has, and why; `seqs` are those of all its lines."""

    kind: Kind
    matching: list[int]
    witnesses: list[int]
    first: int
    as_of: int
    seqs: list[int]
    opened: "dict[str, Identity]"  # by token
    filter_tokens: list[tuple[str, list[str]]]
    lists: dict[str, bytes]  # file name -> manifest of an erasure or a removal


class Tally:
    """Counts the entries of a bundle while they pass, each once."""

    def __init__(self, cut: Cut) -> None:
        self._cut = cut
        self._matching = set(cut.matching)
        self._held = self._named_outside = 0
        self.times: tuple[str, str] | None = None  # of the earliest entry and of the latest

    def take(self, row: "StoredEntry") -> None:
        """Count one entry."""
        if row.body is None:
            return
        self._held += 1
        body = decode_body(row.body)
        earliest, latest = self.times or (body.occurred_at, body.occurred_at)
        self.times = min(earliest, body.occurred_at), max(latest, body.occurred_at)
        if row.seq not in self._matching:
            named = _named_in(body)
            self._named_outside += not self._cut.opened.keys().isdisjoint(named)

    def figures(self) -> BundleFigures:
        """What has been counted, once all have passed."""
        cut = self._cut
        return BundleFigures(
            kind=cut.kind,
            as_of=cut.as_of,
            count=len(cut.matching),
            held=self._held,
            named_outside=self._named_outside,
        )


def bundle_figures(log: Log, request: BundleRequest, *, viewer: Viewer) -> BundleFigures:
    """How much a bundle would hold if it were made of the log as it is, signed or not yet.

    Raises: NotPermittedError, as for the bundle itself; FilterInvalidError for a closed one whose filter cannot be
    checked again.
    """
    holdings = log.holdings(viewer=viewer)
    cut = cut_of(log, request, holdings, viewer=viewer, size=log.size(viewer=viewer))
    tally = Tally(cut)
    for row in holdings.kept(cut.seqs):
        tally.take(row)
    return tally.figures()


def figures_in_words(figures: BundleFigures, whose: str = "your") -> str:
    """What a bundle holds, to go on a sentence that begins with it; `whose` filter it is."""
    entries = "entry" if figures.held == 1 else "entries"
    every = " of all categories" if figures.kind == "closed" else ""
    outside = f"{figures.named_outside:,} outside {whose} filter can be read by name"
    return f"holds {figures.held:,} {entries}{every}; {outside}"


def cut_of(log: Log, request: BundleRequest, holdings: Holdings, *, viewer: Viewer, size: int) -> Cut:
    """Cut a bundle from the first `size` entries of a log. Raises: as `bundle_figures`."""
    query = structs.replace(request.query, as_of=size if request.query.as_of is None else request.query.as_of)
    query = log.frozen(query, viewer=viewer)
    require_daily_hours(query)
    if request.kind == "closed":
        require_everything(log.clearance(viewer=viewer))
        _require_tokens(query)
    matching = log.seqs(query, viewer=viewer, lang=request.lang)
    as_of, whole = query.as_of or 0, range(0)
    if request.kind == "closed":
        whole = range(_first(holdings, as_of, interval(query, log.clock())[0]), as_of)
    shown = _shown(
        _Facts(log, holdings, viewer=viewer, size=size), matching, whole, redacted=request.redacted
    )
    tokens = _filter_tokens(query, holdings)
    # With the row before the range, whose time shows that none before it can match.
    seqs = shown.seqs.union(range(max(whole.start - 1, 0), whole.stop) if whole.stop else ())
    return Cut(
        kind=request.kind,
        matching=matching,
        witnesses=sorted(shown.seqs - set(matching)),
        first=whole.start,
        as_of=as_of,
        seqs=sorted(seqs),
        opened=_opened(holdings, shown, [] if request.redacted else tokens),
        filter_tokens=tokens,
        lists=shown.lists,
    )


def require_daily_hours(query: Query) -> None:
    """A bundle's filter says times of the day and no days of the week: with such a rule there is none.

    Raises: FilterInvalidError.
    """
    if query.hours is not None and daily_span(hours_rule(query.hours)) is None:
        why = (
            "has days of the week, which the filter of a bundle cannot say: order a table with a signed manifest,"
            " or a bundle of hours=night or of the days themselves"
        )
        raise FilterInvalidError(f"hours: {why}", (Fault("/hours", "parameter-invalid", why),))


def _require_tokens(query: Query) -> None:
    """A closed bundle's filter is applied again, so it takes nothing that needs names, nor what no manifest has."""
    refuse_personal(query, "cannot be checked again in a closed bundle, for its manifest does not have it")
    if query.text or query.self_ is not None:
        fault = Fault("/text", "parameter-invalid", "and self cannot be checked again in a closed bundle")
        raise FilterInvalidError(f"text: {fault.detail}", (fault,))


def _first(holdings: Holdings, as_of: int, since: int | None) -> int:
    """The first seq that can match: nothing occurs more than five minutes after it is recorded. The row before
    it is kept, for it shows that none before it can."""
    if since is None:
        return 0
    low, high = 0, as_of
    edge = instant(since) - AHEAD - timedelta(microseconds=1)
    while low < high:
        middle = (low + high) // 2
        at = _recorded_at(holdings, middle)
        low, high = (middle + 1, high) if at is not None and at <= edge else (low, middle)
    # A removed body says no time: rows that may be of the period are in, so that their removal can be shown.
    while low > 0 and _recorded_at(holdings, low - 1) is None:
        low -= 1
    return low


def _recorded_at(holdings: Holdings, seq: int) -> datetime | None:
    body = next(holdings.kept([seq])).body
    return None if body is None else parse_instant(decode_body(body).recorded_at)


class _Shown(Struct, frozen=True):
    """The entries that are shown, and what of them is opened; the lists that they cite, by name."""

    seqs: set[int]
    tokens: set[str]
    lists: dict[str, bytes]


def _shown(facts: "_Facts", matching: list[int], whole: range, *, redacted: bool) -> _Shown:
    """What matches, with the witnesses that it and the removed entries of the whole range need."""
    removed = {row.seq for row in facts.holdings.kept(whole) if row.body is None}
    pending = {*matching, *(facts.removals(removed) if removed else ())}
    seqs, known, named = set[int](), set[str](), set[str]()
    # A witness may itself cite somebody who was erased, and then needs a witness: until nothing new comes.
    while pending:
        bodies = [body for _, body in _bodies(facts.holdings, sorted(pending))]
        tokens = {token for body in bodies for token in body.tokens()} - known
        gone = {i.token for i in facts.holdings.identities(tokens) if i.id is None}
        known |= tokens
        named |= {body.target for body in bodies if body.action == _PRUNED} if redacted else tokens
        seqs |= pending
        pending = (set() if redacted else facts.erasures(gone)) - seqs
    return _Shown(seqs, named, facts.lists(seqs, redacted=redacted))


def _opened(
    holdings: Holdings, shown: _Shown, filter_tokens: list[tuple[str, list[str]]]
) -> "dict[str, Identity]":
    """What opens the tokens of shown entries and of the filter, but for those that were erased."""
    wanted = shown.tokens.union(*(tokens for _, tokens in filter_tokens))
    return {i.token: i for i in holdings.identities(wanted) if i.id is not None}


def _filter_tokens(query: Query, holdings: Holdings) -> list[tuple[str, list[str]]]:
    """For each item that the filter names, the tokens it stands for."""
    values = sorted({v for term in query.terms if FIELDS[term.field].items for v in term.values})
    return [(value, holdings.tokens_of(*value.split("/", 1))) for value in values]


def _named_in(body: Body) -> Iterator[str]:
    """The tokens by which an entry says who and what it is about."""
    yield body.actor.item
    yield body.target
    yield from (concern.item for concern in body.concerns)
    if body.on_behalf_of is not None:
        yield body.on_behalf_of


def _bodies(holdings: Holdings, seqs: Sequence[int]) -> Iterator[tuple[int, Body]]:
    return ((row.seq, decode_body(row.body)) for row in holdings.kept(seqs) if row.body is not None)


class _Citation(Struct, frozen=True):
    """What an entry cites: the list of an erasure or a removal, its SHA-256 in hex, and its bytes."""

    kind: str
    digest: str
    content: bytes


class _Facts:
    """The entries of the log that say what was erased and removed."""

    def __init__(self, log: Log, holdings: Holdings, *, viewer: Viewer, size: int) -> None:
        self.holdings = holdings
        self._citations: dict[int, _Citation] = {}  # by the seq of the entry
        query = Query(terms=(Term("action", (_ERASED, _PRUNED)),), as_of=size)
        for seq, body in _bodies(holdings, log.seqs(query, viewer=viewer)):
            id_ = holdings.identities([body.target])[0].id or ""
            kind, digest = ("erasure", id_.partition("-")[2]) if body.action == _ERASED else ("removal", id_)
            # What was refused took nothing, and so there is no list of what it took.
            if body.outcome == "success":
                self._citations[seq] = _Citation(kind, digest, holdings.manifest(kind, digest))

    def erasures(self, tokens: set[str]) -> set[int]:
        """The seqs of the entries that erased these tokens."""
        erased = self._listed("erasure", "tokens")
        return {seq for seq, gone in erased.items() if not tokens.isdisjoint(gone)}

    def removals(self, seqs: set[int]) -> set[int]:
        """The seqs of the entries that removed these bodies."""
        removed = self._listed("removal", "seqs")
        return {
            seq
            for seq, runs in removed.items()
            if any(low <= gone <= high for low, high in runs for gone in seqs)
        }

    def lists(self, shown: set[int], *, redacted: bool) -> dict[str, bytes]:
        """The manifests that shown entries cite, by their name in the bundle."""
        return {
            f"{cited.kind}s/{cited.digest}.json": cited.content
            for seq, cited in sorted(self._citations.items())
            if seq in shown and not (redacted and cited.kind == "erasure")
        }

    def _listed(self, kind: str, member: str) -> dict[int, Any]:
        """What each list of a kind has in a member, by the seq of the entry that cites it."""
        cited = {seq: citation for seq, citation in self._citations.items() if citation.kind == kind}
        return {seq: msgspec.json.decode(citation.content)[member] for seq, citation in cited.items()}
