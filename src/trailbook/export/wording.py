"""The words that stand in files: headings, the first sheet of a workbook, and what a file's name is made of.

Owns `say/<language>.toml` and how it is read. Refuses to say anything of an entry: sentences and labels are the
catalogue's, and the filter's phrases are those of `query`.
"""

import tomllib
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from trailbook.model import prepare


class Wording(Struct, frozen=True):
    """The words of one language, by where they stand."""

    columns: dict[str, str]
    sheet: dict[str, str]
    dates: dict[str, str]
    names: dict[str, str]
    printed: dict[str, str]


prepare(Wording)


@cache
def words_of(lang: str) -> Wording:
    """The words of a language. Raises: FileNotFoundError for one that has none."""
    text = (Path(__file__).parent / "say" / f"{lang}.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Wording)
