"""The index: entries as numbers, and search over them. Pure; whoever uses it brings the entries."""

from trailbook.index.columns import Columns, Row
from trailbook.index.search import Clause, Place, Plan, Word, before, newest_citing, select

__all__ = ["Clause", "Columns", "Place", "Plan", "Row", "Word", "before", "newest_citing", "select"]
