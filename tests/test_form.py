"""The form of the house, held in CI: sizes, flat modules, import cycles, and names that say nothing."""

import ast
import statistics
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "trailbook"
SINGLE_FILE = SOURCE / "export" / "trailbook_verify.py"  # it travels alone, and so is one file
FILES = sorted(SOURCE.rglob("*.py"))
BESIDE = sorted(file for folder in ("tests", "bench", "examples") for file in (ROOT / folder).rglob("*.py"))
# What has a name of its own is not called by one of these.
EMPTY_NAMES = {"found", "told", "one", "said"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines of a function, its docstring not counted."""
    doc = ast.get_docstring(function, clean=False)
    return (function.end_lineno or 0) - function.lineno + 1 - (doc.count("\n") + 1 if doc else 0)


def bound(tree: ast.AST) -> Iterator[str]:
    """Every name that a text gives to something: variables, arguments, functions, classes and members."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            yield node.attr
        elif isinstance(node, Function | ast.ClassDef | ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            yield node.name or ""
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname


def empty_names(text: str) -> list[str]:
    """The names in a text that say nothing of what they hold, each once."""
    return sorted({name for name in bound(ast.parse(text)) if name.lstrip("_") in EMPTY_NAMES})


def module_of(file: Path) -> str:
    parts = file.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(file: Path, fronts: Mapping[str, Mapping[str, str]], modules: set[str]) -> Iterator[str]:
    """The modules of Trailbook that a file imports, for the type checker alone or not, through fronts too."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("trailbook"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in modules else origin(node.module, alias.name, fronts)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)


def origin(module: str, name: str, fronts: Mapping[str, Mapping[str, str]]) -> str:
    """The module in which a name that a front hands on is defined."""
    home = fronts.get(module, {}).get(name)
    return module if home is None else origin(home, name, fronts)


def fronts() -> dict[str, dict[str, str]]:
    """Of every package with a front: each name, and the module that it comes from."""
    homes: dict[str, dict[str, str]] = {}
    for stub in SOURCE.rglob("__init__.pyi"):
        package = module_of(stub)
        for node in ast.parse(stub.read_text("utf-8")).body:
            if isinstance(node, ast.ImportFrom):
                base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1])
                homes.setdefault(package, {}).update((a.name, f"{base}.{node.module}") for a in node.names)
    return homes


def cycles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups of modules that reach each other. Source: Tarjan 1972."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in sorted(graph.get(module, ())):
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            groups.append(sorted(group))

    for module in sorted(graph):
        if module not in index:
            visit(module)
    return [group for group in groups if len(group) > 1 or group[0] in graph.get(group[0], ())]


def test_functions_are_short() -> None:
    lengths = sorted(length(f) for file in FILES for f in functions(ast.parse(file.read_text("utf-8"))))
    assert statistics.median(lengths) <= 6
    assert lengths[len(lengths) * 9 // 10] <= 16
    assert lengths[-1] <= 50


def test_no_file_is_longer_than_one_reads_in_a_sitting() -> None:
    lines = {str(file): file.read_text("utf-8").count("\n") for file in FILES if file != SINGLE_FILE}
    assert {file: count for file, count in lines.items() if count > 500} == {}


def test_few_modules_lie_flat() -> None:
    assert len(list(SOURCE.glob("*.py"))) <= 6


# What everything may import, and nobody goes to.
GROUND = {"trailbook.errors", "trailbook.model", "trailbook.clock"}
MOST_ROOMS = 15


def rooms_of(text: str, modules: set[str]) -> set[str]:
    """The rooms that a text imports from: by their fronts, or file by file where it is at home."""
    rooms: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("trailbook"):
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            rooms |= inner & modules
            rooms |= set() if inner <= modules else {node.module or ""}
        elif isinstance(node, ast.Import):
            rooms |= {alias.name for alias in node.names} & modules
    return rooms - GROUND


def test_no_module_knows_many_rooms() -> None:
    """Whoever reads it has to know them too. The control: a module with one more than that is found."""
    modules = {module_of(file) for file in FILES}
    known = {str(file): rooms_of(file.read_text("utf-8"), modules) for file in FILES}
    assert {file: sorted(rooms) for file, rooms in known.items() if len(rooms) > MOST_ROOMS} == {}
    fronts_of = sorted({module.rpartition(".")[0] for module in modules if module.count(".") == 2} - GROUND)
    text = "\n".join(f"from {front} import Name" for front in fronts_of)
    assert rooms_of(text, modules) == set(fronts_of)
    assert len(fronts_of) > MOST_ROOMS


def test_no_modules_import_each_other() -> None:
    """Not for the type checker alone either; two that do are found."""
    modules = {module_of(file) for file in FILES}
    known = fronts()
    graph = {module_of(file): set(imported(file, known, modules)) for file in FILES}
    for package, names in known.items():
        graph.setdefault(package, set()).update({"trailbook.front"} if names else set())
    assert cycles(graph) == []
    graph["trailbook.errors"].add("trailbook.log.log")
    assert any("trailbook.errors" in group for group in cycles(graph))


# Whoever has one half of capture need not have the other: Django's has a front of its own.
OWN_FRONTS = frozenset({"trailbook.capture.django"})


def outside_imports(file: Path, own: list[str]) -> Iterator[str]:
    """The files of other rooms that a file imports from, past their fronts; and what it imports relatively."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            parts = (node.module or "").split(".")
            if node.module in OWN_FRONTS:
                continue
            if node.level or (parts[0] == "trailbook" and len(parts) > 2 and parts[1:2] != own[1:2]):
                yield "." * node.level + (node.module or "")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_nobody_imports_a_file_of_another_room(file: Path) -> None:
    """Not for the type checker alone either; import-linter holds the rest."""
    assert list(outside_imports(file, module_of(file).split("."))) == []


def test_such_an_import_is_seen(tmp_path: Path) -> None:
    """The control."""
    file = tmp_path / "errors.py"
    for line in ("from trailbook.log.log import Log", "from .log.log import Log"):
        file.write_text(f"if TYPE_CHECKING:\n    {line}\n", "utf-8")
        assert len(list(outside_imports(file, ["trailbook", "errors"]))) == 1


def lines() -> list[set[str]]:
    """The lines of the house, lowest first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    layers = next(each["layers"] for each in contracts["contracts"] if each["id"] == "rooms")
    return [{name.strip(" ()") for name in line.split("|")} for line in reversed(layers)]


# What a room may hand on from below, besides what it makes itself. Nobody above reaches a store by it: these are
# shapes, and what tells of a file without opening its log.
HANDED_ON = {
    "access": {"stores": "ApiKey Change Member Organisation Role"},
    "deployment": {
        "log": "Keys",
        "stores": "Choice Job JobLimits Jobs LIVE SavedView Views store_file is_log_file schema_of",
    },
    "proofs": {"stores": "Identity StoredEntry"},
}


def test_a_front_hands_on_what_is_listed_here_and_from_below() -> None:
    """import-linter does not read the stubs: a name handed on would get round every contract."""
    line_of = {room: at for at, rooms in enumerate(lines()) for room in rooms}
    handed: dict[str, dict[str, str]] = {}
    for package, names in fronts().items():
        room = package.split(".")[1] if "." in package else None
        for name, home in names.items():
            other = home.split(".")[1]
            if room is not None and other != room:
                assert home == f"trailbook.{other}", f"{package} hands on {name} past a front"
                assert line_of[other] < line_of[room], f"{package} hands on {name} from above"
                handed.setdefault(room, {}).setdefault(other, "")
                handed[room][other] += f"{name} "
    sorted_names = {
        room: {o: " ".join(sorted(n.split())) for o, n in of.items()} for room, of in handed.items()
    }
    assert sorted_names == {
        r: {o: " ".join(sorted(n.split())) for o, n in of.items()} for r, of in HANDED_ON.items()
    }


@pytest.mark.parametrize("package", sorted(fronts()))
def test_a_front_names_nothing_twice(package: str) -> None:
    """A name that a module of the room bears too would be either, by what was imported before."""
    folder = SOURCE.parent / Path(*package.split("."))
    beside = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert sorted(beside & set(fronts()[package])) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_what_has_a_name_is_called_by_it(file: Path) -> None:
    assert empty_names(file.read_text("utf-8")) == []


def test_tests_and_benchmarks_call_things_by_their_names_too() -> None:
    empty = {str(file.relative_to(ROOT)): empty_names(file.read_text("utf-8")) for file in BESIDE}
    assert {file.split("/")[0] for file in empty} == {
        "tests",
        "bench",
        "examples",
    }  # the control: they were looked at
    assert {file: names for file, names in empty.items() if names} == {}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("found = 1", ["found"]),
        ("for told in rows: pass", ["told"]),
        ("[one for one in rows]", ["one"]),
        ("(said := row)", ["said"]),
        ("def _told(): pass", ["_told"]),
        ("def f(*, found=1): pass", ["found"]),
        ("lambda one: 1", ["one"]),
        ("with log as told: pass", ["told"]),
        ("try: pass\nexcept ValueError as said: pass", ["said"]),
        ("from log import entries as found", ["found"]),
        ("def f():\n    class A:\n        one: int", ["one"]),
        ("row = rows.one(found(told=said))", []),  # the control: others named these
        ("foundation = ones = 1", []),
        ("row = 'found = 1'", []),
    ],
)
def test_an_empty_name_is_seen_wherever_it_is_given(text: str, names: list[str]) -> None:
    assert empty_names(text) == names


def test_each_of_these_is_seen() -> None:
    """The control: a text with every fault of form is found to have it."""
    text = textwrap.dedent("""
        def found(told, *, said=1):
            one = [told for _found in said]
    """)
    tree = ast.parse(text)
    assert {name.lstrip("_") for name in bound(tree)} >= EMPTY_NAMES
    assert length(next(functions(ast.parse("def f():\n    '''A\n    B'''\n" + "    x = 1\n" * 60)))) == 61
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
