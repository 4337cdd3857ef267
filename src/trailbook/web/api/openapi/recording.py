"""Recording, as the document describes it."""

from trailbook.web.api.openapi.shapes import ENTRY, ORG, SENT, Answer, Operation, Schema, enum, query, ref
from trailbook.web.http.media import JSON, NDJSON


def recording() -> tuple[Operation, ...]:
    receipt = {JSON: ref("Recorded")}
    lines: dict[str, Schema] = {
        JSON: {"type": "array", "items": ref("BatchLine")},
        NDJSON: {"type": "string"},
    }
    return (
        Operation(
            method="POST",
            path=f"{ORG}/entries",
            name="recordEntry",
            says="Record one entry",
            scope="record",
            more="At most 256 KiB. The same `id` and content again is answered as the first time; other "
            "content under that `id` is a conflict. Numbers are whole; unknown members are refused. It may "
            "come with the content coding gzip or zstd.",
            sends={JSON: ref("NewEntry")},
            answers={
                200: Answer(
                    says="It was in the log already.",
                    forms=receipt,
                    headers=("Location", "ETag", "Idempotency-Replayed"),
                ),
                201: Answer(says="It is durable.", forms=receipt, headers=("Location", "ETag")),
            },
            problems=(*SENT, *ENTRY, "entry-conflict", "too-large"),
        ),
        Operation(
            method="POST",
            path=f"{ORG}/entries/batch",
            name="recordEntries",
            says="Record many entries",
            scope="record",
            more="A JSON array of entries, or one entry a line; at most 10,000 and 16 MiB, as it is or "
            "with the content coding gzip or zstd: then 16 MiB once unpacked. The answer comes in "
            "the form sent, a member for each entry in order. With `atomic=true` all are recorded or none.",
            parameters=(query("atomic", enum("true", "false"), "All or nothing; otherwise `false`."),),
            sends={JSON: {"type": "array", "items": ref("NewEntry")}, NDJSON: {"type": "string"}},
            answers={
                200: Answer(says="What became of each.", forms=lines),
                201: Answer(says="All are durable (`atomic=true`).", forms=lines),
            },
            problems=(*SENT, *ENTRY, "entry-conflict", "batch-too-large", "too-large"),
        ),
    )
