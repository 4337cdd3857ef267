"""Refused rows in a file of their own: with their reasons, to be mended and imported again."""

import csv
import io
import json

from hypothesis import given, strategies as st
from tests.adapters.small import CASES, plan_of, recorded, results

from trailbook import Log
from trailbook.adapters.files import import_csv, import_jsonl
from trailbook.adapters.json_text import malformed
from trailbook.adapters.mapping import Plan
from trailbook.adapters.refused import COLUMNS, csv_refusals
from trailbook.adapters.rows import cells_alone
from trailbook.adapters.settling import Line

HEADING = b"When,What,Uid,User,Rid,Role,Mid,Member,Note\n"
ROW = "2024-01-02T10:0{}:00,role.assigned,u-1,Kari,r-1,Boss,u-2,Per,{}\n"


def again(log: Log, raw: bytes, plan: Plan) -> tuple[dict[str, int], bytes]:
    """What became of the rows of a file, and the file of those refused."""
    out = io.BytesIO()
    return results(list(import_csv(log, io.BytesIO(raw), plan, refused=out))), out.getvalue()


def test_refused_rows_are_mended_and_imported_again(log: Log) -> None:
    """Unmended they are refused again, with one reason each; mended they are recorded, under the ids of their rows."""
    good, bad = ROW.format(1, "a"), ROW.format(2, "b").replace("u-1", "u;1").replace("2,b", '2,"x, ""y"""')
    counts, refused = again(log, HEADING + (good + bad).encode(), plan_of())
    assert counts == {"recorded": 1, "refused": 1}
    head, row = csv.reader(io.StringIO(refused.decode("utf-8-sig")))
    assert head[-2:] == list(COLUMNS)
    assert row[:-2] == next(csv.reader([bad]))
    assert (row[-2], row[-1].startswith("/actor/id: ")) == ("3", True)
    counts, twice = again(log, refused, plan_of())
    assert (counts, twice.count(b"Trailbook: line")) == ({"refused": 1}, 1)
    counts, none = again(log, refused.replace(b"u;1", b"u-1"), plan_of())
    assert (counts, none) == ({"recorded": 1}, b"")
    assert again(log, HEADING + bad.replace("u;1", "u-1").encode(), plan_of())[0] == {"replayed": 1}


def test_lines_that_do_not_read_stand_whole_in_the_first_cell(log: Log) -> None:
    """What a stray mark took with it reads by itself; with the mark gone, all of them are recorded."""
    raw = (CASES / "stray-quote.csv").read_bytes()
    counts, refused = again(log, raw, plan_of())
    assert counts == {"recorded": 2, "refused": 3}
    _, first, *others = csv.reader(io.StringIO(refused.decode("utf-8-sig")))
    assert first[0] == raw.splitlines()[2].decode()
    assert first[1:8] == [""] * 7
    assert [row[5] for row in others] == ["Manager", "Manager, North"]
    counts, left = again(log, refused, plan_of())
    assert counts == {"recorded": 2, "refused": 1}
    assert list(csv.reader(io.StringIO(left.decode("utf-8-sig"))))[1][0] == first[0]


def test_too_many_and_too_few_cells_are_not_filled_up(log: Log) -> None:
    raw = HEADING + b"1,2\n" + ROW.format(1, "a,b").encode() + b"\xff\xfe,x\n"
    counts, refused = again(log, raw, plan_of())
    assert counts == {"refused": 3}
    assert again(log, refused, plan_of())[0] == {"refused": 3}
    assert b'\n"\xff\xfe,x",' in refused  # as it stood
    assert recorded(log) == []


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=5), min_size=3, max_size=3))
def test_cells_stand_as_they_came(cells: list[str]) -> None:
    out, raw = io.BytesIO(), io.StringIO()
    csv.writer(raw, delimiter=";").writerow(cells)
    line = Line(number=7, raw=raw.getvalue().encode())
    csv_refusals(out, ["a", "b", "c"], ";")(line, malformed("why"))
    text = out.getvalue().removeprefix(b"\xef\xbb\xbf")
    head, _, row = text.partition(b"\r\n")
    assert list(cells_alone(row, ";")) == [*cells, "7", "entry: why"]
    assert list(cells_alone(head, ";")) == ["a", "b", "c", *COLUMNS]


def test_refused_lines_of_json_are_mended_and_imported_again(log: Log) -> None:
    """A reason is a member; what is no object stands in it as a text, and is no entry until somebody mends it."""
    entry = json.loads((CASES / "bom-and-blank.jsonl").read_bytes().splitlines()[0].decode("utf-8-sig"))
    bad = {**entry, "action": "role.asigned"}
    raw = (
        "\n".join([json.dumps(entry), json.dumps(bad), "no json", '{"id": 1, "id": 2}', "[]"]).encode()
        + b"\n\xff\n"
    )
    out = io.BytesIO()
    lines = list(import_jsonl(log, io.BytesIO(raw), refused=out))
    assert results(lines) == {"recorded": 1, "refused": 5}
    first, *rest = [json.loads(line) for line in out.getvalue().splitlines()]
    reason = first.pop("refused")
    assert (first, reason["line"], reason["code"]) == (bad, 2, "action-unknown")
    assert [line["refused"]["text"] for line in rest] == ["no json", '{"id": 1, "id": 2}', "[]", "\\xff"]
    mended = out.getvalue().replace(b"role.asigned", b"role.assigned")
    assert [line.result for line in import_jsonl(log, io.BytesIO(mended))] == ["replayed"] + ["refused"] * 4
