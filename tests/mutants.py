"""Mutation testing, small: each change of one place in a module must make a test fail.

`python tests/mutants.py MODULE TEST...` prints the survivors and the score; `make mutants` runs those that must be
whole. Works on a copy of `src`. What only names things (docstrings, annotations, types) is left alone.
"""

import ast
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import apsw  # noqa: F401  # with these in the parent each child has them
import cryptography.x509  # noqa: F401
import msgspec  # noqa: F401
import numpy as np  # noqa: F401
import pytest

ROOT = Path(__file__).parents[1]
SECONDS = 120
COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
RECKONED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.Mod: ast.Mult,
}  # fmt: skip


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """The changed nodes that may stand in the place of one."""
    if isinstance(node, ast.Compare):
        for at, op in enumerate(node.ops):
            other = deepcopy(node)
            other.ops[at] = COMPARED[type(op)]()
            yield other
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        yield from node.values
    elif isinstance(node, ast.BinOp) and type(node.op) in RECKONED:
        yield ast.BinOp(node.left, RECKONED[type(node.op)](), node.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)
    elif isinstance(node, ast.Constant):
        yield from (ast.Constant(value) for value in _values(node.value))
    elif isinstance(node, ast.Raise | ast.Expr):
        yield ast.Pass()
    elif isinstance(node, ast.Slice) and (node.lower or node.upper):
        yield ast.Slice(node.upper, node.lower)
    elif isinstance(node, ast.Return) and node.value is not None:
        yield ast.Return(ast.Constant(None))


def _values(value: object) -> tuple[object, ...]:
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return (value + 1, value - 1)
    if isinstance(value, str):
        return (value + "x",)
    return (value + b"x",) if isinstance(value, bytes) else ()


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """Each mutant of a module: its line, what stands there now, and the whole changed source."""
    tree = ast.parse(source)
    names = _naming(tree)
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            for at, node in enumerate(value if isinstance(value, list) else [value]):
                if not isinstance(node, ast.AST) or id(node) in names:
                    continue
                for other in changes(node):
                    _put(parent, (field, at), other)
                    line, code = getattr(node, "lineno", 0), ast.unparse(ast.fix_missing_locations(other))
                    yield line, code, ast.unparse(ast.fix_missing_locations(tree))
                    _put(parent, (field, at), node)


def _put(parent: ast.AST, place: tuple[str, int], node: ast.AST) -> None:
    field, at = place
    value = getattr(parent, field)
    if isinstance(value, list):
        value[at] = node
    else:
        setattr(parent, field, node)


def _naming(tree: ast.AST) -> set[int]:
    """What only names things: docstrings, annotations, aliases of types, imports."""
    ids: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            ids |= {id(each) for each in ast.walk(node)}
        kept = [getattr(node, name, None) for name in ("annotation", "returns")]
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
            kept.append(node.value)  # Level = Literal[...]
        if isinstance(node, ast.ClassDef):
            kept += node.keywords
        ids |= {id(each) for part in kept if isinstance(part, ast.AST) for each in ast.walk(part)}
    return ids


def survivors(module: str, tests: list[str]) -> tuple[list[str], int]:
    """The mutants that no test notices, and how many there were."""
    left, count = [], 0
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "src", Path(folder) / "src")
        file = Path(folder) / "src" / "trailbook" / module
        source = file.read_text("utf-8")
        assert _passes(folder, tests), "the tests fail without any change"
        for line, code, changed in mutants(source):
            file.write_text(changed, "utf-8")
            count += 1
            if _passes(folder, tests):
                left.append(f"{module}:{line}: {code}")
                print(f"survives: {left[-1]}", flush=True)
        file.write_text(source, "utf-8")
    return left, count


def _passes(folder: str, tests: list[str]) -> bool:
    """Run tests in a child that has pytest already and Trailbook not yet: most of a run would be imports."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    signal.alarm(SECONDS)  # a mutant that never ends is found
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.chdir(ROOT)
    sys.path.insert(0, f"{folder}/src")
    sys.dont_write_bytecode = True
    os._exit(pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "-o", "timeout=0", *tests]))


def main(module: str, *tests: str) -> int:
    left, count = survivors(module, list(tests))
    print(f"{module}: {count - len(left)} of {count} mutants found ({100 * (1 - len(left) / count):.1f} %)")
    return bool(left)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
