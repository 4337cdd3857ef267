"""Findings about the index: what is wrong with it as a verification says it, each by the seqs that it hides or invents.

Owns which findings `reindex` mends. Refuses to hold the index against an entry that is at fault itself.
"""

from collections.abc import Iterable, Iterator

from trailbook.finding import Parts, Rebuild, Sealed
from trailbook.stores import Store
from trailbook.verify import Finding, span

_INDEX = "index"  # the place, or what it begins with
_OF_ENTRIES = ("changed", "missing", "inserted", "moved")


def index_findings(rebuild: Rebuild, others: Iterable[Finding]) -> Iterator[Finding]:
    """What is wrong with an index that was built anew; `others` is what was found of the entries."""
    # A token's finding has the first entry that cites it, which is not at fault itself.
    at_fault = [f for f in others if f.verdict in _OF_ENTRIES and f.token is None]
    doubtful = [(f.seq, f.stop or f.seq + 1) for f in at_fault if f.seq is not None]
    for fault in rebuild.faults(doubtful):
        if fault.first is None or fault.stop is None:
            yield _finding(fault.what)
        else:
            place = f"{_INDEX}, {span(fault.first, fault.stop)}"
            yield _finding(fault.what, place, fault.first, stop=fault.stop)


def index_notes(rebuild: Rebuild) -> Iterator[str]:
    """What was not compared."""
    if count := rebuild.undeclared:
        yield f"whether {count} entries end their target was not compared: no catalogue here declares their actions"


def as_written(store: Store, org: str) -> Iterator[Finding]:
    """Where the stored index is not as it was written, which says nothing of what was written. Raises: StoreError."""
    yield from map(_finding, Sealed(store, org, Parts(0)).check())


def is_of_index(finding: Finding) -> bool:
    """Whether building the index anew mends what was found."""
    return finding.verdict == "index" and finding.place.partition(",")[0] == _INDEX


def _finding(what: str, place: str = _INDEX, seq: int | None = None, *, stop: int | None = None) -> Finding:
    return Finding(verdict="index", what=f"{what}; entries intact", place=place, seq=seq, stop=stop)
