"""Parquet: the table with its types, for whoever computes with it. Needs the extra `parquet` (pyarrow).

Owns the types of the columns: instants in UTC with microseconds, `seq` a whole number, lists as lists, everything
else text, absent where there is none. Refuses to guard a text: nothing that reads Parquet takes one for a formula.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trailbook.export.columns import Column, Layout, readers
from trailbook.export.sink import Sink

if TYPE_CHECKING:  # whoever exports has a log open; naming formats needs none
    from trailbook.finding import ExportLine

_GROUP = 32_768  # rows of one row group: what is held in memory
_INSTANT = pa.timestamp("us", "UTC")
_LISTS: dict[str, Callable[["ExportLine"], list[str]]] = {
    "fields": lambda line: list(line.body.fields),
    "concerns": lambda line: [f"{part}: {face.called}" for part, face in line.concerns],
}
_INSTANTS = ("occurred_at", "recorded_at")


def parquet_file(batches: Iterable["list[ExportLine]"], layout: Layout) -> Iterator[bytes]:
    """The file in pieces, a row an entry; local times are those of the layout's zone."""
    reads = dict(zip(layout.columns, readers(layout), strict=True))
    shape = schema(layout)
    sink = Sink()
    with pq.ParquetWriter(sink, shape, compression="zstd") as writer:
        for group in _groups(_tables(batches, reads, shape)):
            writer.write_table(group)
            yield sink.taken()
    yield sink.taken()


def schema(layout: Layout) -> Any:
    """The columns with their types."""
    return pa.schema([(name, _type(name)) for name in layout.columns])


def _type(name: str) -> Any:
    if name in _LISTS:
        return pa.list_(pa.string())
    if name in _INSTANTS:
        return _INSTANT
    return pa.int64() if name == "seq" else pa.string()


def _tables(batches: Iterable["list[ExportLine]"], reads: Mapping[str, Column], shape: Any) -> Iterator[Any]:
    """Each batch as columns at once: the lines of a whole row group would take ten times their room."""
    for batch in batches:
        arrays = [_array(name, read, batch) for name, read in reads.items()]
        yield pa.Table.from_arrays(arrays, schema=shape)


def _groups(tables: Iterable[Any]) -> Iterator[Any]:
    held: list[Any] = []
    for table in tables:
        held.append(table)
        if sum(len(table) for table in held) >= _GROUP:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def _array(name: str, read: Column, lines: "list[ExportLine]") -> Any:
    if name in _LISTS:
        listed = _LISTS[name]
        return pa.array([listed(line) for line in lines], _type(name))
    if name == "seq":
        return pa.array([line.seq for line in lines], pa.int64())
    texts = pa.array([text or None for text in read(lines)], pa.string())
    if name in _INSTANTS:
        return pc.cast(pc.utf8_rtrim(texts, "Z"), pa.timestamp("us")).cast(_INSTANT)
    return texts
