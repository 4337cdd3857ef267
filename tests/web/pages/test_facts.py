"""What an entry's own page says of it, in words."""

from zoneinfo import ZoneInfo

import pytest
from tests.web.conftest import AGENT, ORG, Served

from trailbook import operator
from trailbook.query import from_params
from trailbook.web.http.texts import texts_of
from trailbook.web.pages.facts import Facts, device, facts
from trailbook.web.pages.rows import Presenter

HOME = f"/orgs/{ORG}/activity"


def test_what_an_entry_says(served: Served) -> None:
    """All in words, the browser in two of them; a denied one says so, and a name is no markup."""
    denied = from_params([("outcome", "denied"), ("category", "roles")])
    entry = served.log.search(denied, viewer=operator(ORG), limit=1).entries[0]
    presenter = Presenter(
        words=texts_of("en"), zone=ZoneInfo("Europe/Oslo"), catalogue=served.log.catalogue, addresses=None
    )
    pieces = served.log.pieces(entry, viewer=operator(ORG))
    known = facts(entry, pieces, presenter=presenter, home=HOME, hints={})
    assert known.category == "Roles"
    assert known.actor.name == "Kari Lie"
    assert known.actor.page == f"{HOME}/items/user/u-9"
    assert known.outcome == "Refused"
    assert known.device == "Firefox on Linux"
    assert (known.times.recorded, known.times.when[-11:]) == (None, ", Oslo time")
    assert known.target is not None
    assert known.target.type == "Role"
    assert "".join(text for text, _ in known.pieces).startswith("Kari Lie was not allowed to give")


def test_what_was_recorded_late_says_so(served: Served) -> None:
    """Within the hour it is not said twice; and whoever did something to themselves is named once."""
    presenter = Presenter(
        words=texts_of("en"), zone=ZoneInfo("Europe/Oslo"), catalogue=served.log.catalogue, addresses=None
    )

    def known(asked: str) -> Facts:
        query = from_params([("action", asked)])
        entry = served.log.search(query, viewer=operator(ORG), order="asc", limit=1).entries[0]
        return facts(entry, (), presenter=presenter, home=HOME, hints={})

    assert known("role.assigned").times.recorded is not None
    own = known("user.profile_updated")
    assert (own.times.recorded, own.target, own.about) == (None, None, [])


@pytest.mark.parametrize(
    ("agent", "words_"),
    [
        (AGENT, "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("curl/8.5", None),
        (None, None),
    ],
)
def test_a_browser_in_words(agent: str | None, words_: str | None) -> None:
    """The name it goes by and not the ones it borrows; a program is no browser."""
    assert device(agent, texts_of("en")) == words_
