"""Parquet, read back by its own library: types and values, as another program computes with them."""

import io

import pyarrow.parquet as pq
from tables import HOSTILE, VIEWER, written

from trailbook import Log, Query


def test_parquet_reads_back(hostile: Log) -> None:
    """Types and values, as another program computes with them."""
    rows = pq.read_table(io.BytesIO(written(hostile, "parquet"))).to_pylist()
    plain = list(hostile.rows(Query(), viewer=VIEWER, order="seq"))
    assert [row["seq"] for row in rows] == [row.seq for row in plain]
    assert [row["sentence"] for row in rows] == [row.sentence for row in plain]
    assert [row["occurred_at"].isoformat() for row in rows] == [
        row.occurred_at.replace("Z", "+00:00") for row in plain
    ]
    assert [row["fields"] for row in rows] == [list(row.fields) for row in plain]
    assert rows[0]["concerns"] == [f"member: {HOSTILE[0]} (user/u-0)"]


def test_nothing_found_is_a_table_without_rows(hostile: Log) -> None:
    """An empty answer has no row, and still its columns."""
    empty = pq.read_table(io.BytesIO(written(hostile, "parquet", Query(as_of=0))))
    assert (empty.num_rows, empty.column_names[0]) == (0, "occurred_at")
