"""The catalogue as a page of the reference, made from the files so that it cannot drift from them.

Owns the page's form. Refuses to say anything that the files do not. `python -m trailbook.catalogue.reference`
prints it; a test holds docs/reference/catalogue.md in step.
"""

import sys
from collections.abc import Iterator

from trailbook.catalogue.declared import RETENTIONS, TYPED_PARTS, Action, Catalogue, Category, ItemType
from trailbook.catalogue.reading import load
from trailbook.catalogue.words import ActionWords

INTRODUCTION = """\
# The catalogue

What Trailbook records, in which category, about whom, and in which sentence. This page is made from the catalogue's
files (`python -m trailbook.catalogue.reference > docs/reference/catalogue.md`); a test holds it in step.

- **Concerns**: each part with how many items an entry has in it; *target*: Trailbook fills it from the target.
- **When an entry cannot be written**: *refuse*, the host's change does not happen; *spool*, the entry waits on disk.
- **Sentence**: each form of its plain variant, from what tells most; the first that an entry fills is said, the last
  always fits. `{permission:1}` is for one item alone, `{requester=member}` for one who stands in both parts. A form may
  leave out whoever does it.
- A type marked ° takes no name and is erased with the person it belongs to; *fact* takes no name and belongs to nobody.
"""


def reference(catalogue: Catalogue, lang: str = "en") -> str:
    """The whole page, in Markdown."""
    return "\n".join(_lines(catalogue, lang)) + "\n"


def _lines(catalogue: Catalogue, lang: str) -> Iterator[str]:
    yield INTRODUCTION
    kinds = (f"{part} {' or '.join(f'`{type_}`' for type_ in types)}" for part, types in TYPED_PARTS.items())
    yield f"Parts that take items of some types only: {'; '.join(kinds)}.\n"
    yield f"Purposes that an entry may name: {', '.join(f'`{name}`' for name in catalogue.purposes)}."
    for category in catalogue.categories.values():
        yield from _category(catalogue, category, lang)


def _category(catalogue: Catalogue, category: Category, lang: str) -> Iterator[str]:
    yield f"\n## {catalogue.label('category', category.name, lang)} (`{category.name}`)\n"
    yield f"{catalogue.why(category.name, lang)}\n"
    yield f"{_traits(category)}\n"
    yield "| type | | fields |\n|---|---|---|"
    for item_type in catalogue.types.values():
        if item_type.category == category.name:
            yield _type(catalogue, item_type, lang)
    yield "\n| action | target | concerns | kept | cannot be written | sentence |\n|---|---|---|---|---|---|"
    words = catalogue.language(lang).actions
    for action in catalogue.actions.values():
        if action.category == category.name:
            yield _action(action, words.get(action.name, ActionWords()).plain)


def _traits(category: Category) -> str:
    months = RETENTIONS[category.retention]
    kept = f"Kept {months} months" if months else "Kept as long as the log"
    traits = [f"{kept} ({category.retention})", "always on" if category.seed else "can be switched off"]
    traits += ["sensitive"] * category.sensitive + ["restricted"] * category.restricted
    return "; ".join(traits) + "."


def _type(catalogue: Catalogue, item_type: ItemType, lang: str) -> str:
    mark = "" if item_type.named else "°" if item_type.personal else " (fact)"
    fields = ", ".join(f"`{name}`" for name in sorted(item_type.fields))
    return f"| `{item_type.name}`{mark} | {catalogue.label('type', item_type.name, lang)} | {fields} |"


def _action(action: Action, plain: tuple[str, ...]) -> str:
    target = ", ".join(f"`{name}`" for name in action.target)
    concerns = ", ".join(
        f"{rule.part} *target*" if rule.part in action.filled else f"{rule.part} {rule.least}..{rule.most}"
        for rule in action.concerns
    )
    rest = f"{action.retention} | {action.on_failure} | {'<br>'.join(plain)} |"
    return f"| `{action.name}` | {target} | {concerns} | {rest}"


if __name__ == "__main__":
    sys.stdout.write(reference(load()))
