"""The jobs of an embedded log: exports that were ordered, in the same SQLite file.

Owns the rows. Refuses to know what a job does: a change is made only where nobody else made one since.
"""

from msgspec import structs

from trailbook.stores.jobs import LIVE, Job, JobLimits
from trailbook.stores.sqlite.connection import Connections

_COLUMNS = Job.__struct_encode_fields__
_JOB = f"SELECT {', '.join(_COLUMNS)} FROM job"
_ADD = f"INSERT INTO job ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_PUT = f"UPDATE job SET {', '.join(f'{name} = ?' for name in _COLUMNS)} WHERE id = ? AND state = ? AND beat_at = ?"
_COUNTS = (
    "SELECT count(*), coalesce(sum(state IN (?, ?)), 0), coalesce(sum(state IN (?, ?) AND viewer = ?), 0)"
    " FROM job WHERE org = ?"
)


class SqliteJobs:
    """`Jobs` in the log's own file."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def add(self, job: Job, limits: JobLimits) -> bool:
        with self._connections.writing() as db:
            kept, live, own = db.execute(_COUNTS, (*LIVE, *LIVE, job.viewer, job.org)).get
            room = kept < limits.kept and live < limits.org and own < limits.viewer
            if room:
                db.execute(_ADD, structs.astuple(job))
            return bool(room)

    def get(self, org: str, id_: str) -> Job | None:
        with self._connections.reading() as db:
            row = db.execute(_JOB + " WHERE org = ? AND id = ?", (org, id_)).fetchone()
            return None if row is None else Job(*row)

    def every(self, org: str | None = None) -> list[Job]:
        with self._connections.reading() as db:
            if org is None:
                return [Job(*row) for row in db.execute(_JOB + " ORDER BY created_at, id")]
            return [Job(*row) for row in db.execute(_JOB + " WHERE org = ? ORDER BY created_at, id", (org,))]

    def put(self, job: Job, was: Job) -> bool:
        with self._connections.writing() as db:
            db.execute(_PUT, (*structs.astuple(job), was.id, was.state, was.beat_at))
            return db.changes() == 1

    def drop(self, org: str, id_: str) -> None:
        with self._connections.writing() as db:
            db.execute("DELETE FROM job WHERE org = ? AND id = ?", (org, id_))

    def forget(self, org: str) -> None:
        with self._connections.writing() as db:
            db.execute("DELETE FROM job WHERE org = ?", (org,))
        self._connections.empty_wal()
