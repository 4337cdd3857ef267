"""A query is data: one object, four readers (parameters, one line, `matches()`, words for people).

Owns the public names of the filter. Refuses to know how entries are stored or who may see them.
"""

from trailbook.query.checks import Order, Vocabulary
from trailbook.query.filter import EntryFacts, Query, Term, interval, matches, self_of, values_of
from trailbook.query.folding import fold, words
from trailbook.query.params import Paging, from_line, from_params, printed, split_params, to_params
from trailbook.query.phrases import PRESET_NAMES, in_words

__all__ = [
    "EntryFacts",
    "Order",
    "PRESET_NAMES",
    "Paging",
    "Query",
    "Term",
    "Vocabulary",
    "fold",
    "from_line",
    "from_params",
    "in_words",
    "interval",
    "matches",
    "printed",
    "self_of",
    "split_params",
    "to_params",
    "values_of",
    "words",
]
