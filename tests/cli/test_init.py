"""init, record, api-keys, catalogue, config, version: what each makes and says."""

import json
import os
import pty
import stat
import subprocess
from typing import TYPE_CHECKING

import trailbook
from trailbook.deployment.opening import open_deployment

if TYPE_CHECKING:
    from tests.cli.conftest import Folder


def test_init_begins_a_log_and_says_what_is_next(empty: "Folder") -> None:
    told = empty.good("init", "--org", "acme")
    assert "trailbook record" in told.out
    keys = empty.path / "trailbook.db.keys"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert keys.read_text().split("=")[1].split()[0] not in told.out


def test_init_again_is_harmless(one: "Folder") -> None:
    keys = (one.path / "trailbook.db.keys").read_bytes()
    assert one.good("init", "--org", "acme").out.endswith("already, with 1 entry; nothing was changed.\n")
    assert one.good("init", "--org", "acme", "--json").json["created"] is False
    assert one.good("init", "--org", "new", "--json").json["created"] is True
    assert (one.path / "trailbook.db.keys").read_bytes() == keys
    assert one.good("--org", "acme", "count").out == "1\n"


def test_init_without_a_name_makes_main_and_says_so(empty: "Folder") -> None:
    assert empty.good("init", "--json").json["org"] == "main"
    assert empty.good("count").out == "0\n"


def test_the_commands_that_init_prints_work(empty: "Folder") -> None:
    told = empty.good("init").out
    script = told.partition("Next:\n")[2].partition("  trailbook serve")[0].replace("trailbook ", "tb ")
    tb = f'tb() {{ {" ".join(empty.command())} "$@"; }}\n'
    ended = subprocess.run(
        ["bash", "-euc", tb + script],
        cwd=empty.path,
        env=empty.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Anna Berg gave Bob Li the role Manager" in ended.stdout


def test_an_entry_on_stdin_is_recorded_as_it_is(begun: "Folder") -> None:
    entry = {
        "id": "019a3c1e-7d2b-7c40-9f0e-6f1f0a6f2b11",
        "action": "role.assigned",
        "occurred_at": "2026-11-02T09:15:00.123456+01:00",
        "actor": {"kind": "person", "type": "user", "id": "u=17", "name": "Anna"},
        "target": {"type": "role", "id": "r-3", "name": "Manager"},
        "concerns": [{"part": "member", "type": "user", "id": "u-42"}],
        "origin": {"interface": "web"},
    }
    receipt = begun.good("record", "-", "--json", stdin=json.dumps(entry).encode()).json
    assert (receipt["id"], receipt["seq"], receipt["state"]) == (entry["id"], 0, "accepted")
    shown = begun.good("show", receipt["id"], "--json").json
    assert shown["actor"]["id"] == "u=17"
    assert shown["occurred_at"] == "2026-11-02T08:15:00.123456Z"
    assert begun.run("record", "-", stdin=b'{"id": 1, "id": 1}').code == 2
    assert begun.run("record", "-", stdin=json.dumps({**entry, "seq": 1}).encode()).code == 2


def test_every_option_of_record_reaches_the_entry(begun: "Folder") -> None:
    cause = begun.good(*begun.given, "--json").json["id"]
    own = ("--at", "2026-11-02T09:15:00+01:00", "--purpose", "onboarding", "--effective-at", "2027-01-01")
    more = ("--correlation", "4bf92f3577b34da6a3ce929d0e0e4736", "--caused-by", cause, "--outcome", "failure")
    where = ("--interface", "web", "--ip", "192.0.2.7", "--user-agent", "Mozilla/5.0", "--field", "name")
    behalf = ("--on-behalf-of", "user/u-9=Per", "--concerns", "scope:team/t-1=Oslo")
    id_ = begun.good(*begun.given, *own, *more, *where, *behalf, "--json").json["id"]
    entry = begun.good("show", id_, "--json").json
    assert entry["occurred_at"] == "2026-11-02T08:15:00.000000Z"
    assert (entry["purpose"], entry["effective_at"], entry["outcome"]) == (
        "onboarding",
        "2027-01-01",
        "failure",
    )
    assert (entry["correlation"], entry["caused_by"]) == (more[1], cause)
    assert entry["origin"] == {"interface": "web", "ip": "192.0.2.7", "user_agent": "Mozilla/5.0"}
    assert entry["on_behalf_of"]["name"] == "Per"
    assert entry["fields"] == ["name"]
    assert {c["part"]: c["id"] for c in entry["concerns"]} == {
        "member": "u-42",
        "scope": "t-1",
        "represented": "u-9",
    }


def test_a_key_is_shown_once_works_and_is_revoked(begun: "Folder") -> None:
    """R26: only a hash is kept."""
    made = begun.good(
        "api-keys", "new", "--name", "HR", "--scope", "record", "--scope", "read", "--json"
    ).json
    listed = begun.good("api-keys", "list", "--json")
    assert [key["id"] for key in listed.json] == [made["id"]]
    secret = made["secret"].rpartition("_")[2]
    assert secret not in listed.out
    assert not any(secret.encode() in file.read_bytes() for file in begun.path.iterdir() if file.is_file())
    deployment = open_deployment(f"sqlite:///{begun.path / 'trailbook.db'}")
    assert deployment.credentials.credential(made["secret"]).org == "acme"
    assert begun.good("api-keys", "revoke", made["id"], "--json").json == {"id": made["id"], "revoked": True}
    assert begun.good("api-keys", "list", "--json").json[0]["revoked_at"] is not None
    try:
        deployment.credentials.credential(made["secret"])
    except trailbook.errors.UnauthenticatedError:  # type: ignore[attr-defined]
        revoked = True
    assert revoked
    deployment.close()


def test_a_key_of_another_organisation_is_not_found(begun: "Folder") -> None:
    made = begun.good("api-keys", "new", "--name", "HR", "--scope", "read", "--json").json
    begun.good("init", "--org", "other")
    assert begun.run("--org", "other", "api-keys", "revoke", made["id"]).code == 4
    assert begun.run("--org", "acme", "api-keys", "revoke", made["id"]).code == 0


def test_config_show_tells_values_sources_and_no_secret(empty: "Folder") -> None:
    secret = "cd" * 32
    (empty.path / "trailbook.toml").write_text(f'secret_key = "{secret}"\norganisation_key = "{secret}"\n')
    empty.env["TRAILBOOK_TIMEZONE"] = "Europe/Oslo"
    told = empty.good("--org", "acme", "config", "show", "--json")
    assert told.json["org"] == {"value": "acme", "source": "--org"}
    assert told.json["timezone"] == {"value": "Europe/Oslo", "source": "TRAILBOOK_TIMEZONE"}
    assert told.json["secret_key"] == {"value": "(hidden)", "source": "trailbook.toml"}
    assert secret not in told.out + empty.good("config", "show").out


def test_given_secrets_stand_in_for_the_keys_file(empty: "Folder") -> None:
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


def test_a_language_without_words_stops_the_start(begun: "Folder") -> None:
    begun.env["TRAILBOOK_LANGUAGES"] = "en,fi"
    ended = begun.run("count")
    assert (ended.code, "fi" in ended.err) == (2, True)


def test_the_catalogue_as_a_list_and_in_sentences(shared: "Folder") -> None:
    listed = shared.good("catalogue", "list", "--json").json
    assert {"role.assigned", "absence.registered"} <= {row["action"] for row in listed}
    roles = shared.good("catalogue", "list", "--category", "roles", "--lang", "nb").out
    assert "Rolle gitt" in roles
    assert "absence" not in roles
    assert "Anna Berg ga Bob Li rollen Manager" in shared.good("catalogue", "sentences", "--lang", "nb").out


def test_the_check_sees_actions_of_a_log_that_nothing_declares(empty: "Folder") -> None:
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


def test_version(empty: "Folder") -> None:
    assert empty.good("version").out == f"trailbook {trailbook.__version__}\n"
    assert empty.good("version", "--json").json["version"] == trailbook.__version__


def test_progress_is_on_a_terminal_only_and_no_color_is_obeyed(one: "Folder") -> None:
    assert one.good("export", "--output", "a.csv").err == ""
    for name, color in ((), True), (("NO_COLOR",), False):
        ours, theirs = pty.openpty()
        env = one.environment | {"TERM": "xterm-256color"} | dict.fromkeys(name, "1")
        ended = subprocess.run(
            one.command("export", "--output", "a.csv", "--overwrite"),
            cwd=one.path,
            env=env,
            stdout=subprocess.PIPE,
            stderr=theirs,
            timeout=60,
            check=False,
        )
        os.close(theirs)
        shown = os.read(ours, 65536)
        os.close(ours)
        assert ended.returncode == 0
        assert b"Exporting" in shown
        assert (b"\x1b[38;5;" in shown or b"\x1b[3" in shown) is color
