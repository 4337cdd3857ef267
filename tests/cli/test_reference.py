"""The reference of the command line is made from the commands, and stands in docs as it is made."""

from pathlib import Path

from trailbook.cli.reference import reference

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


def test_the_reference_is_in_step() -> None:
    assert REFERENCE.read_text("utf-8") == reference(), (
        "python -m trailbook.cli.reference > docs/reference/cli.md"
    )
