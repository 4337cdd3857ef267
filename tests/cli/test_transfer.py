"""Export and import: exactly the filter, whole files only, each entry once."""

import json
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest
from tests.cli.conftest import Folder

CASES = Path(__file__).parents[1] / "adapters" / "cases"
COUNTS = "{}, 0 in the log already, 0 twice in this file, {} refused, 0 skipped; {} in all\n"
COMPUTED = {"seq", "recorded_at", "source"}  # what a second log gives anew


def wire(number: int, **more: object) -> dict[str, object]:
    """A plain entry as a recorder gives it."""
    return {
        "id": f"019a3c1e-7d2b-7c40-9f0e-{number:012x}",
        "action": "role.assigned",
        "occurred_at": "2026-11-02T09:15:00.123456+01:00",
        "actor": {"kind": "person", "type": "user", "id": "u-17", "name": "Anna Berg"},
        "target": {"type": "role", "id": f"r-{number}", "name": "Manager"},
        "concerns": [{"part": "member", "type": "user", "id": "u-42", "name": "Bob Li"}],
        "origin": {"interface": "web", "ip": "192.0.2.7", "user_agent": "Mozilla/5.0"},
        **more,
    }


def lines(*entries: object) -> bytes:
    """JSON lines of these."""
    return b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)


def exported(folder: Folder, *arguments: str) -> list[dict[str, object]]:
    """What an export to standard output holds."""
    out = folder.good("export", "--format", "jsonl", "--output", "-", *arguments).out
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def varied(begun: Folder) -> Folder:
    """A log of entries with every kind of member, names that change, one about its own actor, one denied."""
    anna, bob = (
        {"type": "user", "id": f"u-{n}", "name": name} for n, name in ((17, "Anna Lie"), (42, "Bob Li"))
    )
    own = {
        "action": "user.profile_updated",
        "actor": {"kind": "person", **anna},
        "target": anna,
        "concerns": [],
    }
    sync = {"kind": "integration", "type": "integration", "id": "visma", "name": "Visma"}
    behalf = {"on_behalf_of": bob, "actor": sync, "purpose": "onboarding", "effective_at": "2027-01-01"}
    absence = {"action": "absence.registered", "target": {"type": "absence", "id": "a-1"}}
    entries = [
        wire(1, correlation="4bf92f3577b34da6a3ce929d0e0e4736"),
        wire(2, **own, fields=["phone"], correlation="a business key"),
        wire(3, **behalf, caused_by="019a3c1e-7d2b-7c40-9f0e-000000000001"),
        wire(4, **absence, concerns=[{"part": "owner", **bob}]),
        wire(5, outcome="denied", origin={"interface": "job"}),
        wire(6, concerns=[{"part": "member", **anna}], action="role.unassigned"),
    ]
    ended = begun.good("import", "jsonl", "-", "--json", stdin=lines(*entries))
    assert {name: count for name, count in ended.json.items() if count} == {
        "recorded": 6,
        "names": {"composed": 0, "cut": 0, "left_out": 0},
    }
    return begun


def test_an_export_imported_into_an_empty_log_and_again_adds_each_entry_once(
    varied: Folder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = exported(varied)
    varied.good("export", "--format", "jsonl", "--output", "all.jsonl")
    varied.path = tmp_path_factory.mktemp("other")
    file = str(varied.path / "all.jsonl")
    (varied.path / "all.jsonl").write_bytes(lines(*first))
    varied.good("init", "--org", "acme")
    for recorded, replayed in ((6, 0), (0, 6)):
        report = varied.good("import", "jsonl", file, "--json").json
        assert (report["recorded"], report["replayed"], report["refused"]) == (recorded, replayed, [])
    assert varied.good("count").out == "6\n"
    second = exported(varied)
    assert [{k: v for k, v in e.items() if k not in COMPUTED} for e in second] == [
        {k: v for k, v in e.items() if k not in COMPUTED} for e in first
    ]
    assert all(entry["source"]["id"] == "import" for entry in second)  # type: ignore[index]


def test_an_entry_without_an_id_is_added_once_too(begun: Folder) -> None:
    """Its id follows from its content, under the organisation's key: another log gives it another id."""
    entry = {name: value for name, value in wire(1).items() if name != "id"}
    again = dict(reversed(entry.items()))
    for given, recorded in ((entry, 1), (again, 0), (entry | {"fields": []}, 1)):
        report = begun.good("import", "jsonl", "-", "--json", stdin=lines(given)).json
        assert report["recorded"] == recorded
    begun.good("init", "--org", "other")
    assert (
        begun.good("--org", "other", "import", "jsonl", "-", "--json", stdin=lines(entry)).json["recorded"]
        == 1
    )
    ids = {
        begun.good("--org", org, "search", "--json").json["entries"][-1]["id"] for org in ("acme", "other")
    }
    assert len(ids) == 2


def test_bad_lines_are_refused_with_number_and_pointer_and_the_rest_imported(begun: Folder) -> None:
    """Nothing is swallowed, and one bad line stops no other."""
    good, other = lines(wire(1)), lines(wire(9))
    bad = {
        b'{"id": 1, "id": 2}\n': ("malformed", ""),
        b" x\n": ("malformed", ""),
        b"not json\n": ("malformed", ""),
        b'{"action": 1.5}\n': ("malformed", ""),
        b'{"action": 12345678901234567890}\n': ("malformed", ""),
        b'{"action": "\\ud800"}\n': ("malformed", ""),
        b'{"action": "\xff"}\n': ("malformed", ""),
        b"[" * 100_000 + b"\n": ("malformed", ""),
        b'"' + b"x" * (256 * 1024) + b'"\n': ("malformed", ""),
        b"[]\n": ("entry-invalid", ""),
        lines(wire(2, action="role.asigned")): ("action-unknown", "/action"),
        lines(wire(3, salary=100)): ("entry-invalid", "/salary"),
        lines(wire(4, target={"type": "role", "id": "r", "value": "x"})): ("entry-invalid", "/target/value"),
        lines(wire(5, concerns=[])): ("concern-missing", "/concerns"),
        lines(wire(6, fields=["shoe_size"])): ("field-undeclared", "/fields/0"),
        lines(wire(7, occurred_at="2026-11-02T09:15:00")): ("entry-invalid", "/occurred_at"),
        lines(wire(8, occurred_at="2999-01-01T00:00:00Z")): ("time-ahead", "/occurred_at"),
        lines(wire(1, purpose="onboarding")): ("entry-conflict", None),
    }
    stdin = good + b"".join(bad) + other.rstrip(b"\n")
    ended = begun.run("import", "jsonl", "-", "--json", stdin=stdin)
    assert ended.code == 1
    report = ended.json
    assert (report["recorded"], len(report["refused"])) == (2, len(bad))
    for number, (line, (code, pointer)) in zip(report["refused"], bad.items(), strict=True):
        assert number["line"] == 2 + list(bad).index(line)
        assert number["code"] == code, (line[:80], number)
        assert pointer is None or number["errors"][0]["pointer"].startswith(pointer)
    answer = begun.run("import", "jsonl", "-", stdin=stdin)
    assert answer.code == 1
    assert "line 12: /action: " in answer.err or "line 12: the action 'role.asigned'" in answer.err
    again = "0 recorded, 2 in the log already, 0 twice in this file"
    assert answer.out == f"{again}, {len(bad)} refused, 0 skipped; {2 + len(bad)} in all\n"


def test_a_dry_run_says_what_would_be_refused_and_records_nothing(begun: Folder) -> None:
    stdin = lines(wire(1), wire(2, action="role.asigned"))
    ended = begun.run("import", "jsonl", "-", "--dry-run", stdin=stdin)
    assert (ended.code, ended.out) == (1, COUNTS.format("1 acceptable", 1, 2))
    assert ended.err.startswith("line 2: ")
    assert begun.good("count").out == "0\n"
    assert begun.good("import", "jsonl", "-", "--dry-run", stdin=lines(wire(1))).out == COUNTS.format(
        "1 acceptable", 0, 1
    )


def test_a_csv_file_is_accounted_for_and_its_refused_rows_are_written(begun: Folder) -> None:
    """Every row has one result, said in one line; the file of refused rows is the owner's alone, and imports again."""
    csv = "When,What,Uid,User,Rid,Role,Mid,Member\n"
    row = "2024-09-08T10:00:00,role.assigned,u-1,{},r-1,Boss,{},Per\n"
    rows = [row.format("Kari", "u-2")] * 2 + [
        row.format("Zoe\u0308", "u-3"),
        row.format("Kari", "u-4;u-5"),
        "\n",
    ]
    (begun.path / "rows.csv").write_text(csv + "".join(rows), "utf-8")
    mapping = str(CASES / "mapping.toml")
    ended = begun.run("import", "csv", "rows.csv", "--mapping", mapping, "--refused", "bad.csv")
    counts, names = ended.out.splitlines()
    assert ended.code == 1
    assert counts == "2 recorded, 0 in the log already, 1 twice in this file, 1 refused, 1 skipped; 5 in all"
    assert names == "names: 1 composed, 0 cut, 0 left out"
    bad = begun.path / "bad.csv"
    assert stat.S_IMODE(bad.stat().st_mode) == 0o600
    again = begun.run("import", "csv", "rows.csv", "--mapping", mapping, "--refused", "bad.csv")
    assert (again.code, "there already" in again.err) == (2, True)
    bad.write_bytes(bad.read_bytes().replace(b"u-4;u-5", b"u-4"))
    mended = begun.good(
        "import", "csv", "bad.csv", "--mapping", mapping, "--refused", "none.csv", "--json"
    ).json
    assert (mended["recorded"], mended["refused"]) == (1, [])
    assert [
        each.name for each in begun.path.iterdir() if "none" in each.name
    ] == []  # there was nothing to write
    assert begun.run("import", "csv", "bad.csv", "--mapping", mapping, "--refused", "no/x.csv").code == 2


def test_an_export_is_exactly_the_filter(varied: Folder) -> None:
    for pairs in (
        (),
        ("--category", "roles"),
        ("--outcome-not", "denied", "--self", "false"),
        ("--actor", "user/u-17"),
    ):
        pairs = (*pairs, "--category-not", "activity_log")  # the exports themselves are entries
        entries = exported(varied, *pairs)
        assert str(len(entries)) == varied.good("count", *pairs).out.strip()
        assert entries == varied.good("search", "--order", "seq", "--json", *pairs).json["entries"]
    csv = varied.good("export", "--output", "-", "--category", "absence").out
    assert csv.startswith("\ufeffoccurred_at,")
    assert len(csv.splitlines()) == 2


def test_an_erroring_or_killed_export_leaves_no_file_of_the_final_name(begun: Folder) -> None:
    """A half file never stands under the final name, whenever the process ends."""
    many = lines(*(wire(number) for number in range(1, 6001)))
    begun.good("import", "jsonl", "-", stdin=many)
    final = begun.path / "all.jsonl"
    running = subprocess.Popen(
        begun.command("export", "--format", "jsonl", "--output", final.name),
        cwd=begun.path,
        env=begun.environment,
        stdout=subprocess.DEVNULL,
    )
    parts: list[int] = []
    while running.poll() is None and not any(parts):
        parts = [part.stat().st_size for part in begun.path.glob(".all.jsonl.*.part")]
        time.sleep(0.001)
    running.send_signal(signal.SIGKILL)
    assert running.wait(timeout=30) == -signal.SIGKILL
    assert any(parts)
    assert not final.exists()
    begun.good("export", "--format", "jsonl", "--output", final.name)  # the control
    assert len(final.read_bytes().splitlines()) == 6001  # the one that was killed is an entry too


def test_a_failed_export_leaves_nothing_at_all(entry_folder: Folder) -> None:
    folder = entry_folder.path / "there"
    folder.mkdir()
    (folder / "taken").mkdir()
    ended = entry_folder.run("export", "--output", "there/taken", "--overwrite")
    assert ended.code == 2
    assert [each.name for each in folder.iterdir()] == ["taken"]
    entry_folder.good("export", "--output", "there/free")
    assert sorted(each.name for each in folder.iterdir()) == ["free", "taken"]


def test_an_export_that_cannot_be_is_refused_in_words(entry_folder: Folder) -> None:
    """A folder that is not there, and a form for a bundle, which has its own."""
    missing = entry_folder.run("export", "--output", "nowhere/y.csv")
    assert (missing.code, missing.err) == (2, "error: output: the folder nowhere does not exist\n")
    both = entry_folder.run("export", "--format", "csv", "--bundle", "inclusion", "--output", "y.zip")
    assert both.code == 2
    assert "format: " in both.err
    assert not (entry_folder.path / "y.zip").exists()
    entry_folder.good("export", "--bundle", "inclusion", "--output", "y.zip")
    unknown = entry_folder.run("verify", "y.zip", "--key", "nosuchkey")
    assert (unknown.code, unknown.err) == (2, "error: nosuchkey: there is no such file\n")
    entry_folder.good("verify", "y.zip")


def test_an_import_says_a_score_of_refusals_and_counts_the_rest(begun: Folder) -> None:
    """A wrong file does not fill the terminal; all refusals are in the JSON."""
    (begun.path / "no.jsonl").write_text("nothing\n" * 132)
    ended = begun.run("import", "jsonl", "no.jsonl")
    assert ended.code == 1
    assert ended.err.count("\n") == 21
    assert "and 112 more" in ended.err
    assert len(begun.run("import", "jsonl", "no.jsonl", "--json").json["refused"]) == 132
