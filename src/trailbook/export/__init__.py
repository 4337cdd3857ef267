"""Exports: functions that turn the rows of a query into a file, piece by piece, in constant memory.

Owns the columns and the written form of each format. Refuses to find, to filter or to decide who may read:
rows come from `Log.export`, and an error among them ends the file where it stood.
"""

from trailbook.export.columns import COLUMNS, Layout
from trailbook.export.csv import csv_file, guarded, unguarded
from trailbook.export.formats import (
    FORMATS,
    Form,
    Format,
    check_format,
    exactly,
    file_pieces,
    formats,
    whole_file,
)
from trailbook.export.jsonl import jsonl_file

__all__ = [
    "COLUMNS",
    "FORMATS",
    "Form",
    "Format",
    "Layout",
    "check_format",
    "csv_file",
    "exactly",
    "file_pieces",
    "formats",
    "guarded",
    "jsonl_file",
    "unguarded",
    "whole_file",
]
