"""Strict JSON: what readers could understand differently is refused, saying where."""

import json
import tracemalloc

import pytest

from trailbook.errors import InvalidError
from trailbook.web.http import strict_json

MALFORMED = {
    "duplicate key": (b'{"a": {"b": 1, "b": 1}}', "/a/b"),
    "byte order mark": (b'\xef\xbb\xbf{"a": 1}', None),
    "NaN": (b'{"a": NaN}', None),
    "Infinity": (b'{"a": -Infinity}', None),
    "half a surrogate pair": (b'{"a": ["\\ud800"]}', "/a/0"),
    "half a surrogate pair as a name": (b'{"\\udc00": 1}', ""),
    "not UTF-8": (b'{"a": "\xff"}', None),
    "cut off": (b'{"a": ', None),
    "two values": (b"{} {}", None),
    "nothing": (b"", None),
    "a trailing comma": (b'{"a": 1,}', None),
}
BEYOND = {
    "a float": (b'{"a": [1, 2.5]}', "/a/1"),
    "an exponent": (b'{"a": 1e2}', "/a"),
    "an integer above 2^53 - 1": (b'{"a": 9007199254740992}', "/a"),
    "one below": (b'{"a": -9007199254740992}', "/a"),
    "one of a thousand digits": (b'{"a": ' + b"9" * 1000 + b"}", "/a"),
    "depth 9": (b"[" * 9 + b"]" * 9, "/0/0/0/0/0/0/0/0"),
    "depth 100,000": (b"[" * 100_000, ""),
    "201 members": (json.dumps({"a": dict.fromkeys(map(str, range(201)))}).encode(), "/a"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed(case: str) -> None:
    """Refused as malformed, with a pointer where there is a place to point to."""
    raw, pointer = MALFORMED[case]
    with pytest.raises(InvalidError) as refused:
        strict_json.strict(raw)
    assert refused.value.code == "malformed"
    assert [fault.pointer for fault in refused.value.faults] == ([] if pointer is None else [pointer])


@pytest.mark.parametrize("case", BEYOND)
def test_beyond(case: str) -> None:
    """JSON that this project has no number or room for is refused with a pointer."""
    raw, pointer = BEYOND[case]
    with pytest.raises(InvalidError) as refused:
        strict_json.strict(raw)
    assert (refused.value.code, refused.value.faults[0].pointer) == ("entry-invalid", pointer)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": {"b": 1, "c": 1}, "b": 1}',
        b'{"a": 9007199254740991, "b": -9007199254740991, "c": null, "d": true}',
        b"[" * 8 + b"]" * 8,
        json.dumps({"a": dict.fromkeys(map(str, range(200)))}).encode(),
        '{"a": "æøå 𝄞", "b": "\\ud834\\udd1e"}'.encode(),
    ],
)
def test_at_the_edge_is_read(raw: bytes) -> None:
    """The same without the fault is read as any other reader reads it."""
    assert strict_json.strict(raw) == json.loads(raw)


def test_the_size_of_one_entry() -> None:
    """256 KiB are read, a byte more is not."""
    text = b'"' + b"x" * (strict_json.MAX_ENTRY - 2) + b'"'
    assert len(strict_json.strict(text)) == strict_json.MAX_ENTRY - 2
    with pytest.raises(strict_json.TooLargeError):
        strict_json.strict(text + b" ")


def test_lines() -> None:
    """A last line may end or not; an empty one between others is a line, and refused when read."""
    assert strict_json.lines(b"{}\n{}\n") == strict_json.lines(b"{}\n{}") == [b"{}", b"{}"]
    assert strict_json.lines(b"{}\n\n{}") == [b"{}", b"", b"{}"]
    assert len(strict_json.lines(b"{}\n" * strict_json.MAX_LINES)) == strict_json.MAX_LINES
    with pytest.raises(strict_json.BatchTooLargeError):
        strict_json.lines(b"{}\n" * (strict_json.MAX_LINES + 1))


def test_a_million_objects_are_not_made() -> None:
    """Fifteen megabytes of `{},` took three hundred to refuse; the control is what a list of as many objects takes."""
    raw = b"[" + b"{}," * 100_000 + b"{}]"
    tracemalloc.start()
    with pytest.raises(strict_json.BatchTooLargeError):
        strict_json.elements(raw)
    refused = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    json.loads(raw)
    made = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused * 10 < made


def test_elements() -> None:
    """Elements come back as sent; anything but objects, and one too many, is refused."""
    assert strict_json.elements(b'[{"a": 1}, {"a": 1.5}]') == [b'{"a": 1}', b'{"a": 1.5}']
    assert (
        len(strict_json.elements(b"[" + b",".join([b"{}"] * strict_json.MAX_LINES) + b"]"))
        == strict_json.MAX_LINES
    )
    with pytest.raises(strict_json.BatchTooLargeError):
        strict_json.elements(b"[" + b",".join([b"{}"] * (strict_json.MAX_LINES + 1)) + b"]")
    for raw in (b"{}", b"[1]", b"[{}", b"[" * 100_000):
        with pytest.raises(strict_json.MalformedError):
            strict_json.elements(raw)
