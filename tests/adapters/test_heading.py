"""Importing a table: what is wrong with all of a file is said once, and the plan may come from anywhere."""

import pytest
from tests.adapters.small import CASES, imported, plan_of, recorded, results

from trailbook import Log
from trailbook.adapters.mapping import Plan
from trailbook.errors import ConfigurationError

GOOD = (CASES / "padded-cells.csv").read_bytes()


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b"", "has no heading"),
        (b"\n\n", "has no heading"),
        (GOOD.decode().encode("utf-16"), "UTF-16"),
        (GOOD.decode().encode("utf-16-be"), "UTF-16"),
        (GOOD.replace(b",", b";"), "delimiter is ',' here, and ';' in the file"),
        (GOOD.replace(b",", b"\t"), "headings are 'When\\tWhat"),
        (b"sep=,\r\n" + GOOD, "sep="),
        (b"sep=;\r\n" + GOOD.replace(b",", b";"), "sep="),
        (GOOD.replace(b"Uid", b"U\xefd"), "not UTF-8"),
        (
            GOOD.replace(b"Uid", b"Id").replace(b"Rid", b"No"),
            "no column 'Uid', 'Rid'; its headings are 'When', ",
        ),
        (GOOD.replace(b"\n", b"\r"), "carriage return"),
        (GOOD.replace(b"Member", b'"Member'), "heading of the file, on line 1, opens a quotation"),
    ],
)
def test_one_cause_is_one_message(log: Log, raw: bytes, word: str) -> None:
    """What is wrong with all of a file is said once, and nothing of it is recorded."""
    with pytest.raises(ConfigurationError) as error:
        imported(log, raw, plan_of())
    assert word in error.value.detail
    assert recorded(log) == []


def test_blank_lines_before_the_heading_and_a_mark_before_it_do_no_harm(log: Log) -> None:
    lines = imported(log, b"\xef\xbb\xbf\r\n\n" + GOOD.replace(b"When", b" When "), plan_of())
    assert results(lines) == {"skipped": 2, "recorded": 5}
    assert [line.number for line in lines] == [1, 2, 4, 5, 6, 7, 9]


def test_the_plan_is_the_callers(log: Log) -> None:
    """A mapping made in Python reads like one from a file."""
    plan = plan_of()
    made = Plan(source=plan.source, columns=plan.columns, fixed=plan.fixed, zone="UTC")
    assert results(imported(log, GOOD, made)) == {"recorded": 5}
