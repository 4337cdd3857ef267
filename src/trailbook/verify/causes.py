"""Causes: findings that are alike are one finding, and what follows from a fault of an entry is told with it.

Owns which findings are alike and which of them follow. Refuses to drop one: what is put together is counted, its seqs
stand as ranges, and what follows keeps its verdict and place.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import structs

from trailbook.verify.findings import Finding, span

_NUMBER = re.compile(r"\d+")
_LIST = 8  # ranges that a place names in words
_LAST = 2**63
_MANY = (
    "seq",
    "directory",
    "words",
    "tile",
    "index",
)  # of a head or of somebody's access each is another matter
_UNCITED = "no entry cites it"  # of an identity, which a changed body cited once
_HASHES = "do not hash to"
_FORM = "its body"  # which is no body, or another's: that the entry is not the one says it better
Run = tuple[int, int]


def causes_of(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings put together: each with the ranges of what is alike, and with what follows from it."""
    every = list(dict.fromkeys(findings))
    causes, rest = _causes([f for f in every if _is_of_entries(f)])
    rest += [f for f in every if not _is_of_entries(f)]
    following: dict[int, list[Finding]] = defaultdict(list)
    for finding in rest:
        following[_cause(finding, causes)].append(finding)
    whole = [structs.replace(c, follows=tuple(_alike(following[at]))) for at, c in enumerate(causes)]
    whole += _alike(following[-1])
    return tuple(sorted(whole, key=lambda f: (_LAST if f.seq is None else f.seq, f.place, f.what)))


def _is_of_entries(finding: Finding) -> bool:
    """Whether a finding is about entries themselves, and not about what is derived from them or cited by them."""
    return finding.verdict != "index" and finding.token is None and bool(_runs([finding]))


def _causes(candidates: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Which findings about entries are causes, and which are not: what is placed closest comes first."""
    causes: list[Finding] = []
    rest: list[Finding] = []
    placed = sorted((f for f in candidates if _HASHES not in f.what), key=lambda f: f.what.startswith(_FORM))
    for group in _alike(placed):
        repeated = all(any(_meets(cause, run) for cause in causes) for run in group.ranges or _runs([group]))
        (rest if causes and repeated else causes).append(group)
    # A head does not fit whatever was changed before its end.
    for head in sorted((f for f in candidates if _HASHES in f.what), key=lambda f: f.stop or 0):
        later = any(_begins_before(cause, head.stop) for cause in causes)
        (rest if later else causes).append(head)
    return causes, rest


def _begins_before(cause: Finding, stop: int | None) -> bool:
    return cause.seq is not None and stop is not None and cause.seq < stop


def _width(finding: Finding) -> int:
    seq = finding.seq or 0
    return (finding.stop or seq + 1) - seq


def _meets(cause: Finding, run: Run) -> bool:
    """Whether a cause lies at one of these seqs."""
    runs = cause.ranges or _runs([cause])
    at = bisect_right(runs, run[1], key=lambda r: r[0]) - 1
    return at >= 0 and runs[at][1] >= run[0]


def _cause(finding: Finding, causes: Sequence[Finding]) -> int:
    """The place of the cause from which a finding follows; -1 for one that stands for itself."""
    if finding.place.startswith("access") or not causes:
        return -1
    if finding.seq is None:
        return 0 if finding.what == _UNCITED or finding.place == "head" else -1
    if _HASHES in finding.what:
        return next((at for at, cause in enumerate(causes) if _begins_before(cause, finding.stop)), -1)
    run = (finding.seq, finding.seq + _width(finding) - 1)
    return next((at for at, cause in enumerate(causes) if _meets(cause, run)), -1)


def _alike(findings: Sequence[Finding]) -> list[Finding]:
    """Findings that say the same but for numbers, of the same kind of place, as one each."""
    groups: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        kind = re.split(r"[\d,]", finding.place, maxsplit=1)[0]
        kind = kind if kind.startswith(_MANY) else finding.place
        groups[finding.verdict, _NUMBER.sub("#", finding.what), kind].append(finding)
    return [group[0] if len(group) == 1 else _together(group) for group in groups.values()]


def _together(group: Sequence[Finding]) -> Finding:
    first, runs = min(group, key=lambda f: _LAST if f.seq is None else f.seq), _runs(group)
    same = all(finding.what == first.what for finding in group)
    seqs = [seq for finding in group if (seq := finding.seq) is not None]
    return Finding(
        verdict=first.verdict,
        what=first.what if same else f"{first.what}, and so on",
        place=_named(runs) if runs else f"{first.place}, and {len(group) - 1:,} more",
        seq=min(seqs, default=None),
        stop=runs[-1][1] + 1 if runs else None,
        token=first.token,
        count=sum(finding.count for finding in group),
        ranges=tuple(runs),
        places=() if runs else tuple(map(_place, group)),
    )


def _runs(findings: Sequence[Finding]) -> list[Run]:
    """The first and last seq of each range, ascending and apart; none where a place is something else than seqs."""
    runs: list[Run] = []
    for finding in sorted(findings, key=lambda f: _LAST if f.seq is None else f.seq):
        if finding.seq is None or finding.place != span(finding.seq, finding.stop or finding.seq + 1):
            return list(finding.ranges)
        last = (finding.stop or finding.seq + 1) - 1
        if runs and finding.seq <= runs[-1][1] + 1:
            runs[-1] = runs[-1][0], max(last, runs[-1][1])
        else:
            runs.append((finding.seq, last))
    return runs


def _place(finding: Finding) -> str:
    return finding.place if finding.seq is None else f"{finding.place}, seq {finding.seq}"


def _named(runs: Sequence[Run]) -> str:
    named = ", ".join(span(first, last + 1).removeprefix("seq ") for first, last in runs[:_LIST])
    more = f" and {len(runs) - _LIST:,} more ranges" if len(runs) > _LIST else ""
    return f"seq {named}{more}"
