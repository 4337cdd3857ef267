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


def test_what_is_given_once_is_not_given_twice(begun: Folder) -> None:
    refused = begun.run("count", "--hours", "night", "--hours", "weekend")
    assert (refused.code, "hours" in refused.err) == (2, True)
    assert begun.good("count", "--hours", "night").out != ""


def test_a_name_means_the_one_who_has_it(begun: Folder) -> None:
    """Anna Berg alone, though a longer name begins so; several are listed, nobody leads to who was meant."""
    begun.record("r-1", "2026-01-01T12:00:00Z")
    for id_, name in (("u-18", "Anna Bergström"), ("u-19", "Bob Li")):
        begun.good(
            *("record", "--action", "user.profile_updated", "--actor", f"person:user/{id_}={name}"),
            *("--target", f"user/{id_}={name}", "--at", "2026-01-02T12:00:00Z"),
        )
    named = begun.good("count", "--actor", "anna berg", "--json").json["count"]
    assert named == begun.good("count", "--actor", "user/u-17", "--json").json["count"] == 1
    assert begun.good("search", "--concerns", "Manager", "--json").json["count"] == 1
    assert begun.good("count", "concerns:Manager", "actor:Anna%20Berg", "--json").json["count"] == 1
    for words, expected in (
        (("--actor", "Anna"), "user/u-18"),
        (("--concerns", "Bob Li"), "write one as TYPE/ID"),
        (
            ("--actor", "Ana Brg"),
            "nobody and nothing is called 'Ana Brg'. Did you mean Anna Berg (user/u-17)?",
        ),
    ):
        refused = begun.run("count", *words)
        assert (refused.code, refused.out) == (2, "")
        assert expected in refused.err


def test_addresses_are_found(begun: Folder) -> None:
    begun.record("r-1", "2026-01-01T12:00:00Z", "--ip", "192.0.2.7")
    begun.record("r-2", "2026-02-01T12:00:00Z", "--ip", "2001:db8::7")
    begun.record("r-3", "2026-03-01T12:00:00Z")
    for arguments, count in (
        (("--ip", "192.0.2.7"), 1),
        (("--ip", "192.0.2.0/24", "--ip", "2001:db8::/32"), 2),
        (("--ip-not", "0.0.0.0/0"), 2),
        (("ip:2001:db8::7",), 1),
    ):
        assert begun.good("count", *arguments, "--json").json["count"] == count, arguments
    assert begun.good("export", "--ip", "192.0.2.0/24", "--output", "-").out.count("192.0.2.7") == 1
    wrong = begun.run("count", "--ip", "192.0.2.7/24")
    assert (wrong.code, "192.0.2.0/24" in wrong.err) == (2, True)


def test_dates_are_cut_in_the_zone_of_the_settings(begun: Folder) -> None:
    begun.record("r-1", "2026-07-01T23:30:00Z")
    assert begun.good("count", "--from", "2026-07-02").out == "0\n"
    begun.env["TRAILBOOK_TIMEZONE"] = "Europe/Oslo"
    assert begun.good("count", "--from", "2026-07-02").out == "1\n"
    assert begun.good("count", "--from", "2026-07-02", "--tz", "UTC").out == "0\n"
