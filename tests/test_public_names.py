"""The public names, pinned: one more or one fewer is a decision, made here and in the changelog."""

import trailbook

NAMES = """
Actor Concern Deployment Facets Histogram Item Keys Log NewEntry Origin Page Query Receipt Shown Term
TrailbookError Viewer open_configured open_deployment operator
""".split()


def test_public_names_are_pinned_and_sorted() -> None:
    assert trailbook.__all__ == sorted(NAMES)


def test_every_public_name_is_there_and_says_what_it_is() -> None:
    assert [name for name in trailbook.__all__ if not hasattr(trailbook, name)] == []
    assert [name for name in trailbook.__all__ if not getattr(trailbook, name).__doc__] == []
