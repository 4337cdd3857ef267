"""What the page uses of others: pinned, whole, licensed, and small."""

import gzip
import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.web.conftest import Served

import trailbook.web

STATIC = Path(trailbook.web.__file__).with_name("static")
VENDOR = STATIC / "vendor"
BUDGET = 96_000


def listed() -> dict[str, str]:
    """Each file of the manifest, and the hash that is written down for it."""
    manifest: dict[str, Any] = tomllib.loads((VENDOR / "manifest.toml").read_text("utf-8"))
    return {file["path"]: file["sha256"] for package in manifest["package"] for file in package["file"]}


def faults(folder: Path) -> list[str]:
    """Files that are not as the manifest says, are missing, or that nobody listed."""
    there = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}
    there.pop("manifest.toml")
    names = sorted(there.keys() | listed().keys())
    return [name for name in names if there.get(name) != listed().get(name)]


def test_every_part_is_as_it_was_pinned(tmp_path: Path) -> None:
    """Each hash is recomputed; a changed byte, a missing file and an unlisted one are each found."""
    assert faults(VENDOR) == []
    for file in VENDOR.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "htmx.js").write_bytes(b" " + (VENDOR / "htmx.js").read_bytes())
    (tmp_path / "more.js").write_text("")
    (tmp_path / "hx-sse.js").unlink()
    assert faults(tmp_path) == ["htmx.js", "hx-sse.js", "more.js"]


def test_every_package_brings_its_licence() -> None:
    """A licence for each package, and its text beside the files; no registry is named."""
    text = (VENDOR / "manifest.toml").read_text("utf-8")
    packages = tomllib.loads(text)["package"]
    assert {package["licence"] for package in packages} == {"0BSD", "MIT", "ISC"}
    assert {file.name for file in VENDOR.glob("*.LICENSE.txt")} == {
        "designsystemet.LICENSE.txt",
        "htmx.LICENSE.txt",
        "lucide.LICENSE.txt",
    }
    assert "://" not in text


def test_scripts_and_styles_fit_the_budget() -> None:
    """All JavaScript and CSS together, each file gzipped; the page's own has its share."""
    sizes = {
        file.name: len(gzip.compress(file.read_bytes(), 9))
        for file in STATIC.rglob("*")
        if file.suffix in (".js", ".css")
    }
    assert len(sizes) == 8
    assert sum(sizes.values()) <= BUDGET
    assert sum(sizes[own] for own in ("exports.js", "trailbook.css", "trailbook.js")) <= 25_000


@pytest.mark.parametrize("path", ["/sign-in", "/docs"])
def test_nothing_comes_from_elsewhere(served: Served, path: str) -> None:
    """Every script and style is our own file under a hashed name, and none stands in the page."""
    text = httpx.get(served.base_url + path).text
    sources = re.findall(r'<(?:script|link|img|use)[^>]* (?:src|href)="([^"]*)"', text)
    assert sources
    assert all(source.startswith("/static/") for source in sources)
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", text)
