"""Exports: functions that turn the rows of a query into a file, piece by piece, in constant memory.

Owns the columns and the written form of each format. Refuses to find, to filter or to decide who may read:
rows come from `Log.rows`, and an error among them ends the file where it stood.
"""

from trailbook.export.csv import COLUMNS, csv_file, guarded, unguarded
from trailbook.export.jsonl import jsonl_file

__all__ = ["COLUMNS", "csv_file", "guarded", "jsonl_file", "unguarded"]
