"""search, count and show: the API's filter as options, and what a person reads."""

from typing import TYPE_CHECKING

from trailbook.cli.filters import FIELDS, ONCE
from trailbook.query import checks

if TYPE_CHECKING:
    from tests.cli.conftest import Folder


def record(folder: "Folder", id_: str, at: str, *more: str) -> str:
    """Record that Anna gave Bob a role then; its id."""
    words = [word.replace("r-3", id_) for word in folder.given]
    return str(folder.good(*words, "--at", at, "--json", *more).json["id"])


def test_every_parameter_of_the_filter_is_an_option() -> None:
    assert set(FIELDS) == set(checks.FIELDS)
    assert set(ONCE) == set(checks.ONCE)


def test_options_and_the_one_line_find_the_same(begun: "Folder") -> None:
    first = record(begun, "r-1", "2026-01-01T12:00:00Z")
    record(begun, "r-2", "2026-02-01T12:00:00Z", "--outcome", "denied")
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


def test_pages_follow_each_other_by_the_cursor(begun: "Folder") -> None:
    ids = [record(begun, f"r-{n}", f"2026-01-0{n}T12:00:00Z") for n in (1, 2, 3)]
    first = begun.good("search", "--limit", "2", "--json").json
    assert [entry["id"] for entry in first["entries"]] == [ids[2], ids[1]]
    record(begun, "r-9", "2026-01-09T12:00:00Z")  # later entries never move a page
    second = begun.good("search", "--limit", "2", "--cursor", first["next_cursor"], "--json").json
    assert [entry["id"] for entry in second["entries"]] == [ids[0]]
    assert second["as_of"] == first["as_of"]
    said = begun.good("search", "category:roles", "--limit", "2")
    assert said.err.startswith("2 of 4 entries\nmore: ")
    more = said.err.splitlines()[1].removeprefix("more: ").split()
    assert len(begun.good("search", "category:roles", "--limit", "2", *more).out.splitlines()) == 2


def test_a_person_reads_time_category_and_sentence(begun: "Folder") -> None:
    id_ = record(begun, "r-1", "2026-07-01T12:00:00Z", "--purpose", "onboarding", "--ip", "192.0.2.7")
    sentence = "Anna Berg gave Bob Li the role Manager"
    roles = ("search", "category:roles")
    found = begun.good(*roles, "--json").json["entries"][0]["id"]
    assert begun.good(*roles).out == f"2026-07-01 12:00:00+00:00  roles  {sentence}  {found}\n"
    begun.env["TRAILBOOK_TIMEZONE"] = "Europe/Oslo"
    begun.env["TRAILBOOK_LANGUAGES"] = "nb,en"
    assert (
        begun.good(*roles).out
        == f"2026-07-01 14:00:00+02:00  roles  Anna Berg ga Bob Li rollen Manager  {found}\n"
    )
    assert begun.good(*roles, "--lang", "en").out.endswith(f"{sentence}  {found}\n")
    shown = begun.good("show", id_, "--lang", "en").out.splitlines()
    assert shown[:2] == [sentence, ""]
    rows = dict(line.split("  ", 1) for line in shown[2:])
    assert {name: value.strip() for name, value in rows.items()} | {"recorded": ""} == {
        "id": id_,
        "seq": "0",
        "when": "2026-07-01 14:00:00+02:00",
        "recorded": "",
        "category": "roles",
        "action": "role.assigned",
        "outcome": "success",
        "actor": "person user/u-17  Anna Berg",
        "target": "role/r-1  Manager",
        "concerns (member)": "user/u-42  Bob Li",
        "purpose": "onboarding",
        "origin": "cli 192.0.2.7",
        "source": "source/cli  Trailbook command line",
        "state": "accepted",
    }


def test_dates_are_cut_in_the_zone_of_the_settings(begun: "Folder") -> None:
    record(begun, "r-1", "2026-07-01T23:30:00Z")
    assert begun.good("count", "--from", "2026-07-02").out == "0\n"
    begun.env["TRAILBOOK_TIMEZONE"] = "Europe/Oslo"
    assert begun.good("count", "--from", "2026-07-02").out == "1\n"
    assert begun.good("count", "--from", "2026-07-02", "--tz", "UTC").out == "0\n"


def test_the_organisation_is_named_or_the_only_one(one: "Folder") -> None:
    assert one.good("count").out == "1\n"
    one.good("init", "--org", "other")
    ended = one.run("count")
    assert (ended.code, ended.err) == (2, "error: org: there are several, name one with --org: acme, other\n")
    assert one.good("--org", "other", "count").out == "0\n"
    one.env["TRAILBOOK_ORG"] = "acme"
    assert one.good("count").out == "1\n"
