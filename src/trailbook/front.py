"""A room's front: the names of a package that other rooms may use, each imported when somebody asks for it.

Owns how the `__init__.pyi` of a package becomes its attributes: it names them once, for people, for the type checker
and for this. So `trailbook --help` does not wait for numpy, and an extra is imported by whoever needs it.
"""

import ast
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import resolve_name
from typing import Any


def front(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a package, from the imports of its `__init__.pyi`. Source: PEP 562."""
    homes = dict(_imports(pkgutil.get_data(package, "__init__.pyi") or b""))

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(resolve_name(homes[name], package)), name)

    return get, lambda: sorted(homes), sorted(homes)


def _imports(stub: bytes) -> Iterator[tuple[str, str]]:
    """Each name of a stub, and the module it comes from as the stub writes it: `.viewer`, `..stores`."""
    for node in ast.parse(stub).body:
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((alias.name, module) for alias in node.names)
