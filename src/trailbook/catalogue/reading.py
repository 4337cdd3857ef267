"""Reads the catalogue's files: the built-in ones, then each folder of the host's, in order.

Owns how a later file adds to an earlier one, and what it may not change. Refuses, with file and key, a file
that is not TOML, an unknown key, and a rule of a built-in action, type or category declared again; whether
what the files say makes sense together is for `check.py`.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from trailbook.catalogue.declared import Action, Catalogue, Category, ItemType, OnFailure, Retention, Rule
from trailbook.catalogue.words import add_words, converted, new_language
from trailbook.errors import CatalogueError
from trailbook.model import prepare

BUILT_IN = Path(__file__).parent
PURPOSES = "purposes.toml"
_RANGE = re.compile(r"(\d{1,3})\.\.(\d{1,3})")
_SECTIONS = ("category", "types", "actions")


class _CategoryRow(Struct, forbid_unknown_fields=True):
    sensitive: bool | UnsetType = UNSET
    restricted: bool | UnsetType = UNSET
    seed: bool | UnsetType = UNSET
    retention: Retention | UnsetType = UNSET
    on_failure: OnFailure | UnsetType = UNSET


class _TypeRow(Struct, forbid_unknown_fields=True):
    named: bool | UnsetType = UNSET
    person: bool | UnsetType = UNSET
    personal: bool | UnsetType = UNSET
    target: bool | UnsetType = UNSET
    fields: list[str] | UnsetType = UNSET
    id: str | UnsetType = UNSET
    link: str | UnsetType = UNSET


class _ActionRow(Struct, forbid_unknown_fields=True):
    target: list[str] | UnsetType = UNSET
    concerns: dict[str, str] | UnsetType = UNSET
    verb: str | UnsetType = UNSET
    since: str | UnsetType = UNSET
    until: str | UnsetType = UNSET
    retention: Retention | UnsetType = UNSET
    on_failure: OnFailure | UnsetType = UNSET


prepare(_CategoryRow, _TypeRow, _ActionRow)


class _DeclaredAction(Struct, frozen=True):
    """What files say of an action, and the category whose files they are."""

    category: str
    row: _ActionRow


class _Rows(Struct):
    """What all files say so far: actions stay rows until all of their category is known."""

    categories: dict[str, Category]
    types: dict[str, ItemType]
    actions: dict[str, _DeclaredAction]


def load(folders: Sequence[Path] = ()) -> Catalogue:
    """The built-in catalogue with the host's folders laid over it, in order.

    Raises: CatalogueError naming file and key.
    """
    return _load((BUILT_IN, *folders)) if folders else _built_in()


@cache
def _built_in() -> Catalogue:
    return _load((BUILT_IN,))


def _load(folders: Sequence[Path]) -> Catalogue:
    catalogue = Catalogue({}, {}, {}, (), {})
    rows = _Rows(catalogue.categories, catalogue.types, {})
    purposes: list[str] = []
    for folder in folders:
        if not folder.is_dir():
            raise CatalogueError(f"{folder}: is not a folder")
        for file in sorted(folder.glob("*.toml")):
            _add_file(rows, purposes, file)
        for file in sorted(folder.glob("say/*.toml")):
            language = catalogue.languages.setdefault(file.stem, new_language(file.stem))
            add_words(language, _parsed(file), _shown(file))
    for name, declared in rows.actions.items():
        catalogue.actions[name] = _action(name, declared.row, rows.categories[declared.category])
    return structs.replace(catalogue, purposes=tuple(dict.fromkeys(purposes)))


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{_shown(file)}: is not TOML: {error}") from None


def _shown(file: Path) -> str:
    return str(file.relative_to(BUILT_IN) if file.is_relative_to(BUILT_IN) else file)


def _add_file(rows: _Rows, purposes: list[str], file: Path) -> None:
    table, shown = _parsed(file), _shown(file)
    if file.name == PURPOSES:
        purposes.extend(_section(table, "purposes", shown, list[str]))
        return
    if extra := sorted(table.keys() - set(_SECTIONS)):
        raise CatalogueError(f"{shown}: {extra[0]}: is not a section; those are {', '.join(_SECTIONS)}")
    name = file.stem
    if "category" in table:
        _add_category(rows, name, converted(table["category"], _CategoryRow, f"{shown}: category"), shown)
    for type_name, type_row in _section(table, "types", shown, dict[str, Any]).items():
        where = f"{shown}: types.{type_name}"
        _add_type(rows, ItemType(name=type_name, category=name), converted(type_row, _TypeRow, where), where)
    for action, action_row in _section(table, "actions", shown, dict[str, Any]).items():
        where = f"{shown}: actions.{action}"
        new = _DeclaredAction(name, converted(action_row, _ActionRow, where))
        _add_action(rows, action, new, where)


def _section(table: Mapping[str, Any], name: str, shown: str, shape: Any) -> Any:
    unknown = sorted(table.keys() - {name}) if name == "purposes" else ()
    for key in unknown:
        raise CatalogueError(f"{shown}: {key}: is not a section; the one here is {name}")
    return converted(table.get(name, shape()), shape, f"{shown}: {name}")


def _given(row: Struct) -> dict[str, Any]:
    return {key: value for key, value in structs.asdict(row).items() if value is not UNSET}


def _only(given: Mapping[str, Any], allowed: set[str], where: str) -> None:
    for key in given:
        if key not in allowed:
            may = " and ".join(sorted(allowed))
            raise CatalogueError(f"{where}.{key}: is declared already; a later file may set only {may}")


def _need(given: Mapping[str, Any], needed: Sequence[str], where: str) -> None:
    for key in needed:
        if key not in given:
            raise CatalogueError(f"{where}.{key}: is missing")


def _add_category(rows: _Rows, name: str, row: _CategoryRow, shown: str) -> None:
    given, where = _given(row), f"{shown}: category"
    if known := rows.categories.get(name):
        _only(given, {"retention", "on_failure"}, where)
        rows.categories[name] = structs.replace(known, **given)
        return
    _need(given, ("sensitive", "restricted"), where)
    rows.categories[name] = Category(
        **{"name": name, "retention": "standard", "on_failure": "spool", "seed": False, **given}
    )


def _add_type(rows: _Rows, new: ItemType, row: _TypeRow, where: str) -> None:
    given = _given(row)
    fields = frozenset(given.pop("fields", ()))
    if known := rows.types.get(new.name):
        _only(given, {"link"}, where)
        rows.types[new.name] = structs.replace(known, fields=known.fields | fields, **given)
        return
    if new.category not in rows.categories:
        raise CatalogueError(f"{where}: the category {new.category!r} is not declared; begin with [category]")
    # An unnamed type belongs to somebody and is erased with them, unless its file says it is about nobody.
    given.setdefault("personal", not given.get("named", True))
    rows.types[new.name] = structs.replace(new, fields=fields, **given)


def _add_action(rows: _Rows, name: str, new: _DeclaredAction, where: str) -> None:
    given = _given(new.row)
    if known := rows.actions.get(name):
        if known.category != new.category:
            raise CatalogueError(
                f"{where}: is declared in the category {known.category!r}, which is not changed"
            )
        _only(given, {"retention", "on_failure"}, where)
        rows.actions[name] = _DeclaredAction(known.category, structs.replace(known.row, **given))
        return
    if new.category not in rows.categories:
        raise CatalogueError(f"{where}: the category {new.category!r} is not declared; begin with [category]")
    _need(given, ("target", "verb", "since"), where)
    for part, size in given.get("concerns", {}).items():
        _rule(part, size, where)
    rows.actions[name] = new


def _rule(part: str, size: str, where: str) -> Rule:
    if size == "target":
        return Rule(part, 1, 1)
    ends = _RANGE.fullmatch(size)
    if ends is None or int(ends[1]) > int(ends[2]) or not 1 <= int(ends[2]) <= 100:
        raise CatalogueError(f'{where}.concerns.{part}: {size!r} is neither "target" nor a range in 0..100')
    return Rule(part, int(ends[1]), int(ends[2]))


def _action(name: str, row: _ActionRow, category: Category) -> Action:
    given = _given(row)
    concerns: dict[str, str] = given.pop("concerns", {})
    # What removes something must never happen unrecorded, whatever its category does.
    removes = given["verb"] == "deleted" or name.endswith(".anonymised")
    return Action(
        name=name,
        category=category.name,
        target=tuple(given.pop("target")),
        concerns=tuple(_rule(part, size, name) for part, size in concerns.items()),
        filled=tuple(part for part, size in concerns.items() if size == "target"),
        until=given.pop("until", None),
        **{
            "retention": category.retention,
            "on_failure": "refuse" if removes else category.on_failure,
            **given,
        },
    )
