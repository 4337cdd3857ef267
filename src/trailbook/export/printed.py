"""How a printed list says days, times, how many entries there are, and what stands above its first row.

Owns the joining of the words in `say/<language>.toml` under `printed`. Refuses to know entries.
"""

from datetime import date, datetime

from trailbook.export.columns import Layout
from trailbook.export.naming import spoken_day
from trailbook.export.pdf_wire import Above, Join
from trailbook.export.wording import words_of
from trailbook.query import local_time, zone


def weekday(day: date, lang: str) -> str:
    """A day with its weekday, as a heading has it."""
    words = words_of(lang).printed
    return words["weekday"].format(
        weekday=words["weekdays"].split()[day.weekday()], date=spoken_day(day, words_of(lang))
    )


def above(layout: Layout) -> Above:
    """What stands above the first row: title, how many, in which zone, printed when and by whom."""
    words, about = words_of(layout.lang), layout.about
    below = [words.printed["zone"].format(zone=layout.tz)]
    if about is not None:
        at = local_time(datetime.fromisoformat(about.at), zone(layout.tz))
        when = f"{spoken_day(at.date(), words)}, {at:%H:%M}"
        below.append(words.printed["printed"].format(when=when, who=about.who))
    count = "" if about is None else _counted(about.count, layout.lang)
    return Above(_left(layout), title(layout), count, " · ".join(below))


def title(layout: Layout) -> str:
    """The question in words."""
    return layout.about.question if layout.about else words_of(layout.lang).sheet["title"]


def whole(layout: Layout) -> Join:
    """What the file as a whole has."""
    page = words_of(layout.lang).printed["page"]
    return Join(lang=layout.lang, title=title(layout), at=stamp(layout), page=page, left=_left(layout))


def stamp(layout: Layout) -> int:
    """When it is printed, in seconds since 1970: two files of one order differ in nothing."""
    return int(datetime.fromisoformat(layout.about.at).timestamp()) if layout.about else 0


def _left(layout: Layout) -> str:
    name = words_of(layout.lang).sheet["title"]
    return f"{name} · {layout.about.org}" if layout.about else name


def _counted(count: int, lang: str) -> str:
    words = words_of(lang).printed
    number = f"{count:,}".replace(",", words["thousands"])
    return words["one" if count == 1 else "other"].format(count=number)
