"""`catalogue`: what can be recorded, in which words, and what is at fault in its files."""

from tests.cli.conftest import Folder


def test_the_catalogue_as_a_list_and_in_sentences(shared: Folder) -> None:
    listed = shared.good("catalogue", "list", "--json").json
    assert {"role.assigned", "absence.registered"} <= {row["action"] for row in listed}
    roles = shared.good("catalogue", "list", "--category", "roles", "--lang", "nb").out
    assert "Rolle gitt" in roles
    assert "absence" not in roles
    assert "Anna Berg ga Bob Li rollen Manager" in shared.good("catalogue", "sentences", "--lang", "nb").out


def test_the_check_sees_actions_of_a_log_that_nothing_declares(empty: Folder) -> None:
    host = empty.path / "host"
    (host / "say").mkdir(parents=True)
    (host / "roles.toml").write_text(
        '[actions."role.polished"]\ntarget = ["role"]\nconcerns = {}\nverb = "updated"\nsince = "1.0"\n'
    )
    words = '[actions."role.polished"]\nlabel = "Polished"\nplain = "{actor} polished {target}"\n'
    for lang in ("en", "nb"):
        (host / "say" / f"{lang}.toml").write_text(words)
    empty.env["TRAILBOOK_CATALOGUE"] = "host"
    empty.good("init")
    empty.good("record", "--action", "role.polished", "--actor", "person:user/u=A", "--target", "role/r=B")
    url = "sqlite:///trailbook.db"
    assert empty.good("catalogue", "check", "--log", url).out == ""
    del empty.env["TRAILBOOK_CATALOGUE"]
    ended = empty.run("catalogue", "check", "--log", url, "--json")
    assert (ended.code, [f["key"] for f in ended.json]) == (1, ["actions.role.polished"])
    assert empty.run("catalogue", "check").code == 0
