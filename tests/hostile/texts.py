"""Texts that break programs: the Big List of Naughty Strings and JSONTestSuite, as they were on 2026-11-23.

Owns the archive beside it, which has their MIT licences: blns 2.0.4 (Max Woolf) and json-test-suite 1.0.0 (fisker
Cheung, after Nicolas Seriot). Refuses an archive that is not the one that was looked at. The second keeps bytes that
are no UTF-8 as U+FFFD; they are read back as the byte FF, which is none either.
"""

import hashlib
import json
import zipfile
from pathlib import Path

_ARCHIVE = Path(__file__).with_name("texts.zip")
_SHA256 = "d49b54c25638ef327685c675dccc2495c8f5ea8f7f2665dbf41db84ad196e095"
# What the list has not: bidirectional and invisible marks, starts of formulas, line ends, four bytes, very long.
_MORE = (
    *(
        "\u202egnp.exe",
        "\u2066a\u2069",
        "a\u200bb",
        "\u2060",
        "\ufeffa",
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
    ),
    *(
        "a\u0000b",
        "a\nb",
        "a\u2028b",
        "a\u0085b",
        "𝒳𐍈",
        "x" * 200,
        "x" * 100_000,
        '=HYPERLINK("//x")',
        "|calc",
    ),
    *("<script>document.title='run'</script>", "javascript:document.title='run'", "//host.example/"),
)


def naughty() -> list[str]:
    """Every hostile text, once."""
    return list(dict.fromkeys((*json.loads(_read("blns.json")), *_MORE)))


def suite(kind: str) -> dict[str, bytes]:
    """The files of JSONTestSuite by name: `n` must be refused, `y` is JSON."""
    cases: dict[str, str] = json.loads(_read("json-test-suite.json"))
    return {
        name: text.encode().replace("\ufffd".encode(), b"\xff")
        for name, text in cases.items()
        if name.startswith(f"{kind}_")
    }


def _read(name: str) -> bytes:
    content = _ARCHIVE.read_bytes()
    assert hashlib.sha256(content).hexdigest() == _SHA256
    with zipfile.ZipFile(_ARCHIVE) as archive:
        return archive.read(name)
