"""Ids of items that mean something else in an address, and the way from an entry to the page of its item."""

import re
from html import unescape

import httpx

from trailbook import Actor, Item, Log, Origin

ODD = (
    *(
        "æ ø",
        "日本",
        "🙂",
        "é?",
        "x?y#z",
        "a b",
        "a+b",
        "a&b=c;d",
        "a%2Fb",
        "%2e%2e",
        "%",
        "'\"<b>",
        "a\\b",
        "\\",
    ),
    *(
        "a/b",
        "a//b",
        "/a",
        "a/",
        "/",
        "//",
        ".",
        "..",
        "a/../b",
        "a/./b",
        "../../../../sign-in",
        "//evil.example",
    ),
    *(
        "~",
        "~x",
        "~/~",
        "~..",
        "a/~b",
        "a:b",
        "https://x.example/y?z",
        "...",
        " x ",
        "e/1",
        "items/role/a",
        "{a}",
    ),
)
_LINK = re.compile(r'href="([^"]*/items/role/[^"]*)"')
_HEADING = re.compile(r"<h1><bdi[^>]*>([^<]*)</bdi>")


def name_of(id_: str) -> str:
    """What a test calls the item of an odd id."""
    return f"Role {ODD.index(id_)}"


def recorded(log: Log, actor: Actor) -> dict[str, str]:
    """An entry about an item of each odd id: their ids by those of the items."""
    return {
        id_: log.record(
            "role.created",
            actor=actor,
            target=Item(type="role", id=id_, name=name_of(id_)),
            origin=Origin(interface="web"),
        ).id
        for id_ in ODD
    }


def heading(client: httpx.Client, origin: str, entry: str) -> str:
    """What the page of an item is headed by, followed from the page of an entry about it, and from the list in it."""
    shown = client.get(entry)
    assert shown.status_code == 200, shown.text
    href = _LINK.search(shown.text)
    assert href, shown.text
    sent_on = client.get(f"{origin}{unescape(href[1])}")
    assert sent_on.status_code == 303, (href[1], sent_on.text)
    answer = client.get(f"{origin}{sent_on.headers['location']}")
    assert answer.status_code == 200, (sent_on.headers, answer.text)
    form = re.search(r'<form class="sides" method="get" action="([^"]*)"', answer.text)
    assert form
    by_form = client.get(f"{origin}{unescape(form[1])}?side=about")
    assert _heading(by_form) == _heading(answer)
    return _heading(answer)


def _heading(answer: httpx.Response) -> str:
    heading = _HEADING.search(answer.text)
    assert heading, answer.text
    return unescape(heading[1])
