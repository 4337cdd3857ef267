"""The public names, pinned: one more or one fewer is a decision, made here and in the changelog."""

import inspect
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import trailbook

NAMES = """
Actor Clearance Concern Deployment EntryFacts Erasures Evidence ExportRows Facets FoundItem Histogram Holdings Item
Keys Log Meant NewEntry Opening Origin Page Query Receipt RememberedItem Result SentencePiece Shown Term TrailbookError
Upkeep Viewer open_configured open_deployment operator
""".split()


def test_public_names_are_pinned_and_sorted() -> None:
    assert trailbook.__all__ == sorted(NAMES)


def test_every_public_name_is_there_and_says_what_it_is() -> None:
    assert [name for name in trailbook.__all__ if not hasattr(trailbook, name)] == []
    assert [name for name in trailbook.__all__ if not getattr(trailbook, name).__doc__] == []


def ours(hint: Any) -> Iterator[str]:
    """The names of Trailbook's own classes in a type."""
    if inspect.isclass(hint) and hint.__module__.startswith("trailbook."):
        yield hint.__name__
    for part in get_args(hint):
        yield from ours(part)


def methods(kind: type) -> dict[str, Any]:
    return {name: member for name, member in inspect.getmembers(kind, inspect.isfunction) if name[0] != "_"}


def test_whatever_a_log_answers_has_a_public_name() -> None:
    """Whoever embeds a log names in their own annotations what it gave them."""
    returned = {
        name for member in methods(trailbook.Log).values() for name in ours(get_type_hints(member)["return"])
    }
    assert returned <= set(trailbook.__all__)
    assert {"Page", "Shown", "Receipt"} <= returned  # the control


def test_at_most_three_positional_parameters() -> None:
    """Of what is public: the fourth is named by whoever calls."""
    kinds = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    public = {name: getattr(trailbook, name) for name in trailbook.__all__}
    calls = {name: member for name, member in public.items() if inspect.isfunction(member)}
    for name in ("Log", "Deployment"):
        calls |= {f"{name}.{method}": member for method, member in methods(public[name]).items()}
    for name, call in calls.items():
        given = [
            p for p in inspect.signature(call).parameters.values() if p.kind in kinds and p.name != "self"
        ]
        assert len(given) <= 3, name
