"""The picture of a run: bars of what the main questions take, ours beside what they take elsewhere.

Owns a small SVG that is read on light and on dark paper. Refuses to leave out what does not flatter: every
question that was measured beside another engine is drawn, on a scale where each step is ten times the last.
"""

import math
from collections.abc import Sequence
from html import escape

from msgspec import Struct

from bench.measuring import Row, number

_ENGINES = ("DuckDB", "PostgreSQL", "five B-trees")
_WIDTH, _LEFT, _RIGHT, _TOP = 860, 300, 90, 64
_BAR, _GAP, _LEAST = 14, 16, 0.01
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .small { font-size: 12px; fill: #59636e }
.title { font-size: 17px; font-weight: 600 } .ours { fill: #0b6bcb } .theirs { fill: #a9b4c0 } .line { stroke: #d8dee4 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #9198a1 } .ours { fill: #58a6ff }
.theirs { fill: #57606a } .line { stroke: #30363d } }
"""


class Question(Struct):
    """One question in words, and the milliseconds it takes: ours first, then elsewhere by name."""

    words: str
    bars: list[tuple[str, float]]


def questions(rows: Sequence[Row]) -> list[Question]:
    """What was measured beside other engines, in the order of the rows."""
    by_name: dict[str, Question] = {}
    for row in rows:
        name, by, engine = row.name.rpartition(", by ")
        if by and engine in _ENGINES and row.control is not None:
            asked = by_name.setdefault(name, Question(name, [("Trailbook", row.value)]))
            asked.bars.append((engine, row.control.value))
    return [*by_name.values(), *_page(rows), *_person(rows)]


def _page(rows: Sequence[Row]) -> list[Question]:
    values = {row.name: row.value for row in rows}
    name = "first page, category"
    beside = [(e, values[f"{e}: {name}"]) for e in _ENGINES if f"{e}: {name}" in values]
    return [Question(name, [("Trailbook", values[name]), *beside])] if name in values and beside else []


def _person(rows: Sequence[Row]) -> list[Question]:
    return [
        Question(
            "everything about one person",
            [("Trailbook", row.value), ("django-auditlog, 1/10 of the rows", row.control.value)],
        )
        for row in rows
        if row.name == "concerns a dormant person" and row.control is not None
    ]


def picture(rows: Sequence[Row]) -> str:
    """The picture as SVG; of a run that asked no other engine, only its title."""
    asked = questions(rows)
    most = max((value for each in asked for _, value in each.bars), default=1.0)
    scale = (_WIDTH - _LEFT - _RIGHT) / math.ceil(math.log10(max(most, 1.0) / _LEAST))
    drawn, y = [], _TOP
    for each in asked:
        drawn += _question(each, y, scale)
        y += len(each.bars) * (_BAR + 3) + _GAP
    size = max((row.size for row in rows), default=0)
    title = f"Milliseconds for the same question about {size:,} entries"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" width="{_WIDTH}" height="{y}" '
        f'role="img"><title>{title}</title><style>{_STYLE}</style>'
    )
    words = _text((16, 26), title, "title") + _text((16, 46), "Shorter is better; ten times a step.", "small")
    return "\n".join([head, words, *_lines(most, scale, y), *drawn, "</svg>"]) + "\n"


def _lines(most: float, scale: float, bottom: int) -> list[str]:
    steps = range(math.ceil(math.log10(max(most, 1.0) / _LEAST)) + 1)
    return [
        f'<line class="line" x1="{_LEFT + at * scale:.0f}" x2="{_LEFT + at * scale:.0f}" y1="{_TOP - 6}" '
        f'y2="{bottom - 8}"/>'
        + _text((round(_LEFT + at * scale), _TOP - 10), f"{_LEAST * 10**at:,g}", "small middle")
        for at in steps
    ]


def _question(asked: Question, top: int, scale: float) -> list[str]:
    drawn = [_text((16, top + 11), asked.words, "")]
    for at, (name, value) in enumerate(asked.bars):
        y = top + at * (_BAR + 3)
        wide = max(2.0, math.log10(max(value, _LEAST) / _LEAST) * scale)
        kind = "theirs" if at else "ours"
        drawn.append(f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{wide:.1f}" height="{_BAR}" rx="2"/>')
        drawn.append(_text((round(_LEFT + wide + 6), y + 11), f"{number(value)} {name}", "small"))
    return drawn


def _text(at: tuple[int, int], words: str, kind: str) -> str:
    anchor = ' text-anchor="middle"' if "middle" in kind else ""
    return f'<text class="{kind}" x="{at[0]}" y="{at[1]}"{anchor}>{escape(words)}</text>'
