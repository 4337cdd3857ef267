"""The verdict on a log after whatever was done to it: lost, doubled, torn, or nothing.

Owns one question for every torture: is each acknowledged entry there, once, with the tree whole?
"""

from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from uuid import UUID

import apsw
from tests.torture.scenarios import ORG, open_in

from trailbook.access.viewer import operator
from trailbook.errors import TrailbookError
from trailbook.query import Query
from trailbook.stores import open_store
from trailbook.testing.trees import tree_faults

ME = operator(ORG)


def acknowledged(output: str) -> list[str]:
    """The whole lines that were said; a killed process may leave one cut short."""
    return output.splitlines()[: output.count("\n")]


def faults(folder: Path, lines: Iterable[str], *, verify: bool = True) -> list[str]:
    """Everything that is wrong with the log in a folder after these acknowledgements."""
    try:
        deployment = open_in(folder)
    except TrailbookError as error:
        return [f"does not open: {error.detail}"]
    try:
        return [*_faults(folder, list(lines)), *(_verified(deployment) if verify else [])]
    finally:
        deployment.close()


def _faults(folder: Path, lines: list[str]) -> list[str]:
    store, registry = open_store(f"sqlite:///{folder}/log.db")
    ids = [UUID(line[3:]) for line in lines if line.startswith("id ")]
    size = store.head(ORG).size
    there = store.seq_of(ORG, ids)
    problems = tree_faults(store, ORG)
    problems += [f"lost {id_}" for id_ in ids if id_ not in there]
    problems += [
        f"doubled {id_}" for id_, count in Counter(id_ for id_, _ in store.ids(ORG)).items() if count > 1
    ]
    if store.extent(ORG) != size:
        problems.append(f"{store.extent(ORG)} rows under a head of {size}")
    store.close()
    del registry
    with closing(apsw.Connection(str(folder / "log.db"))) as db:
        problems += [row[0] for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
        for line in lines:
            if line.startswith("erased "):
                key = f"user/{line[7:]}"
                left = db.execute("SELECT count(*) FROM identity WHERE key = ?", (key,)).get
                problems += [f"{line[7:]} can be read again"] if left else []
    if "backup" in lines and not (folder / "backup.db").exists():
        problems.append("the backup is not there")
    return problems


def _verified(deployment) -> list[str]:  # type: ignore[no-untyped-def]
    """What `verify` finds, and whether the index says what the entries say."""
    log = deployment.log(ORG)
    report = deployment.verify(ORG)
    problems = [f"verify: {f.verdict} {f.place} {f.what}" for f in report.findings]
    count, size = log.count(Query(), viewer=ME)
    removed = log._store.head(ORG).removed
    if count != size - removed:
        problems.append(f"the index finds {count} of {size - removed} entries")
    return problems
