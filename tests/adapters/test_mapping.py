"""CSV in, under a mapping: every row is imported or refused with its line and reason, and never twice."""

import io
import json

import pytest

from trailbook import Log, Query, operator
from trailbook.adapters.files import ImportLine, import_csv
from trailbook.adapters.mapping import Plan, read_plan
from trailbook.errors import ConfigurationError

ORG = "acme"
MAPPING = """
source = "old-hr"
line_id = "No"
zone = "Europe/Oslo"
time_format = "%d.%m.%Y %H:%M"
[columns]
occurred_at = "When"
action = "What"
"actor.id" = "Who id"
"actor.name" = "Who"
"target.id" = "Role"
"concerns.member.id" = "Whom"
[fixed]
"actor.kind" = "person"
"actor.type" = "user"
"target.type" = "role"
"target.name" = "Manager"
"concerns.member.type" = "user"
"concerns.member.name" = "Bob Li"
"origin.interface" = "import"
[values.action]
"Role given" = "role.assigned"
"""
HEADING = "No,When,What,Who id,Who,Role,Whom,Salary\n"
GOOD = "1,02.03.2026 09:15,Role given,u-17,Anna Berg,r-3,u-42,secret\n"


@pytest.fixture
def plan() -> Plan:
    """The mapping above."""
    return read_plan(MAPPING.encode())


def imported(log: Log, plan: Plan, rows: str | bytes, *, dry_run: bool = False) -> list[ImportLine]:
    """What became of each row under the heading."""
    raw = rows if isinstance(rows, bytes) else (HEADING + rows).encode()
    return list(import_csv(log, io.BytesIO(raw), plan, dry_run=dry_run))


def test_a_row_becomes_an_entry(log: Log, plan: Plan) -> None:
    """Contracts 10: columns, fixed texts, words for words and the zone; an unmapped column is nowhere."""
    assert [line.result for line in imported(log, plan, GOOD)] == ["recorded"]
    entry = next(log.rows(Query(), viewer=operator(ORG)))
    assert (entry.action, entry.occurred_at) == ("role.assigned", "2026-03-02T08:15:00.000000Z")
    assert entry.sentence == "Anna Berg gave Bob Li the role Manager"
    assert "secret" not in str(entry)


def test_twice_adds_nothing(log: Log, plan: Plan) -> None:
    """Contracts 10: the row's own id makes the entry's, so a repetition is one; other content under it is refused."""
    imported(log, plan, GOOD)
    assert [line.result for line in imported(log, plan, GOOD)] == ["replayed"]
    (changed,) = imported(log, plan, GOOD.replace("u-42", "u-43"))
    assert (changed.result, changed.refused and changed.refused.code) == ("refused", "entry-conflict")
    assert log.size(viewer=operator(ORG)) == 1
    other = Plan(**{name: getattr(plan, name) for name in plan.__struct_fields__} | {"source": "another"})
    assert [line.result for line in imported(log, other, GOOD)] == ["recorded"]


def test_without_an_id_the_row_itself_tells(log: Log) -> None:
    """Contracts 10: two rows alike are one entry, two that differ are two; on an empty log none was there already."""
    plan = read_plan(MAPPING.replace('line_id = "No"', "").encode())
    rows = GOOD + GOOD + GOOD.replace("1,", "2,", 1)
    assert [line.result for line in imported(log, plan, rows)] == ["recorded", "repeated", "recorded"]
    assert [line.result for line in imported(log, plan, rows)] == ["replayed"] * 3


def test_what_a_column_says_today_is_no_part_of_the_row(log: Log) -> None:
    """A hint tells namesakes apart; without an id of its own, a row with another one is the same row."""
    member = '"concerns.member.hint" = "Salary"'
    text = MAPPING.replace('line_id = "No"', "").replace("[fixed]", f"{member}\n[fixed]")
    plan, other = read_plan(text.encode()), GOOD.replace("secret", "Field south")
    assert [line.result for line in imported(log, plan, GOOD + other)] == ["recorded", "repeated"]
    assert log.hints([("user", "u-42")], viewer=operator(ORG)) == {("user", "u-42"): "secret"}
    long = GOOD.replace("1,", "2,", 1).replace("secret", "x" * 90)
    assert [line.names for line in imported(log, plan, long)] == [("cut",)]
    assert log.hints([("user", "u-42")], viewer=operator(ORG)) == {("user", "u-42"): "x" * 79 + "…"}
    listed = text + '[lists]\n"concerns.member" = "|"\n'
    with pytest.raises(ConfigurationError, match="has a hint, which is of one item"):
        read_plan(listed.encode())


def test_a_poisonous_row_harms_nobody(log: Log, plan: Plan) -> None:
    """Each bad row is refused with its line and reason; every other is recorded."""
    bad = [
        GOOD.replace("Role given", "Role eaten"),
        GOOD.replace("02.03.2026", "2026-03-02"),
        GOOD.replace("02.03.2026 09:15", "29.03.2026 02:30"),
        GOOD.replace("u-17", "u-\x0717"),
        GOOD.replace("u-17", ""),
        "1,2,3\n",
        '7,"a"b,c\n',
        GOOD.replace("1,", ",", 1),
    ]
    rows = [row for at, row in enumerate(bad) for row in (GOOD.replace("1,", f"g{at},", 1), row)]
    lines = imported(log, plan, "".join(rows))
    assert [line.result for line in lines] == ["recorded", "refused"] * len(bad)
    assert [line.number for line in lines] == list(range(2, 2 + len(rows)))
    assert all(line.refused is not None and line.refused.detail for line in lines[1::2])
    raw = (HEADING + GOOD).encode() + GOOD.replace("1,", "x,", 1).replace("Anna", "An?a").encode().replace(
        b"?", b"\xff"
    )
    assert [line.result for line in imported(log, plan, raw)][1] == "refused"


def test_a_row_of_several_lines_is_named_by_its_first(log: Log, plan: Plan) -> None:
    """The number is where an editor finds the row."""
    rows = GOOD.replace("u-17", '"u-\n17"') + GOOD.replace("1,", "2,", 1)
    first, second = imported(log, plan, rows)
    assert (first.number, first.result) == (2, "refused")
    assert (second.number, second.result) == (4, "recorded")


def test_a_dry_run_judges_against_the_log_and_records_nothing(log: Log, plan: Plan) -> None:
    """Contracts 10: what is in the log, what would conflict, what could be recorded; and then the same is so."""
    imported(log, plan, GOOD)
    rows = GOOD + GOOD.replace("u-42", "u-43") + GOOD.replace("1,", "2,", 1) + GOOD.replace("1,", "3,", 1) * 2
    dry = imported(log, plan, rows, dry_run=True)
    assert [line.result for line in dry] == ["replayed", "refused", "acceptable", "acceptable", "repeated"]
    assert log.size(viewer=operator(ORG)) == 1
    wet = imported(log, plan, rows)
    assert [line.result for line in wet] == ["replayed", "refused", "recorded", "recorded", "repeated"]
    assert [line.id for line in wet] == [line.id for line in dry]


@pytest.mark.parametrize(
    ("was", "now", "named"),
    [
        ('source = "old-hr"', "", "source"),
        ("[columns]", "[colums]", "colums"),
        ('action = "What"', 'acton = "What"', "acton"),
        ('action = "What"', 'action = "Which"', "Which"),
        ('"concerns.member.id"', '"concerns.member.salary"', "concerns.member.salary"),
        ('"actor.kind" = "person"', '"actor.id" = "x"', "actor.id"),
        ('"Europe/Oslo"', '"Mars/Olympus"', "Mars"),
        ("[fixed]", "[fixed", "mapping"),
        ("[values.action]", "[values.outcome]", "outcome"),
        ('line_id = "No"', 'delimiter = "::"', "delimiter"),
        ('line_id = "No"', "delimiter = '\"'", "delimiter"),
        ('line_id = "No"', 'separator = ""', "separator"),
        ('"%d.%m.%Y %H:%M"', '"%H:%M"', "time_format"),
        ('line_id = "No"', 'leave_out = ["occurred_at"]', "occurred_at"),
        ('line_id = "No"', 'leave_out = ["purpose"]', "purpose"),
        ('line_id = "No"', "first_address = true", "origin.ip"),
        ("[fixed]", '[lists]\n"concerns.owner" = ";"\n[fixed]', "concerns.owner"),
        ("[fixed]", '[lists]\n"target" = ";"\n[fixed]', "target"),
        ("[fixed]", '[skip]\n"Kind" = ["x"]\n[fixed]', "Kind"),
        ("[fixed]", '[headings]\n"No" = ["a", "b"]\n[fixed]', "No"),
        ("[fixed]", '[headings]\n"Salary" = ["No"]\n[fixed]', "twice"),
    ],
)
def test_a_mapping_that_cannot_be_is_named(log: Log, was: str, now: str, named: str) -> None:
    """Nothing is imported under a mapping that means something else than it says."""
    assert was in MAPPING
    with pytest.raises(ConfigurationError, match=named):
        imported(log, read_plan(MAPPING.replace(was, now).encode()), GOOD)
    assert log.size(viewer=operator(ORG)) == 0


def test_what_tells_a_row_apart_is_json_of_it(log: Log, plan: Plan) -> None:
    """The ids of rows stay what they were: rows that were imported once are in the log already."""
    cells = 'x"\\,02.03.2026 09:15,Role given,u-17,Bjørn,r-3,u-42, secret '.split(",")
    columns = HEADING.strip().split(",")
    whole = json.dumps(["csv", "old-hr", sorted(zip(columns, cells, strict=True))], separators=(",", ":"))
    own = json.dumps(["csv", "old-hr", [cells[0]]], separators=(",", ":"))
    row = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n"
    assert [line.id for line in imported(log, plan, row)] == [log.id_from(own)]
    without = read_plan(MAPPING.replace('line_id = "No"', "").encode())
    assert [line.id for line in imported(log, without, row)] == [log.id_from(whole)]
