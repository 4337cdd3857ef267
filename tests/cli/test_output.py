"""Nothing that is printed commands a terminal, makes a line or hides."""

import json
import os
import pty
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given, strategies as st
from tests.cli.conftest import Folder

from trailbook.cli.output import as_json, plain, table

HOSTILE = {
    "escape": ("\x1b[31mred", "\\x1b[31mred"),
    "title": ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
    "csi of C1": ("\x9b2J", "\\x9b2J"),
    "line feed": ("a\nb", "a\\x0ab"),
    "carriage return": ("a\rb", "a\\x0db"),
    "line separator": ("a\u2028b", "a\\u2028b"),
    "bidi override": ("a\u202eb", "a\\u202eb"),
    "bidi isolate": ("a\u2066b", "a\\u2066b"),
    "zero width": ("An\u200bna", "An\\u200bna"),
    "soft hyphen": ("An\xadna", "An\\xadna"),
    "tag": ("a\U000e0041", "a\\U000e0041"),
    "surrogate": ("a\ud800", "a\\ud800"),
    "backspace": ("a\x08", "a\\x08"),
}
INNOCENT = ["Åse Bjørnstad", "Sigríður Jónsdóttir", "李波", "مريم", "e\u0301", "😀", "100 %", "[red]x[/red]"]


@pytest.mark.parametrize(("text", "shown"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert plain(text) == shown
    assert json.loads(as_json(text)) == text
    assert not set(as_json(text)) & set(text) - set("abcdefghijklmnopqrstuvwxyzAn2J[]0;31")


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_text_is_shown_as_it_is(text: str) -> None:
    assert plain(text) == text
    assert as_json(text) == json.dumps(text, ensure_ascii=False)


@given(st.text())
def test_json_reads_back_and_is_one_visible_line(text: str) -> None:
    line = as_json({"name": text})
    assert json.loads(line) == {"name": text}
    assert all(unicodedata.category(char)[0] != "C" for char in line + plain(text))


def test_a_table_stays_aligned_whatever_stands_in_it(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    table([("李波", "a\nb", "last"), ("Anna", "c", "x" * 300), ("e\u0301", "", "")])
    sys.stdout.flush()
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert lines == ["李波  a\\x0ab  last", "Anna  c       " + "x" * 300, "e\u0301"]


def test_hostile_names_in_commands_and_files_reach_no_terminal_raw(shared: Folder) -> None:
    """Every place where the command line repeats what it was given."""
    bad = "\x1b[2J\u202e"
    (shared.path / "hostile.jsonl").write_text('{"\\u001b[2J\\u202e": 1}\n{"action": "\\u009b2J"}\n')
    for arguments in (
        (bad,),
        ("search", f"--{bad}"),
        ("search", "--category", bad),
        ("search", f"{bad}:x"),
        ("show", bad),
        ("--org", bad, "count"),
        ("--store", f"sqlite:///{bad}", "count"),
        ("--config", bad, "count"),
        ("record", "--action", bad, "--actor", f"{bad}:user/{bad}", "--target", f"{bad}/{bad}"),
        ("export", "--output", f"{bad}/x"),
        ("import", "jsonl", bad),
        ("import", "jsonl", "hostile.jsonl"),
        ("api-keys", "revoke", bad),
        ("api-keys", "new", "--name", bad, "--scope", "read"),
        ("demo", "--no-serve", "--dir", "."),
    ):
        for more in ((), ("--json",)):
            ended = shared.run(*arguments, *more)
            assert ended.code in (1, 2, 4), arguments
            assert not {"\x1b", "\x9b", "\u202e"} & set(ended.out + ended.err), arguments


def test_an_export_of_a_hostile_file_name_says_so_plainly(shared: Folder) -> None:
    ended = shared.good("export", "--output", "a\x1b[2Jb.csv")
    assert "a\\x1b[2Jb.csv" in ended.out
    assert "\x1b" not in ended.out


def test_names_that_the_log_keeps_are_printed_and_hidden_ones_escaped(begun: Folder) -> None:
    """The log keeps zero width characters byte-exact; a terminal shows them."""
    words = [word.replace("Bob Li", "Bob\u200bLi 李") for word in begun.given]
    id_ = begun.good(*words, "--json").json["id"]
    assert "Bob\\u200bLi 李" in begun.good("search").out
    assert "Bob\\u200bLi 李" in begun.good("show", id_).out
    assert (
        begun.good("search", "category:roles", "--json").json["entries"][0]["concerns"][0]["name"]
        == "Bob\u200bLi 李"
    )
    refused = begun.run(*[word.replace("Bob Li", "Bob\x1bLi") for word in begun.given])
    assert (refused.code, "\x1b" in refused.err) == (2, False)


def test_progress_is_on_a_terminal_only_and_no_color_is_obeyed(entry_folder: Folder) -> None:
    assert entry_folder.good("export", "--output", "a.csv").err == ""
    for name, color in ((), True), (("NO_COLOR",), False):
        ours, theirs = pty.openpty()
        env = entry_folder.environment | {"TERM": "xterm-256color"} | dict.fromkeys(name, "1")
        ended = subprocess.run(
            entry_folder.command("export", "--output", "a.csv", "--overwrite"),
            cwd=entry_folder.path,
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
