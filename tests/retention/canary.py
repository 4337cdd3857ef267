"""Somebody whose every trace is a word that stands nowhere else, and a scan of a log's files for these words."""

from pathlib import Path

import msgspec

from trailbook import Actor, Item, NewEntry, Origin
from trailbook.stores import Store, open_store
from trailbook.testing import FrozenClock
from trailbook.testing.small import ANNA, WEB, assigned

GONE = Item(type="user", id="canary-id-4711", name="Kanarifugl Gulefjær", hint="Piper in the Canary Choir")
PLACE = Origin(interface="web", ip="198.51.100.77", user_agent="CanaryAgent/9.1 (x)")
SECRETS = [b"canary-id-4711", b"Kanarifugl", "Gulefjær".encode(), b"gulefjaer", b"kanarifugl"]
SECRETS += [b"198.51.100.77", b"CanaryAgent", b"canary-absence-1", b"Canary Choir"]


def about(clock: FrozenClock) -> list[NewEntry]:
    """What the person did and what was done about them: own origin, a renamed self, a personal item, a hint."""
    gone = Actor(kind="person", type=GONE.type, id=GONE.id, name=GONE.name)
    own, by_anna = {"occurred_at": clock(), "origin": PLACE}, {"occurred_at": clock(), "origin": WEB}
    absence = {"type": "absence", "id": "canary-absence-1"}
    owner = {"part": "owner", "type": GONE.type, "id": GONE.id, "name": "Kanarifugl Nyttnavn"}
    return [
        NewEntry(action="user.profile_updated", actor=gone, target=GONE, **own),
        NewEntry(
            action="absence.registered",
            actor=ANNA,
            target=Item(**absence),
            concerns=(msgspec.convert(owner, type=assigned(clock, 1).concerns[0].__class__),),
            **by_anna,
        ),
    ]


def files(folder: Path) -> bytes:
    """Every byte of the database's files."""
    return b"".join(file.read_bytes() for file in folder.glob("log.db*") if file.is_file())


def hits(folder: Path) -> list[bytes]:
    """Which secrets of the person can be read in the files."""
    written = files(folder)
    return [secret for secret in SECRETS if secret in written]


def stored(folder: Path) -> Store:
    """The store of a folder, opened apart."""
    return open_store(f"sqlite:///{folder}/log.db")[0]
