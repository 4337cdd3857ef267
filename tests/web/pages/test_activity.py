"""The page as HTML: what stands on it, what its links do, and what it does with addresses it cannot read."""

import html
import re
from urllib.parse import urlencode

import httpx
import pytest
from markupsafe import escape
from tests.web.conftest import ANNA, HOSTILE, ORG, WEB, Served, enter, wire

from trailbook import Item
from trailbook.administration.ready_views import READY_VIEWS, ReadyView
from trailbook.web.http.edge import CSP

PAGE = f"/orgs/{ORG}/activity"
HOME = f"{PAGE}?category.not=activity_log"


def links(text: str) -> dict[str, str]:
    """The page's links by their text."""
    anchors = re.findall(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', text, re.S)
    return {
        html.unescape(re.sub(r"<[^>]+>", "", inner)).strip(): html.unescape(href) for href, inner in anchors
    }


def rows(text: str) -> list[str]:
    """The sentences on the page, without markup."""
    sentences = re.findall(r'<p class="what">(.*?)(?: <span class="(?:soft|tag)|\s*</p>)', text, re.S)
    return [html.unescape(re.sub(r"<[^>]+>", "", sentence)).strip() for sentence in sentences]


def test_rows_and_total(signed_in: httpx.Client) -> None:
    """Sentences, category and outcome in words, the date in the day's heading, names of fields, the exact total."""
    text = signed_in.get(f"{PAGE}?as_of=62&count=true").text
    assert "62 entries" in text
    assert rows(text)[0] == "Anna Berg updated their own profile"
    assert len(rows(text)) == 50
    assert "changed: address, biography" in text
    assert re.search(r'<time datetime="[^"]+Z">\d\d:\d\d</time>', text)
    assert re.search(r"<h2>\w+day \d+ \w+ 20\d\d</h2>", text)
    assert 'class="tag fail">Refused<' in text
    assert 'class="tag access">Roles<' in text
    assert "Central European Time (Europe/Oslo)" in text
    assert ">Oslo time<" in text


def test_hostile_and_long_names(signed_in: httpx.Client) -> None:
    """A script in a name is text, isolated; a name of 200 characters is cut to 120."""
    text = signed_in.get(f"{PAGE}?category=roles&outcome=denied").text
    assert HOSTILE not in text
    assert str(escape(HOSTILE)) in text
    assert "Å" * 119 + "…</bdi>" in text
    assert HOSTILE in rows(text)[0]


def test_a_name_adds_a_filter_and_a_chip_removes_it(signed_in: httpx.Client) -> None:
    """Pressing a name narrows to it; the chip's cross goes back; the filter is said in words."""
    text = signed_in.get(f"{PAGE}?category=roles").text
    narrowed = links(text)["Bob Li"]
    assert "concerns=user/u-42" in narrowed
    assert "category=roles" in narrowed
    text = signed_in.get(narrowed).text
    assert "Roles, about Bob Li" in text
    crosses = re.findall(r'<a class="drop" href="([^"]*)" aria-label="Remove Concerns: Bob Li">', text)
    assert signed_in.get(html.unescape(crosses[0])).url.query == b"category=roles"


def test_older_and_newer(signed_in: httpx.Client, served: Served) -> None:
    """Turning pages keeps `as_of`: entries that arrive late do not move the rows."""
    first = signed_in.get(f"{PAGE}?limit=25&as_of=62").text
    older = links(first)["Older"]
    assert "as_of=62" in older
    before = rows(signed_in.get(older).text)
    served.log.record(
        "user.profile_updated", actor=ANNA, target=Item(type="user", id="u-17", name="Anna Berg"), origin=WEB
    )
    second = signed_in.get(older).text
    assert rows(second) == before
    assert rows(signed_in.get(links(second)["Newer"]).text) == rows(first)
    assert "as_of" not in links(second)["Newest"]


def test_exports_hold_what_the_page_counts(signed_in: httpx.Client) -> None:
    """The links export the same filter at the page's `as_of`."""
    text = signed_in.get(f"{PAGE}?outcome=success&date=past-6-months&count=true").text
    total = int(re.search(r"([\d,]+) entries", text)[1].replace(",", ""))  # type: ignore[index]
    downloads = links(text)
    assert "as_of=" in downloads["Download CSV"]
    assert len(signed_in.get(downloads["Download JSON lines"]).text.splitlines()) == total
    assert len(signed_in.get(downloads["Download CSV"]).text.splitlines()) == total + 1


@pytest.mark.parametrize("view", READY_VIEWS, ids=lambda view: view.name)
def test_ready_views(signed_in: httpx.Client, view: ReadyView) -> None:
    """Each of the ten questions is a link that the page understands; who is needed is asked for."""
    title = {v.name: t for v, t in zip(READY_VIEWS, _titles(signed_in), strict=True)}[view.name]
    answer = signed_in.get(links(signed_in.get(HOME).text)[title])
    assert answer.status_code == 200
    assert 'aria-current="page"' in answer.text
    asked = 'class="name-it"' in answer.text
    assert asked == (view.asks is not None)
    if asked:  # before a name is chosen the list is everybody's, and each of those of late is one press away
        assert '<li class="row' in answer.text
        lately = re.findall(r'<li><a href="([^"]+)"><bdi>', answer.text.partition("<noscript>")[2])
        assert all(f"view={view.name}" in href for href in lately)
        chosen = signed_in.get(html.unescape(lately[0]))
        assert (chosen.status_code, 'class="name-it"' in chosen.text) == (200, False)


def _titles(signed_in: httpx.Client) -> list[str]:
    side = signed_in.get(HOME).text.partition('id="questions"')[2].partition("<h2>")[0]
    return list(links(side))


def test_a_typed_name_is_looked_up(signed_in: httpx.Client) -> None:
    """One match is taken; several are offered; none says so, where the list stands without it."""
    answer = signed_in.get(f"{PAGE}?actor=anna&text=&date=")
    assert answer.headers["location"] == f"{PAGE}?actor=anna"
    assert signed_in.get(answer.headers["location"]).headers["location"] == f"{PAGE}?actor=user/u-17"
    signed_in.get(PAGE)
    several = signed_in.get(f"{PAGE}?concerns=Approver").headers["location"]
    assert several == f"{PAGE}?concerns=role/r-2"
    none = signed_in.get(f"{PAGE}?concerns=Nobody").text
    assert "Nobody called “Nobody”." in none
    assert rows(none)


def test_several_of_one_name(signed_in: httpx.Client, served: Served) -> None:
    """Two of one name show what tells them apart, and each is a link."""
    for id_ in ("t-1", "t-2"):
        entry = wire(concerns=[{"part": "member", "type": "user", "id": id_, "name": "Twin Dahl"}])
        headers = {"Authorization": f"Bearer {served.keys['record']}"}
        assert httpx.post(f"{served.api}/entries", json=entry, headers=headers).status_code == 201
    text = signed_in.get(f"{PAGE}?concerns=twin&outcome=success").text
    offered = [href for href in re.findall(r'href="([^"]*)"', text) if "concerns=user/t-" in href]
    assert sorted(offered) == [
        f"{PAGE}?outcome=success&amp;concerns=user/t-1",
        f"{PAGE}?outcome=success&amp;concerns=user/t-2",
    ]


def test_a_renamed_one_is_found_by_both_names(signed_in: httpx.Client, served: Served) -> None:
    """Found by the name it had, and says what it is called now."""
    for id_, name in (("t-3", "Ida Holm"), ("t-3", "Ida Strand"), ("t-4", "Ida Holm")):
        served.log.record(
            "role.assigned",
            actor=ANNA,
            target=Item(type="role", id="r-1", name="Reader"),
            concerns={"member": Item(type="user", id=id_, name=name)},
            origin=WEB,
        )
    text = signed_in.get(f"{PAGE}?concerns=holm").text
    assert "Ida Holm Person · t-4" in links(text)
    assert "Ida Holm now Ida Strand Person · t-3" in links(text)


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("nonsense=1", 422, "nonsense</strong> is not a filter"),
        ("date=someday", 422, "Date</strong> has a value"),
        ("category=nothing", 422, "Category</strong> has a value"),
        ("date=today&from=2026-01-01", 422, "Choose either a period or days of your own"),
        ("tz=Mars/Base", 422, "Time zone</strong> has a value"),
        ("cursor=abc", 400, "of another question, or too old"),
    ],
)
def test_a_broken_address_says_which_part(
    signed_in: httpx.Client, query: str, status: int, words: str
) -> None:
    """Nothing is ignored, no row is shown; without the fault rows are there."""
    answer = signed_in.get(f"{PAGE}?{query}")
    assert (answer.status_code, words in answer.text) == (status, True)
    assert rows(answer.text) == []
    assert rows(signed_in.get(f"{PAGE}?date=past-12-months").text) != []


def test_a_broken_filter_keeps_what_was_understood(signed_in: httpx.Client) -> None:
    """One press goes on without the fault; of a period and days either may be kept."""
    text = signed_in.get(f"{PAGE}?category=roles&origin=fax").text
    assert links(text)["Show without Through"] == f"{PAGE}?category=roles"
    both = links(signed_in.get(f"{PAGE}?date=last-month&from=2026-01-01&category=roles").text)
    assert both["Keep the period"] == f"{PAGE}?date=last-month&category=roles"
    assert both["Keep the days"] == f"{PAGE}?from=2026-01-01&category=roles"


def test_a_line_of_search_text_is_the_same_filter(signed_in: httpx.Client) -> None:
    """The line that the command line takes may be typed where words go; a colon in a word makes no filter."""
    line = "category:roles -outcome:denied concerns:user/u-42 date:past-12-months reader"
    there = signed_in.get(PAGE, params={"text": line}).headers["location"]
    expected = f"{PAGE}?category=roles&concerns=user/u-42&outcome.not=denied&date=past-12-months&text=reader"
    assert there == expected
    assert rows(signed_in.get(there).text) != []
    assert signed_in.get(PAGE, params={"text": "at 10:30"}).status_code == 200
    broken = signed_in.get(PAGE, params={"text": "category:roles date:someday"})
    assert (broken.status_code, "Date</strong> has a value" in broken.text) == (422, True)


def test_a_filter_that_is_not_understood_is_told_in_the_language_of_the_page(signed_in: httpx.Client) -> None:
    """What the core says is English; in Norwegian there stands what was sent."""
    for lang, detail in (("en", "is not one of"), ("nb", "<code>date=someday</code>")):
        text = signed_in.get(f"{PAGE}?date=someday", headers={"Accept-Language": lang}).text
        assert (detail in text, "is not one of" in text) == (True, lang == "en")


def test_nothing_found_offers_ways_out(signed_in: httpx.Client) -> None:
    """The filter in words, and links that widen it."""
    text = signed_in.get(f"{PAGE}?category=salary&date=today").text
    assert "No entry fits: Salary, today." in text
    assert links(text)["Show without Salary"] == f"{PAGE}?date=today"


def test_an_empty_log_says_so(served: Served) -> None:
    """Nothing recorded yet."""
    with httpx.Client(base_url=served.base_url) as client:
        served.deployment.create("blank")
        enter(client, served.link(org="blank"))
        text = client.get("/orgs/blank/activity?category.not=activity_log").text
    assert "Nothing has been recorded yet." in text


def test_one_entry(signed_in: httpx.Client, served: Served) -> None:
    """Who, what, about whom, when, where from, state, and that no content is held."""
    page = signed_in.get(f"{PAGE}?category=roles&outcome=denied").text
    href = re.findall(r'class="when" href="([^"]*)"', page)[0]
    text = signed_in.get(href.replace("&amp;", "&")).text
    for words in (
        "Kari Lie",
        "<dt>Member</dt>",
        "192.0.2.7",
        "Firefox on Linux",
        "Trailbook library",
        "role.assigned",
        "The log does not hold what was changed to or from.",
        "Å" * 200,
    ):
        assert words in text
    # Other tests of this server sign heads: then one covers it.
    assert re.search("Accepted: it has its place in the log|Sealed", text)
    assert signed_in.get(f"{href}&amp;x=1".replace("&amp;", "&")).status_code == 422


def test_recorded_later_shows_both_times(signed_in: httpx.Client) -> None:
    """An entry of weeks ago says when it was recorded; one of this moment does not."""
    assert "recorded later: " in signed_in.get(f"{PAGE}?outcome=success&category=roles").text
    assert "recorded later: " not in signed_in.get(f"{PAGE}?category=users").text


def test_the_zone_cuts_days_and_is_kept(signed_in: httpx.Client) -> None:
    """Another zone is said in words, shown on rows, and stays in every link."""
    text = signed_in.get(f"{PAGE}?{urlencode({'tz': 'Asia/Tokyo', 'category': 'roles'})}").text
    assert "(Asia/Tokyo)" in text
    assert "tz=Asia/Tokyo" in links(text)["Bob Li"]
    assert (
        signed_in.get(f"{PAGE}?category=roles&tz=Europe/Oslo").headers["location"] == f"{PAGE}?category=roles"
    )
    assert "tz=" not in links(signed_in.get(f"{PAGE}?category=roles").text)["Bob Li"]


def test_norwegian(signed_in: httpx.Client) -> None:
    """The page in Bokmål, with its dates."""
    text = signed_in.get(f"{PAGE}?category=users&date=this-year", headers={"Accept-Language": "nb-NO"}).text
    assert '<html lang="nb"' in text
    assert "Brukere, i år" in text
    assert rows(text)[-1] == "Anna Berg oppdaterte sin egen profil"


def test_headers_of_pages_and_files(signed_in: httpx.Client) -> None:
    """The exact policy on every HTML answer; static files may be kept forever, under hashed names."""
    for path in (HOME, f"{PAGE}?x=1", f"{PAGE}/none", "/docs", "/sign-in", "/problems/internal"):
        answer = signed_in.get(path)
        assert answer.headers["content-security-policy"] == CSP
        assert answer.headers["cache-control"] == "no-store"
    style = re.search(r"/static/trailbook\.[0-9a-f]{12}\.css", signed_in.get(HOME).text)
    assert style is not None
    file = signed_in.get(style[0])
    assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert signed_in.get("/static/trailbook.css").status_code == 404


def test_hours_of_the_week(signed_in: httpx.Client) -> None:
    """Offered under More, said as a chip and in the filter's words, in both languages; never of one person."""
    page = signed_in.get(PAGE, params={"hours": "outside"})
    rule = "Outside working hours (weekdays 08:00 to 17:00, Oslo time; public holidays are not known)"
    assert page.status_code == 200
    assert page.text.count(rule) >= 2
    assert '<option value="outside" selected>' in page.text
    norwegian = signed_in.get(PAGE, params={"hours": "night"}, headers={"Accept-Language": "nb"})
    assert "Om natten (22:00 til 06:00, Oslo-tid)" in norwegian.text
    kept = signed_in.get(PAGE, params={"hours": "night,1234567,23:00-05:00,Europe/Oslo"})
    assert '<option value="night,1234567,23:00-05:00,Europe/Oslo" selected>' in kept.text
    refused = signed_in.get(PAGE, params={"hours": "night", "actor": "user/u-17"})
    assert (refused.status_code, "No figures of a person" in refused.text) == (422, True)
    assert links(refused.text)["Show without When in the week"] == f"{PAGE}?actor=user/u-17"
