"""What code, tests and documents cite is in this repository: a reader without any other paper understands them.

A rule stands in words where it is kept. A page is cited by its path, one of the written formats also by its name.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORMATS = ROOT / "docs" / "reference"
TRAVELS = {"VERIFY.md"}  # lies in every bundle
KINDS = {".css", ".html", ".js", ".md", ".py", ".pyi", ".sql", ".toml"}
FOREIGN = {"golden", "hostile", "vendor"}  # texts of others, and bytes that stay as they are
# A requirement by its number in a list that nobody has.
_NUMBERED = re.compile(r"(?<![\w/.-])[FGPRS]\d{1,2}\b(?!\.\w)")
_PAGE = re.compile(r"[\w./-]*\w\.md\b(?: \d+\b)?")


def texts() -> Iterator[Path]:
    for folder in ("src", "tests", "bench", "docs", ".ci"):
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in KINDS and not FOREIGN & set(file.parts):
                yield file
    yield from (ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "README.md", "Makefile"))


def prose(file: Path) -> str:
    """What people read of a file: of code its comments and docstrings."""
    text = file.read_text("utf-8")
    return "\n".join(spoken(text)) if file.suffix == ".py" else text


def spoken(code: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def unknown(text: str, folder: Path) -> list[str]:
    """What a text in this folder cites and nobody can look up."""
    pages = [cited for cited in _PAGE.findall(text) if not is_there(cited, folder)]
    return _NUMBERED.findall(text) + pages


def is_there(cited: str, folder: Path) -> bool:
    """Whether a page can be found by what stands there; a section's number is for the written formats alone."""
    name, _, section = cited.partition(" ")
    by_name = name.startswith("format-") and (FORMATS / name).is_file()
    return (
        name in TRAVELS
        or by_name
        or (not section and any((base / name).is_file() for base in (ROOT, folder)))
    )


def test_everything_that_is_cited_is_here() -> None:
    cited = {str(file.relative_to(ROOT)): unknown(prose(file), file.parent) for file in texts()}
    assert {name: what for name, what in cited.items() if what} == {}


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ('"""A day is the viewer\'s (page.md 6)."""', ["page.md 6"]),
        ("x = 1  # catalogue.md", ["catalogue.md"]),
        ("x = 1  # docs/how-to/none.md", ["docs/how-to/none.md"]),
        ('def f():\n    """R10, P7: refused."""', ["R10", "P7"]),
        ('"""Refused (docs/how-to/page.md; format-tree.md 2; RFC 8032; UTF-8)."""\nx = "R10 of page.md"', []),
    ],
)
def test_what_is_elsewhere_is_seen(text: str, cited: list[str]) -> None:
    """The control, and the control of that: what is here may be cited, and a text that is data is no prose."""
    assert unknown("\n".join(spoken(text)), ROOT / "src") == cited
