"""PDF, read back by another library: the entries and nothing else, on numbered pages, whatever stands in a name."""

import io
import os
import re
import signal
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pypdf
import pytest
from tables import ORG, VIEWER

from trailbook import Log, Query
from trailbook.errors import ExportFailedError
from trailbook.export import exactly
from trailbook.export.columns import About, Layout
from trailbook.export.pdf import Pace, _absolute, _parted, pdf_file
from trailbook.export.pdf_sheets import joined, set_rows
from trailbook.export.pdf_wire import Ask, Join, Row
from trailbook.finding import ExportLine

EVERYTHING = Query(as_of=131)  # whoever reads is an entry too
SMALL = Pace(rows=70, tick=0.05)  # two sets of rows, so that the pages of both are joined
ABOUT = About(
    question="Roles, last year",
    org=ORG,
    count=131,
    as_of=131,
    order="desc",
    who="Ingrid Sæther",
    at="2026-11-29T10:12:00Z",
    file=None,
)
HEADS = ("Time", "What happened", "Category")
FONTS = ("LibertinusSerif", "DejaVuSansMono", "NewCM")


def pages(content: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages]


def bare(text: str) -> str:
    """A text without blanks: where a line ends is no matter."""
    return re.sub(r"\s+", "", text)


def layout_of(log: Log, lang: str = "en") -> Layout:
    return Layout(columns=(), tz="Europe/Oslo", lang=lang, catalogue=log.catalogue, about=ABOUT)


def printed(log: Log, query: Query = EVERYTHING, pace: Pace = SMALL, lang: str = "en") -> bytes:
    rows = log.export(query, viewer=VIEWER, lang=lang)
    return b"".join(pdf_file(exactly(rows), layout_of(log, lang), pace))


def row_texts(log: Log) -> Iterator[str]:
    """What each row has to say, newest first; private and full-width letters are in no font and stand as numbers."""
    for row in log.rows(EVERYTHING, viewer=VIEWER):
        sentence = re.sub("[\ue000\ue001＝]", lambda m: f"[U+{ord(m[0]):04X}]", row.sentence)
        notes = [log.catalogue.label("outcome", row.outcome, "en")] if row.outcome != "success" else []
        notes += [f"changed: {', '.join(row.fields)}"] if row.fields else []
        notes += ["some letters shown by number"] if sentence != row.sentence else []
        yield sentence + " · ".join(notes) + log.catalogue.label("category", row.category, "en")


def asked(*texts: str, link: str | None = None) -> Ask:
    rows = [Row(day="Day", text=text, link=link, name=(0, len(text)) if link else (0, 0)) for text in texts]
    return Ask(lang="en", title="T", at=0, heads=HEADS, none="No entries.", numbers="by number", rows=rows)


def shown(*texts: str, link: str | None = None) -> pypdf.PdfReader:
    """Rows of these texts as a file, without another process."""
    _, sheets = set_rows(asked(*texts, link=link))
    out = io.BytesIO()
    joined(Join(lang="en", title="T", at=0, page="{page}/{pages}", left="§"), iter([sheets])).write(out)
    return pypdf.PdfReader(out)


@pytest.fixture(scope="module")
def made(hostile: Log) -> bytes:
    """The hostile log, printed in several sets of rows."""
    return printed(hostile)


def test_the_text_is_exactly_the_entries(hostile: Log, made: bytes) -> None:
    """Every entry once, newest first, under its day, and nothing else but heads and numbers of pages."""
    texts = pages(made)
    first, *rest = texts
    top = "Activity log · nordlys Roles, last year 131 entries · Times in Europe/Oslo"
    assert bare(first).startswith(bare(f"{top} · Printed 29 November 2026, 11:12 by Ingrid Sæther"))
    assert len(rest) >= 3
    body = bare(first.split("Sæther", 1)[1]) + "".join(map(bare, rest))
    for number in range(1, len(texts) + 1):
        foot = bare(f"Activity log · nordlys Page {number} of {len(texts)}")
        assert body.count(foot) == 1
        assert foot in bare(texts[number - 1])
        body = body.replace(foot, "")
    heads = re.compile(bare(" ".join(HEADS)) + r"[A-Z][a-z]+day\d+[A-Z][a-z]+\d{4}")
    assert len(heads.findall(body)) == len(texts)  # on every page
    body = heads.sub("", body)
    rows = list(row_texts(hostile))
    assert re.sub(r"\d\d:\d\d", "|", body) == "".join(f"|{bare(row)}" for row in rows)
    assert len(rows) == 131


def test_one_order_is_one_file(hostile: Log, made: bytes) -> None:
    """The same rows are the same bytes, in fonts that travel inside and on pages that are full."""
    assert printed(hostile) == made
    reader = pypdf.PdfReader(io.BytesIO(made))
    fonts = {str(font.get_object()["/BaseFont"]) for page in reader.pages for font in fonts_of(page)}
    assert fonts
    assert all(any(name in font for name in FONTS) for font in fonts)
    rows = [len(re.findall(r"^\d\d:\d\d ", text, re.MULTILINE)) for text in pages(made)]
    assert min(rows[1:-1]) > 20  # also the last page of a set


def fonts_of(page: pypdf.PageObject) -> Iterable[pypdf.generic.PdfObject]:
    resources = page["/Resources"].get_object()
    assert isinstance(resources, pypdf.generic.DictionaryObject)
    fonts = resources["/Font"].get_object()
    assert isinstance(fonts, pypdf.generic.DictionaryObject)
    return fonts.values()


def test_nothing_found_is_said(hostile: Log) -> None:
    """A list of nothing is a page that says so, in the language that was asked for."""
    (page,) = pages(printed(hostile, Query(as_of=0), lang="nb"))
    for words in (
        "Ingen oppføringer.",
        "Side 1 av 1",
        "Skrevet ut 29. november 2026, 11:12 av Ingrid Sæther",
    ):
        assert words in page


def test_no_letter_is_lost() -> None:
    """What no font has, and what nobody would see, stands by its number, and its row says so; all else as it is."""
    texts = {
        "漢字 and Anna": "[U+6F22 U+5B57] and Anna by number",
        "a\tb\x00c": "a[U+0009]b[U+0000]c by number",
        "a\u202eb\u200bc": "a[U+202E]b[U+200B]c by number",
        "😀": "[U+1F600] by number",
        "Åse Ødegård Guðrún Łukasz": "Åse Ødegård Guðrún Łukasz",
        "Ελένη Привет": "Ελένη Привет",
        "#strong[x] $a$ *b* _c_ @d // e": "#strong[x] $a$ *b* _c_ @d // e",
        "q\u0323\u0302 and q": "q\u0323\u0302 and q",
        "ﬁ fi": "ﬁ fi",
        "x" * 300: "x" * 300,
    }
    (page,) = shown(*texts).pages
    expected = bare(" ".join([*HEADS, "Day", *texts.values(), "§1/1"]))
    assert bare(page.extract_text()) == expected
    answer, _ = set_rows(asked(*texts))
    assert sorted(answer.missing) == ["字", "漢", "😀"]


def test_right_to_left_stays_readable() -> None:
    """Words of a name from right to left keep their letters in order; which word comes first is the reader's to say."""
    words = {"שלום", "עולם", "gave", "مرحبا", "role"}
    (page,) = shown("שלום עולם gave مرحبا a role").pages
    assert all(word in page.extract_text() for word in words)


def test_a_sentence_longer_than_a_page_goes_on(hostile: Log) -> None:
    """It is cut into rows, each of which a page has room for, even if every letter stood by its number."""
    long = " ".join(f"person-{at}" for at in range(3_000))
    parts = list(_parted(long))
    assert "".join(parts) == long
    reader = shown(*parts, *_parted("漢" * 1_000))
    texts = [bare(page.extract_text()) for page in reader.pages]
    body = "".join(texts)
    assert (
        re.findall(r"person-\d+", "".join(re.split(r"§\d+/\d+TimeWhathappenedCategoryDay", body)))
        == long.split()
    )
    assert body.count("U+6F22") == 1_000
    boxes = [page.mediabox for page in reader.pages]
    assert all(box.height > box.width for box in boxes)


def test_a_link_has_its_host() -> None:
    """A link in a file leads somewhere by itself; without a base a relative one is none."""
    (page,) = shown("Anna", link="https://hr.example/users/u-1").pages
    (link,) = page["/Annots"].get_object()
    assert link.get_object()["/A"]["/URI"] == "https://hr.example/users/u-1"
    assert "/Annots" not in shown("Anna").pages[0]
    assert _absolute("users/u-1", "https://hr.example/app") == "https://hr.example/app/users/u-1"
    assert _absolute("users/u-1", None) is None
    assert _absolute("https://hr.example/", None) == "https://hr.example/"


def children() -> list[int]:
    return [
        int(pid)
        for task in Path("/proc/self/task").iterdir()
        for pid in (task / "children").read_text().split()
    ]


def test_a_child_that_is_killed_ends_the_file(hostile: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """One child at a time, without a secret of this process; where it is killed or too slow there is no file."""
    monkeypatch.setenv("TRAILBOOK_SECRET", "s3cret")
    rows = hostile.export(EVERYTHING, viewer=VIEWER)
    pieces = iter(pdf_file(exactly(rows), layout_of(hostile), Pace(tick=0.01)))
    before = set(children())
    assert next(pieces) == b""
    (child,) = set(children()) - before
    environment = Path(f"/proc/{child}/environ").read_bytes()
    assert b"s3cret" not in environment
    os.kill(child, signal.SIGKILL)
    with pytest.raises(ExportFailedError, match="status -9"):
        list(pieces)
    with pytest.raises(ExportFailedError, match="longer"):
        printed(hostile, pace=Pace(tick=0.01, setting=0.01))
    rows = hostile.export(EVERYTHING, viewer=VIEWER)
    with closing(pdf_file(exactly(rows), layout_of(hostile), Pace(tick=0.01))) as unwanted:
        assert next(unwanted) == b""
    assert set(children()) == before


def test_few_rows_are_held(hostile: Log) -> None:
    """Rows are read as they are needed: when the first ones are set, no more than two sets have been."""
    read = 0

    def counted() -> Iterator[list[ExportLine]]:
        nonlocal read
        for batch in hostile.export(EVERYTHING, viewer=VIEWER, batch=10).batches:
            read += len(batch)
            yield batch

    pieces = pdf_file(counted(), layout_of(hostile), Pace(rows=20, tick=0.01))
    with closing(pieces):
        assert next(pieces) == b""
        assert read == 40
