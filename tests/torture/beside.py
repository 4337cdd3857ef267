"""What a log's neighbours do while their system calls are cut: `beside.py NAME FOLDER`, as `scenarios.py`.

The drain moves what a host committed from its outbox; an export becomes a file; an older file is migrated. `before`
makes what a scenario needs, `settle` lets it end after the cut and says what must then be in the log.
"""

import hashlib
import random
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from tests.capture.small import User, capturing, waiting
from tests.torture.scenarios import ORG, entry, open_in, say

from trailbook import Item, Query
from trailbook.access.viewer import Viewer
from trailbook.capture import drain as drained
from trailbook.capture.outbox_drain import Ways
from trailbook.deployment.deployment import Deployment
from trailbook.export.runner import ExportRequest, Runner

READER = Viewer(
    org=ORG,
    item=Item(type="user", id="u-17", name="Anna Berg"),
    activity_log="full",
    read_proofs="full",
    roles=("system-administrator",),
)
_OLD = """
DROP TABLE hint; DROP TABLE saved_view; DROP TABLE choice;
DROP TABLE job; DROP TABLE member; DROP TABLE role; DROP TABLE organisation; DROP TABLE session;
CREATE TABLE session (token_hash BLOB PRIMARY KEY) STRICT;
ALTER TABLE api_key DROP COLUMN old_hash; ALTER TABLE api_key DROP COLUMN old_until;
ALTER TABLE api_key DROP COLUMN used_at; ALTER TABLE api_key DROP COLUMN categories;
ALTER TABLE api_key DROP COLUMN only_itself; ALTER TABLE api_key DROP COLUMN restricted;
PRAGMA user_version = 1;
"""


def before(name: str, folder: Path) -> None:
    """Make what a scenario finds beside the log, or in it."""
    if name == "migrate":
        db = apsw.Connection(str(folder / "log.db"))
        db.execute(_OLD)
        db.close()
    if name == "drain":
        engine = create_engine(f"sqlite:///{folder}/host.db")
        with capturing(engine):
            for number in range(9):
                with Session(engine) as session, session.begin():
                    session.add(User(name=f"Name {number}"))
        ids = [each["id"] for each in waiting(engine)]
        engine.dispose()
        (folder / "captured.json").write_bytes(msgspec.json.encode(ids))


def settle(name: str, folder: Path) -> list[str]:
    """What the log must hold, for a host committed it, once the drain has ended after all."""
    if name != "drain":
        return []
    deployment = open_in(folder)
    drain(deployment, folder, random.Random())
    deployment.close()
    return [f"id {id_}" for id_ in msgspec.json.decode((folder / "captured.json").read_bytes())]


def torn(folder: Path, lines: list[str]) -> list[str]:
    """Exports that are not as they were said to be, or not whole under their name."""
    problems = []
    for line in lines:
        if line.startswith("exported "):
            _, path, digest = line.split()
            if not (folder / path).exists():
                problems.append(f"lost {path}")
            elif hashlib.sha256((folder / path).read_bytes()).hexdigest() != digest:
                problems.append(f"changed {path}")
    for path in folder.glob("exports/*/*.jsonl"):
        if not path.name.startswith(".") and not path.read_bytes().endswith(b"}\n"):
            problems.append(f"half a file {path.name}")
    return problems


def migrate(deployment: Deployment, folder: Path, chance: random.Random) -> None:
    """Opening the file migrated it."""
    made = entry(chance)
    deployment.log(ORG).record_many([made])
    say(f"id {made.id}")


def drain(deployment: Deployment, folder: Path, chance: random.Random) -> None:
    """What waits in the host's outbox, a few at a time."""
    engine = create_engine(f"sqlite:///{folder}/host.db")
    drained(engine, deployment.log(ORG), Ways(batch=3))
    engine.dispose()


def export(deployment: Deployment, folder: Path, chance: random.Random) -> None:
    """An order that becomes a file with a manifest."""
    runner = Runner(deployment, folder / "exports")
    reader = deployment.credentials.still(READER)  # with what is withheld from this role
    job = runner.order(ExportRequest(query=Query(), format="jsonl"), reader)
    deployment.signer().sign(ORG)
    runner.step()
    path = runner.path(runner.orders.find(reader, job.id), reader)
    say(f"exported {path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}")


BESIDE: dict[str, Callable[[Deployment, Path, random.Random], None]] = {
    each.__name__: each for each in (migrate, drain, export)
}


def main(name: str, folder: str) -> None:
    place = Path(folder)
    deployment = open_in(place)
    BESIDE[name](deployment, place, random.Random(7))
    deployment.close()
    say("ended")


if __name__ == "__main__":
    main(*sys.argv[1:])
