"""Imports that import-linter cannot see: of modules named by a string, and of libraries that are not in its graph yet.

Each is put into the graph as if it were written out, and the contracts of pyproject.toml are asked again.
"""

import ast
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import grimp
import pytest
from importlinter import Contract
from importlinter.application.use_cases import read_user_options
from importlinter.configuration import configure
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.independence import IndependenceContract
from importlinter.contracts.layers import LayersContract
from importlinter.contracts.protected import ProtectedContract
from tests.test_form import FILES, SOURCE, module_of

from trailbook.cli import COMMANDS
from trailbook.export.format import FORMATS

Edge = tuple[str, str]
CONTRACTS: dict[str, type[Contract]] = {
    "forbidden": ForbiddenContract,
    "independence": IndependenceContract,
    "layers": LayersContract,
    "protected": ProtectedContract,
}
# The modules that import by a table, and what stands in it: an import of `trailbook.<room>.{name}`.
TABLES: dict[str, Callable[[], Iterable[str]]] = {
    "trailbook.cli": lambda: {command.module for command in COMMANDS.values()},
    "trailbook.export.format": lambda: FORMATS,
}
# The modules that import what no reader of the code can know, and why nothing is hidden by it.
UNKNOWABLE = {
    "trailbook.cli.triggers": "the host's own module, which --app names",
    "trailbook.cli.references.python": "the public modules, which its page names; nobody imports the page",
    "trailbook.front": "the names of a stub; tests/test_form.py lists what stubs hand on",
}
# A library with one door, before anything imports it: import-linter knows none that is nowhere in the graph.
DOORS = {"psycopg": "trailbook.stores"}


@cache
def trees() -> dict[str, ast.Module]:
    """Every module of Trailbook, read."""
    return {module_of(file): ast.parse(file.read_text("utf-8")) for file in FILES}


def calls(tree: ast.AST) -> Iterator[ast.expr | None]:
    """What is given to `import_module` and `__import__`, wherever they are called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__"):
                yield node.args[0] if len(node.args) == 1 else None


def named(importer: str, argument: ast.expr | None) -> list[str]:
    """The modules that a call names: a text, or a text before a name out of the importer's table."""
    match argument:
        case ast.Constant(value=str(name)):
            return [name]
        case ast.JoinedStr(values=[ast.Constant(value=str(room)), ast.FormattedValue()]) if (
            importer in TABLES
        ):
            return [f"{room}{name}" for name in TABLES[importer]()]
        case _ if importer in UNKNOWABLE:
            return []
        case _:
            raise AssertionError(f"{importer} imports by a string that its tests cannot read")


def edges(importer: str, tree: ast.AST) -> list[Edge]:
    return [(importer, name) for argument in calls(tree) for name in named(importer, argument)]


def contracts() -> list[Contract]:
    """Those of pyproject.toml, and one for each door."""
    configure()
    options = read_user_options(str(SOURCE.parents[1] / "pyproject.toml"))
    session = options.session_options
    doors = [
        ProtectedContract(
            f"{library} has one door", session, {"protected_modules": [library], "allowed_importers": [door]}
        )
        for library, door in DOORS.items()
    ]
    written = options.contracts_options
    return [*doors, *(CONTRACTS[each["type"]](each["name"], session, each) for each in written)]


def broken(graph: grimp.ImportGraph, more: Iterable[Edge], begins: str = "") -> list[str]:
    """The contracts, of those whose name begins so, that do not hold once these imports are in the graph."""
    graph = deepcopy(graph)
    for library in DOORS:
        add(graph, library)
    for importer, name in more:
        add(graph, importer)
        graph.add_import(importer=importer, imported=add(graph, name), line_number=1, line_contents=name)
    asked = [contract for contract in contracts() if contract.name.startswith(begins)]
    return [contract.name for contract in asked if not contract.check(deepcopy(graph), verbose=False).kept]


def add(graph: grimp.ImportGraph, name: str) -> str:
    """The module of the graph that a name is of; of a library that is its whole."""
    inside = name.startswith("trailbook.")
    module = name if inside else name.partition(".")[0]
    if module not in graph.modules:
        graph.add_module(module, is_squashed=not inside)
    return module


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        "trailbook", include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None
    )


def test_imports_by_a_string_keep_to_the_directions_of_the_others(graph: grimp.ImportGraph) -> None:
    by_string = [edge for module, tree in trees().items() for edge in edges(module, tree)]
    named_here = {name for _, name in by_string if name.startswith("trailbook")}
    assert sorted(named_here - graph.modules) == []
    assert broken(graph, by_string) == []


def test_every_table_and_every_unknowable_import_is_still_there() -> None:
    """A line of ours that no module needs any more would let another in."""
    importing = {module for module, tree in trees().items() if any(True for _ in calls(tree))}
    assert importing >= {*TABLES, *UNKNOWABLE}


@pytest.mark.parametrize(
    ("importer", "line", "contract"),
    [
        ("trailbook.errors", 'import_module("trailbook.log")', "A line may import"),
        ("trailbook.web.http.auth", 'importlib.import_module("trailbook.stores")', "Nobody reaches a store"),
        ("trailbook.log.log", '__import__("trailbook.tree.merkle")', "Other rooms use the front of tree"),
        (
            "trailbook.stores.sqlite.store",
            'import_module("trailbook.stores.memory.store")',
            "An engine keeps",
        ),
        ("trailbook.cli.serve", 'import_module("litestar.app")', "Litestar has one door"),
        ("trailbook.capture.outbox", 'import_module("psycopg")', "psycopg has one door"),
        ("trailbook.a_new_room.file", 'import_module("psycopg.rows")', "psycopg has one door"),
    ],
)
def test_one_against_them_is_seen(graph: grimp.ImportGraph, importer: str, line: str, contract: str) -> None:
    """The control, for each kind of contract; a room that nobody thought of is let in nowhere."""
    assert len(broken(graph, edges(importer, ast.parse(line)), contract)) == 1


def test_the_store_may(graph: grimp.ImportGraph) -> None:
    """The control of the control."""
    text = 'import_module("psycopg"), import_module("trailbook.model")'
    assert broken(graph, edges("trailbook.stores.opening", ast.parse(text))) == []


@pytest.mark.parametrize(
    "line",
    [
        "import_module(name)",
        'import_module(f"trailbook.{room}")',
        'import_module(".log", "trailbook.log")',
        'import_module("trailbook." + "log")',
        "importlib.import_module(name=name)",
    ],
)
def test_an_import_that_cannot_be_read_is_refused(line: str) -> None:
    with pytest.raises(AssertionError, match=r"trailbook\.errors imports by a string"):
        edges("trailbook.errors", ast.parse(line))


def test_no_library_with_a_door_is_imported_elsewhere_even_for_the_type_checker() -> None:
    """import-linter leaves such imports out; what a store's driver is called is nobody else's business."""
    doors = tuple(DOORS.values())
    outside = {
        module: set(libraries(tree)) for module, tree in trees().items() if not module.startswith(doors)
    }
    assert [module for module, names in outside.items() if DOORS.keys() & names] == []
    text = "if TYPE_CHECKING:\n    from psycopg.rows import Row\n"
    assert set(libraries(ast.parse(text))) == {"psycopg"}


def libraries(tree: ast.AST) -> Iterator[str]:
    """The first name of everything that a text imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def written() -> list[dict[str, Any]]:
    """The contracts as pyproject.toml has them."""
    return read_user_options(str(SOURCE.parents[1] / "pyproject.toml")).contracts_options


def test_every_engine_is_held_apart_from_the_others() -> None:
    """One that the contract does not name would be free to know another."""
    engines = {f"trailbook.stores.{file.parent.name}" for file in (SOURCE / "stores").glob("*/__init__.py")}
    assert engines == set(next(each["modules"] for each in written() if each["id"] == "stores"))


def test_every_room_with_a_front_is_entered_by_it() -> None:
    rooms = {file.parent.name for file in SOURCE.glob("*/__init__.pyi")}
    assert rooms == {each["id"].removeprefix("front-") for each in written() if "front-" in each["id"]}
