"""The filter as options: every parameter of the API is one, and each finds what the one line finds."""

from tests.cli.conftest import Folder

from trailbook.cli.filters import OPTIONS
from trailbook.query import FIELDS, ONCE


def test_every_parameter_of_the_filter_is_an_option() -> None:
    assert set(OPTIONS) == {*ONCE, *FIELDS, *(f"{name}.not" for name in FIELDS)}


def test_options_and_the_one_line_find_the_same(begun: Folder) -> None:
    first = begun.record("r-1", "2026-01-01T12:00:00Z")
    begun.record("r-2", "2026-02-01T12:00:00Z", "--outcome", "denied")
    for arguments, count in (
        ((), 2),
        (("--target", "role/r-1"), 1),
        (("--target", "role/r-1", "--target", "role/r-2"), 2),
        (("--target-not", "role/r-1"), 1),
        (("--outcome", "success"), 1),
        (("--from", "2026-01-15"), 1),
        (("--to", "2026-01-15"), 1),
        (("--text", "ann man"), 2),
        (("--text", "nobody"), 0),
        (("--self", "true"), 0),
        (("--by-or-about", "user/u-42"), 2),
        (("--as-of", "1"), 1),
        (("target:role/r-1 -outcome:denied",), 1),
        (("target:role/r-1", "--outcome", "denied"), 0),
        (("anna", "bob"), 2),
    ):
        assert begun.good("count", *arguments, "--json").json["count"] == count, arguments
    assert begun.good("search", "outcome:success", "--json").json["entries"][0]["id"] == first


def test_dates_are_cut_in_the_zone_of_the_settings(begun: Folder) -> None:
    begun.record("r-1", "2026-07-01T23:30:00Z")
    assert begun.good("count", "--from", "2026-07-02").out == "0\n"
    begun.env["TRAILBOOK_TIMEZONE"] = "Europe/Oslo"
    assert begun.good("count", "--from", "2026-07-02").out == "1\n"
    assert begun.good("count", "--from", "2026-07-02", "--tz", "UTC").out == "0\n"
