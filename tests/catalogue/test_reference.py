"""The page of the reference says what the files say."""

from pathlib import Path

from trailbook.catalogue import load
from trailbook.catalogue.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "catalogue.md"


def test_the_page_is_in_step() -> None:
    """Renew it with: python -m trailbook.catalogue.reference > docs/reference/catalogue.md"""
    assert PAGE.read_text("utf-8") == reference(load())


def test_every_action_and_type_is_on_it() -> None:
    page = reference(load())
    assert [name for name in (*load().actions, *load().types) if f"| `{name}`" not in page] == []
