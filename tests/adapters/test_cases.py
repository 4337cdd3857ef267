"""The small inputs of `cases/`: each stands for a kind of fault, with its right outcome and its control."""

import io

import pytest
from tests.adapters.small import CASES, imported, plan_of, recorded, results, why

from trailbook import Log
from trailbook.adapters.files import import_jsonl
from trailbook.adapters.mapping import read_plan
from trailbook.errors import ConfigurationError
from trailbook.finding.answers import Shown

LISTS = '[lists]\n"concerns.member" = ";"\n'


def whom(entry: Shown) -> list[tuple[str | None, str | None]]:
    """Id and name of whom an entry concerns."""
    return sorted((item.id, item.name) for item in entry.concerns)


def test_milliseconds_are_no_time_unless_the_mapping_says_so(log: Log) -> None:
    """Never the year 1612; nor are `20210203`, week dates, and a letter other than `T`."""
    lines = imported(log, "epoch-ms.csv", plan_of())
    assert results(lines) == {"refused": 6}
    assert {line.refused.faults[0].pointer for line in lines} == {"/occurred_at"}  # type: ignore[union-attr]
    lines = imported(log, "epoch-ms.csv", plan_of(top='time_format = "epoch-ms"'))
    assert [line.result for line in lines] == ["recorded"] * 3 + ["refused"] * 3
    assert [entry.occurred_at for entry in recorded(log)] == [
        "2021-01-31T13:50:12.000000Z",
        "2021-01-31T13:51:39.999000Z",
        "2024-04-02T23:36:52.030000Z",
    ]


def test_the_lines_that_an_open_quotation_spans_are_refused(log: Log) -> None:
    """Named and counted; the others are recorded, and with the stray mark mended all five are, each once."""
    lines = imported(log, "stray-quote.csv", plan_of())
    assert [(line.number, line.result) for line in lines] == [
        (2, "recorded"),
        (3, "refused"),
        (4, "refused"),
        (5, "refused"),
        (6, "recorded"),
    ]
    mended = (CASES / "stray-quote.csv").read_bytes().replace(b'"Manager,u-22', b"Manager,u-22")
    assert results(imported(log, mended, plan_of())) == {"recorded": 3, "replayed": 2}


def test_a_heading_that_stands_twice_is_refused_unless_told_apart(log: Log) -> None:
    """Two rows that differ in the second column of that name are two entries."""
    with pytest.raises(ConfigurationError, match="'Note' stands twice"):
        imported(log, "duplicate-heading.csv", plan_of())
    apart = plan_of(more='[headings]\nNote = ["First note", "Second note"]\n')
    assert results(imported(log, "duplicate-heading.csv", apart)) == {"recorded": 2}
    assert results(imported(log, "duplicate-heading.csv", apart)) == {"replayed": 2}


def test_space_around_cells_is_taken_off_and_names_are_composed(log: Log) -> None:
    lines = imported(log, "padded-cells.csv", plan_of())
    assert results(lines) == {"recorded": 5}
    assert [line.names for line in lines] == [(), (), (), ("composed",), ("composed",)]
    entries = recorded(log)
    assert {entry.actor.id for entry in entries} == {"u-1"}
    assert [entry.actor.name for entry in entries] == ["Kari", "Kari", "Kari", "Kari Holm", "Zoë"]
    (inside,) = imported(
        log,
        b'When,What,Uid,User,Rid,Role,Mid,Member\n2024-09-08T10:00:00,role.assigned,"u-\n1",K,r-1,B,u-2,P\n',
        plan_of(),
    )
    assert "/actor/id" in why(inside)


def test_a_list_in_a_cell_is_several_members_only_if_the_mapping_says_so(log: Log) -> None:
    """Never one person `u-2;u-3`."""
    (line,) = imported(log, "several-in-one-cell.csv", plan_of())
    assert "/concerns/member/id" in why(line)
    assert results(imported(log, "several-in-one-cell.csv", plan_of(more=LISTS))) == {"recorded": 1}
    assert whom(recorded(log)[0]) == [("u-2", "Per"), ("u-3", "Siv")]


def test_an_empty_id_leaves_the_item_out(log: Log) -> None:
    lines = imported(log, "on-behalf-of-empty.csv", plan_of("mapping-on-behalf-of.toml"))
    assert results(lines) == {"recorded": 2}
    assert [entry.on_behalf_of and entry.on_behalf_of.id for entry in recorded(log)] == [None, "u-9"]


@pytest.mark.parametrize(
    ("top", "refused", "left_out", "addresses"),
    [
        ("", 3, 0, [None]),
        ('leave_out = ["origin.ip"]', 0, 3, [None] * 4),
        ("first_address = true", 1, 0, [None, "10.0.0.1", "10.0.0.1"]),
        ('first_address = true\nleave_out = ["origin.ip"]', 0, 1, [None, None, "10.0.0.1", "10.0.0.1"]),
    ],
)
def test_what_is_no_address_is_left_out_if_the_mapping_says_so(
    log: Log, top: str, refused: int, left_out: int, addresses: list[str | None]
) -> None:
    """The row stays, and the cell is counted; a port or a list gives the first address if the mapping says so."""
    lines = imported(log, "origin-ip-words.csv", plan_of("mapping-ip.toml", top=top))
    assert results(lines).get("refused", 0) == refused
    assert [member for line in lines for member in line.left_out] == ["origin.ip"] * left_out
    assert [entry.origin.ip for entry in recorded(log)] == addresses


def test_a_byte_order_mark_and_blank_lines_are_no_reason_to_refuse(log: Log) -> None:
    raw = (CASES / "bom-and-blank.jsonl").read_bytes()
    lines = list(import_jsonl(log, io.BytesIO(raw)))
    assert [(line.number, line.result) for line in lines] == [
        (1, "recorded"),
        (2, "skipped"),
        (3, "recorded"),
    ]
    again = b"\n" + raw.replace(
        b"\xef\xbb\xbf", b" \xef\xbb\xbf", 1
    )  # the control: elsewhere it is no such mark
    assert [line.result for line in import_jsonl(log, io.BytesIO(again))] == [
        "skipped",
        "refused",
        "skipped",
        "replayed",
    ]


def test_a_mapping_with_a_byte_order_mark_is_read() -> None:
    assert plan_of() == read_plan((CASES / "mapping-with-bom.toml").read_bytes())
    with pytest.raises(ConfigurationError, match="the mapping: is UTF-16"):
        read_plan("source = 'x'".encode("utf-16"))
