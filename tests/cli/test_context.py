"""From flags to an open log: which secrets, which language and which organisation are meant."""

from tests.cli.conftest import Folder


def test_given_secrets_stand_in_for_the_keys_file(empty: Folder) -> None:
    empty.env |= {"TRAILBOOK_SECRET_KEY": "ab" * 32, "TRAILBOOK_ORGANISATION_KEY": "cd" * 32}
    empty.good("init")
    assert not (empty.path / "trailbook.db.keys").exists()
    cursor = [empty.good(*empty.given) for _ in range(2)] and empty.good(
        "search", "--limit", "1", "--json"
    ).json
    more = ("search", "--limit", "1", "--cursor", cursor["next_cursor"])
    assert empty.run(*more).code == 0
    empty.env["TRAILBOOK_SECRET_KEY"] = "ef" * 32
    assert empty.run(*more).code == 2


def test_a_language_without_words_stops_the_start(begun: Folder) -> None:
    begun.env["TRAILBOOK_LANGUAGES"] = "en,fi"
    ended = begun.run("count")
    assert (ended.code, "fi" in ended.err) == (2, True)


def test_the_organisation_is_named_or_the_only_one(entry_folder: Folder) -> None:
    assert entry_folder.good("count").out == "1\n"
    entry_folder.good("init", "--org", "other")
    ended = entry_folder.run("count")
    assert (ended.code, ended.err) == (2, "error: org: there are several, name one with --org: acme, other\n")
    assert entry_folder.good("--org", "other", "count").out == "0\n"
    entry_folder.env["TRAILBOOK_ORG"] = "acme"
    assert entry_folder.good("count").out == "1\n"
