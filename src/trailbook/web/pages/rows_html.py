"""The pen: an entry as a row's HTML, the same on every page that lists entries.

Owns nothing but that one step. Refuses to decide which entries there are, and to keep what it wrote.
"""

from collections.abc import Callable

from trailbook.finding.answers import Shown
from trailbook.log.log import Log
from trailbook.web.http.render import macro
from trailbook.web.http.row_cache import Drawing
from trailbook.web.pages import rows
from trailbook.web.pages.rows import Telling


def pen(log: Log, said: Telling) -> Callable[[Shown], Drawing]:
    """What writes the rows of one page."""
    t = said.words
    written = macro("row.html", "drawn", t)

    def draw(shown: Shown) -> Drawing:
        row = rows.row(shown, lambda one: log.pieces(one, t.lang), said)
        return Drawing(row.day, written(row))

    return draw
