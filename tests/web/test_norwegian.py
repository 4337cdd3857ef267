"""No English inside Norwegian: what the Norwegian files say is Norwegian.

That a page shows nothing but those files, the catalogue and recorded names is what `test_languages.py` shows, of every
page; here is what the files themselves say.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.web.foreign import FILES as TEXTS

import trailbook

PACKAGE = Path(trailbook.__file__).parent
# Words that stand in almost every English sentence and in no Norwegian one.
ENGLISH = frozenset(
    "the of and is are was were be been with without this that these those not you your who what when where which "
    "how why has have had it its they their them his her from an as at or but if there here one two only every each "
    "more most other than then was will would can may must should does did do no yes please click show shown entries "
    "entry today yesterday week month year changed updated created deleted removed added given taken sent received "
    "person people user name time day night hours date file export search filter none nobody everything nothing".split()
) - frozenset("at one you do did has her an no file export filter person time be sent".split())
# The same word in both: short for a type, a name, a format, or a loan.
ALIKE = re.compile(r"API|CSV|XLSX|PDF|IP|URL|HR|SAML|SCIM|SSO|JSON|ID|UTC|\{[a-z_0-9]*\}|[^A-Za-z]")


def texts(table: dict[str, Any], before: str = "") -> dict[str, str]:
    """Every text of a file by its dotted key."""
    flat: dict[str, str] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            flat |= texts(value, f"{before}{name}.")
        else:
            flat[before + name] = " ".join(value) if isinstance(value, list) else str(value)
    return flat


def of(folder: str, lang: str) -> dict[str, str]:
    return texts(tomllib.loads((PACKAGE / folder / f"{lang}.toml").read_text("utf-8")))


def english_in(text: str) -> set[str]:
    """The words of a text that are English, and nothing else."""
    return set(re.findall(r"[a-zæøå]+", re.sub(r"\{[^}]*\}|`[^`]*`", " ", text.lower()))) & ENGLISH


@pytest.mark.parametrize("folder", TEXTS)
def test_no_text_is_english(folder: str) -> None:
    """None has an English word in it; the control is English, nearly every text of which does."""
    assert {key: words for key, text in of(folder, "nb").items() if (words := english_in(text))} == {}
    sentences = [text for text in of(folder, "en").values() if len(text.split()) > 4]
    assert sum(1 for text in sentences if english_in(text)) > 0.6 * len(sentences)


def test_none_was_forgotten() -> None:
    """A text of three words and more is nowhere the same in both languages."""
    for folder in TEXTS:
        english, norwegian = of(folder, "en"), of(folder, "nb")
        assert set(english) == set(norwegian)
        long = {key for key, text in english.items() if len(ALIKE.sub(" ", text).split()) > 2}
        assert {key: norwegian[key] for key in long if norwegian[key] == english[key]} == {}
