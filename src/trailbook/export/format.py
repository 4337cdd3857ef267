"""One door to every format: which there are, in which order each has its rows, and how a file becomes whole.

Owns that a file holds exactly what was counted and has its name only then. Refuses to leave a part behind: what
broke off, was cancelled or found no room on the disk is not there.
"""

import importlib
import os
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

from msgspec import Struct

from trailbook.errors import ExportChangedError, FormatUnavailableError
from trailbook.export.columns import COLUMNS, Layout, readers
from trailbook.model import Progress
from trailbook.query import zone

if TYPE_CHECKING:  # whoever exports has a log open; naming formats needs none
    from trailbook.finding import ExportLine, ExportRows

Format = Literal["csv", "xlsx", "jsonl", "parquet", "pdf"]


class Form(Struct, frozen=True, kw_only=True):
    """A format: the order of its rows, its media type, and the modules that it needs, of the extra of its name.

    A `table` has columns, and one that is `printed` has a cover.
    """

    order: Literal["desc", "seq"]
    media_type: str
    table: bool = True
    printed: bool = False
    needs: tuple[str, ...] = ()


# People read the newest first; whoever imports must repeat the order of recording.
FORMATS: dict[Format, Form] = {
    "xlsx": Form(
        order="desc", media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    ),
    "pdf": Form(
        order="desc", media_type="application/pdf", table=False, printed=True, needs=("typst", "pypdf")
    ),
    "csv": Form(order="desc", media_type="text/csv; header=present"),
    "jsonl": Form(order="seq", media_type="application/jsonl", table=False),
    "parquet": Form(order="seq", media_type="application/vnd.apache.parquet", needs=("pyarrow",)),
}


def formats() -> tuple[Format, ...]:
    """The formats that this installation can write."""
    return tuple(name for name, form in FORMATS.items() if all(map(find_spec, form.needs)))


def check_format(name: str, columns: tuple[str, ...] | None = None, tz: str = "UTC") -> None:
    """Refuse what cannot be written. Raises: FormatUnavailableError; InvalidError for columns or zone."""
    form = FORMATS[cast(Format, name)]
    if name not in formats():
        raise FormatUnavailableError(
            f"format: {name} needs the extra `{name}`: pip install trailbook[{name}]"
        )
    if form.table:
        readers(Layout(columns=COLUMNS if columns is None else columns, tz=tz))
    elif form.printed:
        zone(tz)


def file_pieces(
    name: Format, batches: Iterable["list[ExportLine]"], layout: Layout
) -> Generator[bytes, None, None]:
    """A file of this format, piece by piece; one that takes its time gives empty pieces meanwhile.

    Raises: FormatUnavailableError; whatever the rows raise.
    """
    check_format(name, layout.columns, layout.tz)
    module = importlib.import_module(f"trailbook.export.{name}")
    write = getattr(module, f"{name}_file")
    form = FORMATS[name]
    pieces: Generator[bytes, None, None] = (
        write(batches, layout) if form.table or form.printed else write(batches)
    )
    return pieces


def exactly(rows: "ExportRows", progress: Progress = lambda done, of: None) -> Iterator["list[ExportLine]"]:
    """The batches of these rows, told to `progress` one by one.

    Raises: ExportChangedError when they are not as many as were counted.
    """
    done = 0
    for batch in rows.batches:
        done += len(batch)
        if done > rows.count:
            break
        yield batch
        progress(done, rows.count)
    if done != rows.count:
        raise ExportChangedError(
            f"{rows.count} entries were counted, and {done} were there to write: entries were removed meanwhile"
        )


@contextmanager
def whole_file(output: Path) -> Iterator[BinaryIO]:
    """A file that has its name once the block ended well; until then, and after a failure, there is none."""
    # Beside the final name, so that the renaming is one step of the file system.
    handle, name = tempfile.mkstemp(prefix=f".{output.name}.", suffix=".part", dir=output.parent)
    os.close(handle)
    try:
        with open(name, "w+b") as out:  # by its name, by which a bundle's verifier opens it again
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.replace(name, output)
    except BaseException:
        os.unlink(name)
        raise
