"""Every type that is read from outside is worked out by msgspec at import, before there is a second thread."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "trailbook"
# These take a type and read a value as one.
READERS = {"convert", "converted", "sent", "read_as"}
PREPARED_BY = {"prepare", "Decoder"}
SIMPLE = {"UUID"}  # no Struct: there is nothing to work out

# The first reading of a type with others inside, by four threads at once, over and over.
RACE = """
import sys, threading, msgspec
from trailbook.model import prepare
sys.setswitchinterval(1e-6)
for number in range(100):
    inner = msgspec.defstruct(f"Inner{number}", [(f"member{i}", "int", 0) for i in range(30)])
    outer = msgspec.defstruct(f"Outer{number}", [("inner", inner), ("names", list[str])])
    prepare(outer)
    together = threading.Barrier(4)
    def read():
        together.wait()
        assert msgspec.convert({"inner": {}, "names": ["a"]}, outer).names == ["a"]
    threads = [threading.Thread(target=read) for _ in range(4)]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
print("read")
"""


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def calls(text: str) -> Iterator[tuple[str, ast.Call]]:
    return ((called(node), node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))


def prepared(texts: list[str]) -> set[str]:
    """The names of types that a module hands to `prepare` or a `Decoder` while it is imported."""
    statements = (part for text in texts for part in ast.parse(text).body)
    at_import = (part for part in statements if not isinstance(part, ast.FunctionDef | ast.ClassDef))
    return {
        name.id
        for part in at_import
        for node in ast.walk(part)
        if isinstance(node, ast.Call) and called(node) in PREPARED_BY
        for argument in node.args
        for name in ast.walk(argument)
        if isinstance(name, ast.Name)
    }


def is_type(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id.lstrip("_")[:1].isupper() and not node.id.isupper()


def unprepared(texts: list[str]) -> list[str]:
    """What is read as a type that nobody worked out at import; a type in a variable is its caller's."""
    every = [pair for text in texts for pair in calls(text)]
    typed = [call for name, call in every if name == "decode" and any(k.arg == "type" for k in call.keywords)]
    read = [call for name, call in every if name in READERS and len(call.args) > 1 and is_type(call.args[1])]
    ready = prepared(texts) | SIMPLE
    return [ast.unparse(call) for call in [*typed, *(c for c in read if ast.unparse(c.args[1]) not in ready)]]


def test_every_type_is_worked_out_at_import() -> None:
    assert unprepared([file.read_text("utf-8") for file in SOURCE.rglob("*.py")]) == []


def test_a_type_that_is_not_is_seen() -> None:
    texts = ["order = msgspec.convert(body, Order)", "again = msgspec.json.decode(body, type=Order)"]
    assert len(unprepared(texts)) == 2
    assert unprepared([texts[0], "prepare(Order)"]) == []
    assert len(unprepared([texts[0], "def later():\n    prepare(Order)"])) == 1


def test_many_threads_may_be_the_first_to_read_a_prepared_type() -> None:
    # Without `prepare` the process ends by a signal. That is msgspec's to mend, so the control is by form alone.
    ended = subprocess.run(
        [sys.executable, "-c", RACE], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "read\n"), ended.stderr
