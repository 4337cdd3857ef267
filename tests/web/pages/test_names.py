"""Names on the page: the values of a filter, and its chips, in words."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from tests.web.conftest import ORG, Served, vocabulary_of

from trailbook import operator
from trailbook.query import from_params
from trailbook.web.http.texts import texts_of
from trailbook.web.pages.address import Address, read_address
from trailbook.web.pages.names import Naming, items_of
from trailbook.web.pages.rows import Presenter

HOME = f"/orgs/{ORG}/activity"
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def naming(served: Served, *pairs: tuple[str, str]) -> Naming:
    """Names for the page of a filter without entries: all of them are asked of the log."""
    presenter = Presenter(
        words=texts_of("en"), zone=ZoneInfo("Europe/Oslo"), catalogue=served.log.catalogue, addresses=None
    )
    return Naming(presenter, items_of(served.log, from_params(list(pairs)), viewer=operator(ORG)))


def list_of(served: Served, *pairs: tuple[str, str]) -> Address:
    vocabulary = vocabulary_of(served.log.catalogue)
    return read_address(HOME, list(pairs), vocabulary=vocabulary, home_zone="Europe/Oslo")


@pytest.mark.parametrize(
    ("field", "value", "label"),
    [
        ("category", "roles", "Roles"),
        ("actor", "user/u-17", "Anna Berg"),
        ("concerns", "user/nobody", "Person nobody"),
        ("target", "absence/*", "Absence"),
        ("actor_kind", "integration", "Integrations"),
        ("from", "2026-03-02", "2 March 2026"),
        ("from", "2026-03-02T08:15:00Z", "2 March 2026, 09:15"),
    ],
)
def test_a_value_in_words(served: Served, field: str, value: str, label: str) -> None:
    """An item by its name in the log, else by type and id; times in the reader's zone."""
    assert naming(served, (field, value)).label(field, value) == label


def test_chips_lead_to_the_filter_without_them(served: Served) -> None:
    """One for each value; a period can be frozen, what is a list can be turned round, the zone has none."""
    state = list_of(
        served, ("category", "roles"), ("date", "last-month"), ("outcome.not", "denied"), ("tz", "UTC")
    )
    chips = {chip.name: chip for chip in naming(served).chips(state, NOW)}
    assert set(chips) == {"category", "date", "outcome"}
    assert chips["category"].remove == f"{HOME}?outcome.not=denied&date=last-month&tz=UTC"
    assert (chips["outcome"].negated, chips["category"].negated) == (True, False)
    assert "category.not=roles" in (chips["category"].flip or "")
    assert (chips["date"].flip, "from=2026-02-01&to=2026-02-28" in (chips["date"].freeze or "")) == (
        None,
        True,
    )
    assert chips["category"].freeze is None


def test_items_of_the_filter_have_their_pages(served: Served) -> None:
    """Those that it names, and not those that it excludes or all of a type."""
    state = list_of(
        served,
        ("actor", "user/u-17"),
        ("concerns.not", "user/u-42"),
        ("target", "role/*"),
        ("category", "roles"),
    )
    assert naming(served, ("actor", "user/u-17")).timelines(state) == [
        ("Anna Berg", f"{HOME}/items/user/u-17")
    ]
