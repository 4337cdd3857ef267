"""`search`, `count` and `show`: pages, and what a person reads."""

from tests.cli.conftest import Folder


def test_pages_follow_each_other_by_the_cursor(begun: Folder) -> None:
    ids = [begun.record(f"r-{n}", f"2026-01-0{n}T12:00:00Z") for n in (1, 2, 3)]
    first = begun.good("search", "--limit", "2", "--json").json
    assert [entry["id"] for entry in first["entries"]] == [ids[2], ids[1]]
    begun.record("r-9", "2026-01-09T12:00:00Z")  # later entries never move a page
    second = begun.good("search", "--limit", "2", "--cursor", first["next_cursor"], "--json").json
    assert [entry["id"] for entry in second["entries"]] == [ids[0]]
    assert second["as_of"] == first["as_of"]
    page = begun.good("search", "category:roles", "--limit", "2")
    assert page.err.startswith("2 of 4 entries\nmore: ")
    more = page.err.splitlines()[1].removeprefix("more: ").split()
    assert len(begun.good("search", "category:roles", "--limit", "2", *more).out.splitlines()) == 2


def test_a_person_reads_time_category_and_sentence(begun: Folder) -> None:
    id_ = begun.record("r-1", "2026-07-01T12:00:00Z", "--purpose", "onboarding", "--ip", "192.0.2.7")
    sentence = "Anna Berg gave Bob Li the role Manager"
    roles = ("search", "category:roles")
    entry_id = begun.good(*roles, "--json").json["entries"][0]["id"]
    assert begun.good(*roles).out == f"2026-07-01 12:00:00+00:00  roles  {sentence}  {entry_id}\n"
    begun.env["TRAILBOOK_TIMEZONE"] = "Europe/Oslo"
    begun.env["TRAILBOOK_LANGUAGES"] = "nb,en"
    assert (
        begun.good(*roles).out
        == f"2026-07-01 14:00:00+02:00  roles  Anna Berg ga Bob Li rollen Manager  {entry_id}\n"
    )
    assert begun.good(*roles, "--lang", "en").out.endswith(f"{sentence}  {entry_id}\n")
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


def test_times_are_told_in_the_zone_that_cuts_the_days(begun: Folder) -> None:
    """Half past three in the afternoon in Oslo is the next day in Tokyo, found there and told so."""
    id_ = begun.record("r-1", "2026-03-01T15:30:00Z")
    roles = ("search", "category:roles", "--from", "2026-03-02", "--tz")
    assert begun.good(*roles, "Asia/Tokyo").out.startswith("2026-03-02 00:30:00+09:00  roles  ")
    assert begun.good(*roles, "Europe/Oslo").out == ""
    assert "2026-03-02 00:30:00+09:00" in begun.good("show", id_, "--tz", "Asia/Tokyo").out
    refused = begun.run("show", id_, "--tz", "Tokyo")
    assert (refused.code, "tz" in refused.err) == (2, True)


def test_numbers_have_their_words(entry_folder: Folder) -> None:
    """One entry is not 1 entries."""
    assert "1 of 1 entry\n" in entry_folder.good("search", "category:roles").err
    entry_folder.good(*entry_folder.given)
    assert "2 of 2 entries\n" in entry_folder.good("search", "category:roles").err
