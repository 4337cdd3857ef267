"""What stands beside the name of an item that is offered, so that it is told from its namesakes.

Owns these words: what the host says of it today, else when it last appeared, else its type and id. Refuses to look
anything up: the log said all of it together with the item.
"""

from collections import Counter
from collections.abc import Sequence

from trailbook.finding import FoundItem
from trailbook.web.pages.rows import Presenter, cut


def told_apart(items: Sequence[FoundItem], presenter: Presenter) -> list[str]:
    """What stands beside each name; where that is the same of two namesakes, their ids too."""
    beside = [_beside(item, presenter) for item in items]
    alike = Counter(zip(map(called, items), beside, strict=True))
    return [
        text if alike[called(item), text] == 1 or item.id in text else f"{text} · {item.id}"
        for item, text in zip(items, beside, strict=True)
    ]


def called(item: FoundItem) -> str:
    """What an offered item is called."""
    return cut(item.name or item.id)


def _beside(item: FoundItem, presenter: Presenter) -> str:
    type_, declared = presenter.label("type", item.type), presenter.catalogue.types.get(item.type)
    person = declared is not None and declared.person
    if item.hint is not None:
        return item.hint if person else f"{type_} · {item.hint}"
    if item.last_seen is not None:
        day = presenter.words.day(presenter.local(item.last_seen))
        return f"{presenter.words('hint.seen', day=day)} · {item.id}"
    return f"{type_} · {item.id}"
