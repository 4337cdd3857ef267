"""Exports that are ordered and fetched, as the document describes them."""

from typing import Any

from trailbook.export import FORMATS
from trailbook.web.api.exports import NOTE, ZIP
from trailbook.web.api.openapi.shapes import (
    ADMITTED,
    FILTERED,
    ORG,
    Answer,
    Operation,
    answer,
    query,
    ref,
    whole,
)
from trailbook.web.http.media import JSON

_FILE_HEADERS = ("ETag", "Repr-Digest", "Content-Disposition", "Accept-Ranges")
_BYTES: dict[str, Any] = {"type": "string", "format": "binary"}


def ordered() -> tuple[Operation, ...]:
    """Ordering an export, and everything that becomes of it."""
    path = f"{ORG}/exports"
    export = f"{path}/{{export}}"
    return (*_orders(path), *_order(export), *_files(export))


def _orders(path: str) -> tuple[Operation, ...]:
    return (
        Operation(
            method="POST",
            path=path,
            name="orderExport",
            says="Order an export",
            scope="export",
            more="Bound to one `as_of`: the file holds exactly `count` entries, whatever is recorded meanwhile. It is "
            "made beside, by the server; the order itself is an entry. A bundle needs the permission to read proofs; "
            "`bundle` alone is one of the matching entries only. A closed one holds every entry of its range, so it is "
            "for those from whom nothing is withheld: `preview` says first what it would hold, and the answer to the "
            "order says it again. Ordered with the preview's `as_of`, it holds just that, unless somebody was erased "
            "or entries were removed between. `preset` names columns of a table: `hr` has six under headings in words, "
            "`everything` all; `columns` names them one by one instead. With `zip` the file is a ZIP of the file and "
            "its signed statement. CSV and XLSX have the newest first, the others stand in the order of `seq`.",
            sends={JSON: ref("ExportOrder")},
            answers={
                200: answer("What a bundle would hold; nothing is ordered.", "ExportPreview"),
                202: Answer(says="Ordered.", forms={JSON: ref("ExportAnswer")}, headers=("Location",)),
            },
            problems=(
                *FILTERED,
                *(
                    "media-type",
                    "too-large",
                    "cross-site",
                    "format-unavailable",
                    "too-many-exports",
                    "entry-invalid",
                ),
                *("invalid", "storage-full", "overloaded"),
            ),
        ),
        Operation(
            method="GET",
            path=path,
            name="listExports",
            says="One's own exports",
            scope="export",
            parameters=(
                query("limit", whole(1, 200), "At most so many; otherwise 50."),
                query("cursor", {"type": "string", "minLength": 1}, "From a former answer."),
            ),
            answers={200: answer("Newest first.", "ExportList")},
            problems=ADMITTED,
        ),
    )


def _order(path: str) -> tuple[Operation, ...]:
    return (
        Operation(
            method="GET",
            path=path,
            name="readExport",
            says="How far an export is",
            scope="export",
            answers={200: answer("The export.", "ExportAnswer")},
            problems=ADMITTED,
        ),
        Operation(
            method="DELETE",
            path=path,
            name="cancelExport",
            says="Cancel an export, or remove one that has ended",
            scope="export",
            answers={204: Answer(says="Its file is gone.")},
            problems=(*ADMITTED, "cross-site"),
        ),
    )


def _files(path: str) -> tuple[Operation, ...]:
    files = dict.fromkeys((*(form.media_type for form in FORMATS.values()), ZIP), _BYTES)
    return (
        Operation(
            method="GET",
            path=f"{path}/file",
            name="readExportFile",
            says="The file of an export",
            scope="export",
            more="Takes one `Range` of bytes; `Repr-Digest` is the SHA-256 of the whole file.",
            answers={
                200: Answer(says="The file.", forms=files, headers=_FILE_HEADERS),
                206: Answer(
                    says="The part asked for.", forms=files, headers=(*_FILE_HEADERS, "Content-Range")
                ),
            },
            problems=(
                *ADMITTED,
                *("export-not-ready", "export-expired", "range-unsatisfiable"),
                *("too-many-exports", "overloaded"),
            ),
        ),
        Operation(
            method="GET",
            path=f"{path}/manifest",
            name="readExportManifest",
            says="What the file of an export holds, signed",
            scope="export",
            more="A C2SP signed note over canonical JSON: filter, count, `as_of`, first and last `seq`, size and root "
            "of the signed head, and the SHA-256 of the file. Not there without signing keys.",
            answers={200: Answer(says="The note.", forms={NOTE: {"type": "string"}})},
            problems=(*ADMITTED, "export-not-ready", "export-expired"),
        ),
    )
