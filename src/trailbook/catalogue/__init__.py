"""The catalogue: what is recorded, about whom, how long it is kept, and in which words.

Everything here is read from files: `<category>.toml` holds rules, `say/<language>.toml` labels and sentences,
`purposes.toml` the reasons an organisation may name. A host adds folders of such files. No code knows an
action by name; one that no file declares is refused, naming the nearest declared one.
"""

from trailbook.catalogue.declared import (
    ANY,
    PARTS,
    RETENTIONS,
    VERBS,
    Action,
    Catalogue,
    Category,
    ItemType,
    Rule,
    fill,
    link_fault,
)
from trailbook.catalogue.reading import load
from trailbook.catalogue.words import ActionWords, Language, TypeWords, cut, plural, slots, templates

__all__ = [
    "ANY",
    "PARTS",
    "RETENTIONS",
    "VERBS",
    "Action",
    "ActionWords",
    "Catalogue",
    "Category",
    "ItemType",
    "Language",
    "Rule",
    "TypeWords",
    "cut",
    "fill",
    "link_fault",
    "load",
    "plural",
    "slots",
    "templates",
]
