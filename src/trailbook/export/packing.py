"""A file with its signed statement in one ZIP, so that neither travels without the other.

Owns the names in it, by which `verify` finds both. Refuses to hold either in memory, and to have a time of its own:
the same file and statement are the same ZIP.
"""

import shutil
import zipfile
from pathlib import Path

from trailbook.export.format import whole_file

STATEMENT = ".note"  # what the name of a file's statement ends with, after the file's own
_PIECE = 1 << 20


def pack(packed: Path, name: str, file: Path, statement: Path) -> None:
    """Write both into a ZIP under the name that the file has where it has left us."""
    with (
        whole_file(packed) as out,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        for part, source in ((name, file), (f"{name}{STATEMENT}", statement)):
            # Opened by name a part is of 1980, whenever it is written.
            with archive.open(part, "w", force_zip64=True) as to, source.open("rb") as content:
                shutil.copyfileobj(content, to, _PIECE)
