"""`reindex`: the index built anew from the entries.

Owns a command and its progress. Refuses to touch an entry: what is rebuilt is only what finds them.
"""

import typer

from trailbook.cli.context import JSON, open_log
from trailbook.cli.output import as_json, counted, progress, put


def reindex(ctx: typer.Context, json: bool = JSON) -> None:
    """Build the index of a log anew from its entries; nothing but the index is written."""
    with open_log(ctx) as opened, progress("Indexing") as reach:
        faults = opened.log.check_index()
        opened.log.reindex(reach)
        size = opened.log.size(viewer=opened.viewer)
    told = {"org": opened.log.org, "size": size, "faults_before": faults}
    before = f" {counted(len(faults), 'fault')} found before: {'; '.join(faults[:3])}." if faults else ""
    put(as_json(told) if json else f"The index of {counted(size, 'entry', 'entries')} is built anew.{before}")
