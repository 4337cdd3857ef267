"""A language of files alone: `ж` for every letter of English, in a copy of the package; and what is then shown.

Run as a program with the copy first on its path, it prints the pages and the sentences of a small log in that language.
"""

import asyncio
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import httpx

from trailbook import Actor, Item, Origin, open_deployment, operator
from trailbook.query import from_line
from trailbook.web import create_app
from trailbook.web.http.auth import COOKIE

LANG = "xx"
FILES = ("catalogue/say", "query/say", "export/say", "web/locale")
# What a language is written with, of one that is spoken: so that months and numbers are not English either.
LANGUAGE = {
    "name": "Жжж",
    "locale": "uk_UA",
    "day": "long",
    "short-day": "medium",
    "weekday": "full",
    "answers": LANG,
}
# A form of several has a line of its own, or stands in a list.
_VALUE = re.compile(r'(= \[?|, |^    )"((?:[^"\\]|\\.)*)"', re.MULTILINE)
_KEPT = re.compile(r"(\{[^{}]*\}|\\.)")


def written(english: str) -> str:
    """A file of texts with `ж` for each letter, but for slots and escapes."""

    def letters(text: str) -> str:
        return re.sub(r"[A-Z]", "Ж", re.sub(r"[a-z]", "ж", text))

    def value(match: re.Match[str]) -> str:
        parts = _KEPT.split(match[2])
        return f'{match[1]}"{"".join(p if at % 2 else letters(p) for at, p in enumerate(parts))}"'

    return _VALUE.sub(value, english)


def add(package: Path) -> None:
    """Add the language to a copy of the package: four files, and nothing else is touched."""
    for folder in FILES:
        text = written((package / folder / "en.toml").read_text("utf-8"))
        if folder == "web/locale":
            rows = "".join(f'{name} = "{value}"\n' for name, value in LANGUAGE.items())
            text = re.sub(r"\[language\]\n(.+\n)+", f"[language]\n{rows}", text)
        (package / folder / f"{LANG}.toml").write_text(text, "utf-8")


def copied(package: Path, into: Path) -> Path:
    """A copy of the package with the language; the folder to put on a path."""
    shutil.copytree(package, into / "trailbook", ignore=shutil.ignore_patterns("__pycache__"))
    add(into / "trailbook")
    return into


async def answers(app: Any, cookies: dict[str, str], paths: list[str]) -> dict[str, str]:
    """The pages of an application that is called without a server between."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport,
        base_url="http://log.example",
        headers={"Accept-Language": LANG},
        cookies=cookies,
        follow_redirects=True,
    ) as client:
        pages = {path: await client.get(path) for path in paths}
    failed = {path: page.status_code for path, page in pages.items() if page.status_code >= 500}
    assert not failed, failed
    return {path: page.text for path, page in pages.items()}


async def shown(app: Any, cookies: dict[str, dict[str, str]], asked: list[str]) -> dict[str, str]:
    """Pages by who asks for them, as `who path`: `reader`, `employee` without access, or `nobody`."""
    pages: dict[str, str] = {}
    for who, kept in cookies.items():
        paths = [path for asker, _, path in (each.partition(" ") for each in asked) if asker == who]
        pages |= {f"{who} {path}": page for path, page in (await answers(app, kept, paths)).items()}
    return pages


def main() -> None:
    """Print what a small log shows in the language, as JSON."""
    deployment = open_deployment("sqlite:///log.db", create=True)
    log = deployment.create("acme")
    actor = Actor(kind="person", type="user", id="1", name="Ωα")
    for outcome in ("success", "denied"):
        log.record(
            "role.assigned",
            actor=actor,
            target=Item(type="role", id="2", name="Ωβ"),
            concerns={"member": Item(type="user", id="3", name="Ωγ")},
            outcome=outcome,
            origin=Origin(interface="web"),
        )
    page = log.search(from_line("category:roles"), viewer=operator("acme"), lang=LANG)
    credentials = deployment.credentials
    reader = credentials.new_link("acme", Item(type="user", id="1"), ("system-administrator",))
    employee = credentials.new_link("acme", Item(type="user", id="4"), ("employee",))
    cookies: dict[str, dict[str, str]] = {
        "reader": {COOKIE: credentials.sign_in(reader)},
        "employee": {COOKIE: credentials.sign_in(employee)},
        "nobody": {},
    }
    paths = [path.format(entry=page.entries[0].id) for path in sys.argv[1:]]
    pages = asyncio.run(shown(create_app(deployment, base_url="http://log.example"), cookies, paths))
    deployment.close()
    sentences = [entry.sentence for entry in page.entries]
    print(json.dumps({"sentences": sentences, "pages": pages}))


if __name__ == "__main__":
    main()
