"""XLSX as a spreadsheet opens it: what LibreOffice read is written out by it again, and looked at."""

import shutil
import subprocess
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
from msgspec import structs
from tables import ALL, written
from test_xlsx import ABOUT

from trailbook import Log
from trailbook.export import COLUMN_PRESETS, COLUMNS, HR


def through_an_office(file: Path, folder: Path) -> Path:
    """The same workbook, opened and saved by LibreOffice."""
    office = shutil.which("soffice")
    assert office is not None, "needs LibreOffice: `make office`"
    profile = f"-env:UserInstallation=file://{folder}/profile"  # not the one of whoever runs the tests
    command = [office, profile, "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir"]
    subprocess.run([*command, folder / "saved", file], check=True, capture_output=True, timeout=240)
    return folder / "saved" / file.name


def _plain(value: Any) -> Any:
    """A text as the library reads it where texts are shared, as an office writes them: there it takes escapes away."""
    return value.replace("x005F_", "") if isinstance(value, str) else value


def test_a_spreadsheet_opens_it_as_it_is_meant(hostile: Log, tmp_path: Path) -> None:
    """Dates are dates, numbers numbers; filter and widths are there; no cell is a formula, whatever its text.

    What is frozen it does not write without a screen; `test_xlsx.py` looks at that.
    """
    columns = (*COLUMN_PRESETS[HR], *(name for name in COLUMNS if name not in COLUMN_PRESETS[HR]))
    file = tmp_path / "export.xlsx"
    layout = structs.replace(ALL, columns=columns, about=ABOUT, catalogue=hostile.catalogue)
    file.write_bytes(written(hostile, "xlsx", layout=layout))
    saved = through_an_office(file, tmp_path)
    with zipfile.ZipFile(saved) as archive:
        sheets = [archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == 2
    assert all(b"<f" not in sheet for sheet in sheets)
    first, entries = openpyxl.load_workbook(saved).worksheets
    _, mine = openpyxl.load_workbook(file).worksheets
    assert (first["B2"].value, first["B3"].value) == ("=1+1", 131)
    assert isinstance(first["B7"].value, datetime)
    assert entries.auto_filter.ref == mine.auto_filter.ref
    for column in "AB":  # neighbours of one width are one group, of which a reader tells the first
        width = entries.column_dimensions[column].width
        assert 0.9 < width / mine.column_dimensions[column].width < 1.2, column
    read = [*entries.iter_rows(values_only=True)]
    for row, own in zip(read, mine.iter_rows(values_only=True), strict=True):
        assert [value for value in row if value is not None] == [
            _plain(value) for value in own if value is not None
        ]
    times = [row[columns.index(name)] for row in read[1:] for name in ("when", "occurred_at", "recorded_at")]
    assert all(isinstance(time, datetime) for time in times)
    assert isinstance(read[1][columns.index("seq")], int)
