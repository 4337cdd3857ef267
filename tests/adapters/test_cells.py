"""Cells into entries: only what the mapping names is looked at, and what an entry can be without costs no row."""

import pytest
from tests.adapters.small import imported, plan_of, recorded, results, why

from trailbook import Log
from trailbook.adapters.members import first_address

HEADING = "When,What,Uid,User,Rid,Role,Mid,Member,Note\n"
CELLS = ["2024-09-07T10:00:00", "role.assigned", "u-1", "Kari", "r-1", "Boss", "u-2", "Per", ""]


def file(*rows: list[str] | dict[int, str]) -> bytes:
    """A file of rows, each as it stands or as CELLS with some of them changed."""
    lists = [
        [row.get(at, cell) for at, cell in enumerate(CELLS)] if isinstance(row, dict) else row for row in rows
    ]
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in lists]
    return (HEADING + "".join(quoted)).encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("note", ["x" * 3_000_000, "line\n" * 10_000, "\udcff\x07\u202e"])
def test_a_cell_that_no_member_names_is_never_looked_at(log: Log, note: str) -> None:
    assert results(imported(log, file({8: note}), plan_of())) == {"recorded": 1}
    (line,) = imported(log, file({2: note, 8: ""}), plan_of())  # the control: in a member it is refused
    assert "/actor/id" in why(line)


def test_bytes_that_are_not_utf_8_are_refused_where_a_member_has_them(log: Log) -> None:
    (line,) = imported(log, file({3: "K\udce5re"}), plan_of())
    assert why(line) == "/actor/name: is not UTF-8"
    assert results(imported(log, file({3: "Kåre"}), plan_of())) == {"recorded": 1}


@pytest.mark.parametrize(
    ("name", "kept", "mend"),
    [
        ("Zoe\u0308", "Zoë", "composed"),
        ("Kari\nHolm\t\x07Lie", "Kari Holm Lie", "composed"),
        ("x" * 301, "x" * 299 + "…", "cut"),
        ("\x07\u202e", None, "left out"),
    ],
)
def test_a_name_never_decides_whether_a_fact_exists(log: Log, name: str, kept: str | None, mend: str) -> None:
    """Composed, cut with a mark or left out, and said; importing again adds nothing."""
    (line,) = imported(log, file({3: name}), plan_of())
    assert (line.result, line.names) == ("recorded", (mend,))
    assert recorded(log)[0].actor.name == kept
    assert results(imported(log, file({3: name}), plan_of())) == {"replayed": 1}


def test_a_name_of_a_type_that_takes_none_is_left_out(log: Log) -> None:
    """The sensitive types have no names, whatever a file has; with the type of a role it is kept."""
    plan = plan_of(more='[values.action]\n"registered" = "absence.registered"\n')
    plan.fixed["target.type"] = "absence"
    plan.fixed["concerns.owner.type"] = "user"
    plan.columns["concerns.owner.id"] = "Mid"
    del plan.columns["concerns.member.id"]
    (line,) = imported(log, file({1: "registered"}), plan)
    assert (line.result, line.names) == ("recorded", ("left out",))
    assert recorded(log)[0].target.name is None


@pytest.mark.parametrize("separator", ["; ", "|", "\n"])
def test_several_items_in_one_cell(log: Log, separator: str) -> None:
    """Ids and names in step; an empty id is nobody; names that are not as many are left out and said."""
    mark = separator.strip(" ").replace("\n", "\\n")
    plan = plan_of(more=f'[lists]\n"concerns.member" = "{mark}"\n')
    ids, names = separator.join(["u-2", "", "u-4"]), separator.join(["Per", "nobody", "Siv"])
    first, second = imported(log, file({6: ids, 7: names}, {6: ids, 7: "Per"}), plan)
    assert (first.result, first.left_out) == ("recorded", ())
    assert (second.result, second.left_out) == ("recorded", ("concerns.member.name",))
    whom = [sorted((item.id, item.name) for item in entry.concerns) for entry in recorded(log)]
    assert whom[0] == [("u-2", "Per"), ("u-4", "Siv")]
    assert [id_ for id_, _ in whom[1]] == ["u-2", "u-4"]


@pytest.mark.parametrize("id_", ["u-2;u-3", "u-2, u-3", "cn=per,ou=people"])
def test_an_id_that_looks_like_several_is_refused_unless_the_mapping_says_it_is_one(
    log: Log, id_: str
) -> None:
    for at, item in ((2, "actor"), (4, "target"), (6, "concerns.member")):
        (line,) = imported(log, file({at: id_}), plan_of())
        assert "looks like several" in why(line)
        one_id = plan_of(more=f'[lists]\n"{item}" = ""\n')
        assert results(imported(log, file({at: id_}), one_id)) == {"recorded": 1}


SECONDARY = {
    "origin.ip": ("ec2.amazonaws.com", "10.0.0.1"),
    "origin.user_agent": ("x" * 501, "Mozilla/5.0"),
    "correlation": ("x" * 201, "c-1"),
    "caused_by": ("no uuid", "019a3c1e-7d2b-7c40-9f0e-6f1f0a6f2b10"),
    "effective_at": ("soon", "2024-10-01"),
    "purpose": ("because", "onboarding"),
    "fields": ("name; shoe_size", "name"),
}


@pytest.mark.parametrize("member", SECONDARY)
def test_a_secondary_cell_that_does_not_read_is_left_out_where_the_mapping_allows_it(
    log: Log, member: str
) -> None:
    """With a count, and never the row; without the mapping's word the row is refused, and a good cell stays."""
    bad, good = SECONDARY[member]
    action = "role.updated" if member == "fields" else CELLS[1]
    plan, lenient = plan_of(), plan_of()
    for each in (plan, lenient):
        each.columns[member] = "Note"
        if member == "fields":
            del each.columns["concerns.member.id"]
    lenient.leave_out.append(member)
    (refused,) = imported(log, file({1: action, 8: bad}), plan)
    assert refused.result == "refused"
    lines = imported(log, file({1: action, 8: bad}, {1: action, 8: good}), lenient)
    assert [(line.result, line.left_out) for line in lines] == [("recorded", (member,)), ("recorded", ())]


def test_rows_are_skipped_on_purpose(log: Log) -> None:
    """Blank ones, and those that the mapping says; they are counted."""
    plan = plan_of(more='[skip]\n"What" = ["page.viewed"]\n')
    blank: list[str] = [""] * len(CELLS)
    lines = imported(log, file({}, blank, {1: " page.viewed "}) + b"\n , , \n,,,,,,, ,\n", plan)
    assert [line.result for line in lines] == [
        "recorded",
        "skipped",
        "skipped",
        "skipped",
        "refused",
        "skipped",
    ]
    assert results(imported(log, file({1: "page.viewed"}), plan_of())) == {"refused": 1}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("10.0.0.1:443", "10.0.0.1"),
        ("10.0.0.1, 192.168.0.1", "10.0.0.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1;10.0.0.1", "2001:db8::1"),
        ("ec2.amazonaws.com", "ec2.amazonaws.com"),
        ("host:443", "host:443"),
        ("[]:1", "[]:1"),
        (",10.0.0.1", ",10.0.0.1"),
    ],
)
def test_the_first_address(text: str, address: str) -> None:
    assert first_address(text) == address


def test_soon_no_action_is_guessed_at(log: Log) -> None:
    """To look for the nearest of all that are declared takes long; refusing does not take longer for it."""
    lines = imported(log, file(*({1: f"role.asigned{at}"} for at in range(60))), plan_of())
    assert results(lines) == {"refused": 60}
    assert {line.refused.code for line in lines if line.refused} == {"action-unknown"}
    assert "nearest" in why(lines[0])
    assert "nearest" not in why(lines[-1])
