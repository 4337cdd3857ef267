"""The table of the filter's fields: every reader takes them from it, and nothing else lists them."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from msgspec import structs
from tests.test_form import FILES, SOURCE

from trailbook.catalogue import load
from trailbook.errors import FilterInvalidError
from trailbook.finding import FacetField, Part
from trailbook.index import CODED
from trailbook.query import from_line, in_words, is_personal, printed, refuse_personal, unnamed
from trailbook.query.checks import one_of
from trailbook.query.fields import FACETS, FIELDS, is_item
from trailbook.query.phrases import PHRASES
from trailbook.web.http.texts import LOCALES, texts_of
from trailbook.web.pages.item import Side

# Modules that list words which are fields of the filter too, and what they list.
OTHERS = {
    "adapters/cells.py": "members of an entry",
    "adapters/mapping.py": "members of an entry",
    "adapters/members.py": "members of an entry",
    "capture/entries.py": "members of an entry",
    "catalogue/declared.py": "what a catalogue has labels for",
    "catalogue/reference.py": "columns of a table of actions",
    "cli/catalogue.py": "columns of a table of actions",
    "cli/record.py": "members of an entry",
    "export/columns.py": "columns of a table of entries",
    "export/trailbook_verify.py": "the fields, in a verifier that shares no code with us",
    "finding/figures.py": "a Literal, which is compared below",
    "finding/typeahead.py": "a Literal, which is compared below",
    "index/columns.py": "columns of the index",
    "index/segment.py": "columns of the index",
    "record/columns.py": "columns of the index",
    "record/form.py": "members of a body",
    "record/rules.py": "members of an entry",
    "web/api/openapi/examples.py": "members of an entry",
}


def listed(tree: ast.AST) -> Iterator[set[str]]:
    """The texts of every list, tuple, set, dict and Literal of a module, a dict's keys apart from its values."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield {key.value for key in node.keys if isinstance(key, ast.Constant)}
            yield {value.value for value in node.values if isinstance(value, ast.Constant)}
        elif isinstance(node, ast.List | ast.Tuple | ast.Set):
            yield {each.value for each in node.elts if isinstance(each, ast.Constant)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield set(node.value.replace("|", " ").split())  # as in a regular expression


def lists_fields(text: str) -> bool:
    return any(len(names & (FIELDS.keys() | FACETS)) >= 3 for names in listed(ast.parse(text)))


def test_nothing_else_lists_the_fields() -> None:
    """Every exception is one, and says what its list is of; the control is a list that is added."""
    listing = {str(file.relative_to(SOURCE)) for file in FILES if lists_fields(file.read_text("utf-8"))}
    assert listing == OTHERS.keys()


@pytest.mark.parametrize(
    "text",
    [
        "X = ('actor', 'concerns', 'target')",
        "X = {'actor': 1, 'concerns': 2, 'target': 3}",
        "X = Literal['actor', 'concerns', 'target']",
        "X = 'actor|concerns|target'",
    ],
)
def test_a_list_of_fields_is_noticed(text: str) -> None:
    assert lists_fields(text)
    assert not lists_fields(text.replace("target", "part"))


def test_what_must_be_static_says_what_the_table_says() -> None:
    """A type cannot be made of a table."""
    assert set(get_args(FacetField)) == set(FACETS)
    assert set(get_args(Part)) == {f.name for f in FIELDS.values() if f.acts != f.about}
    assert set(get_args(Side)) == {f.side for f in FIELDS.values() if f.side}


def test_the_verifier_that_travels_knows_every_field() -> None:
    verifier = Path(SOURCE / "export" / "trailbook_verify.py").read_text("utf-8")
    assert [name for name in FIELDS if f'"{name}"' not in verifier] == []


def test_a_row_is_whole() -> None:
    """A field has its values in some way, a column that fits, and a label where its values are words."""
    catalogue = load()
    for name, field in FIELDS.items():
        ways = [bool(field.choices), field.declared is not None, bool(field.schema)]
        assert sum(ways) == 1, name
        assert (field.items, field.column in CODED, field.personal).count(True) == 1, name
        assert (field.label is not None) == (field.column in CODED), name
        assert field.acts <= field.items >= field.about, name
        assert all(catalogue.label(field.label or "", value, "en") != value for value in field.choices)


@pytest.mark.parametrize(
    ("name", "value", "whether"),
    [
        ("actor", "user/u-1", True),
        ("source.not", "source/api", True),
        ("target", "role/*", False),
        ("category", "roles", False),
        ("text", "user/u-1", False),
    ],
)
def test_which_values_are_items(name: str, value: str, whether: bool) -> None:
    assert is_item(name, value) is whether


@pytest.fixture
def _agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row more: whoever used a browser can be found by it, and it goes with them."""
    agent = structs.replace(
        FIELDS["outcome"],
        name="agent",
        values=lambda entry: {entry.origin.user_agent or ""},
        check=one_of("Firefox"),
        choices=(),
        label=None,
        personal=True,
    )
    monkeypatch.setitem(FIELDS, "agent", agent)
    for phrases in PHRASES.values():
        monkeypatch.setitem(phrases, "agent", "with {}")


@pytest.mark.usefixtures("_agent")
def test_what_is_somebodys_own_is_kept_nowhere() -> None:
    """A filter without it is kept as it is."""
    own, other = from_line("agent:Firefox category:roles"), from_line("category:roles")
    assert (is_personal(own), is_personal(other)) == (True, False)
    assert printed(unnamed(own)) == "agent: category:roles"
    assert unnamed(other) == other
    assert in_words(unnamed(own), lambda _, value: value, "en") == "Roles, with not named here"
    refuse_personal(other, "is not kept")
    with pytest.raises(FilterInvalidError) as refused:
        refuse_personal(own, "is not kept")
    assert [(fault.pointer, fault.detail) for fault in refused.value.faults] == [("/agent", "is not kept")]
    assert "Firefox" not in str(refused.value)


@pytest.mark.parametrize("lang", LOCALES)
def test_the_page_has_words_for_every_field(lang: str) -> None:
    """What is typed has a hint in its field too."""
    texts = texts_of(lang)
    for name, field in FIELDS.items():
        assert f"filter.{name}" in texts
        assert field.form not in ("text", "typed") or f"form.{name}-hint" in texts
    assert "filter.colour" not in texts
