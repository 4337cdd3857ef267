"""Grouping of a page's rows: by day, and by what belongs together.

Owns which neighbours fold into one. Refuses to move a row, to fold across a day, and to write numbers of a day:
they could be those of one person.
"""

from collections.abc import Sequence
from itertools import groupby

from msgspec import Struct

from trailbook.finding import Shown
from trailbook.web.http.row_cache import Drawing


class Line(Struct, frozen=True, gc=False):
    """A row on its day; `opens`: so many neighbours, this one first, fold into it; `closes`: it is the last of them."""

    row: Drawing
    id: str = ""
    opens: int = 0
    closes: bool = False


Diary = list[tuple[str, list[Line]]]


def diary(entries: Sequence[Shown], rows: Sequence[Drawing], group: str | None) -> Diary:
    """The rows of a page by day, those that belong together folded where that is asked."""
    lines = _together(entries, rows) if group == "together" else [Line(row) for row in rows]
    return [(day, list(of_day)) for day, of_day in groupby(lines, lambda line: line.row.day)]


def _together(entries: Sequence[Shown], rows: Sequence[Drawing]) -> list[Line]:
    """Neighbours of one day and one correlation: the first stands, the others fold under it."""
    lines: list[Line] = []
    pairs = zip(entries, rows, strict=True)
    for (_, correlation), neighbours in groupby(pairs, lambda pair: (pair[1].day, pair[0].correlation)):
        (first, head), *folded = neighbours
        lines.append(Line(head))
        if correlation is None:
            lines += [Line(row) for _, row in folded]
            continue
        last = len(folded)
        lines += [
            Line(row, first.id, last if at == 1 else 0, at == last) for at, (_, row) in enumerate(folded, 1)
        ]
    return lines
